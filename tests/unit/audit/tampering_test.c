/*
 * Property: whatever somebody who owns the database does to the log, verifying it finds out. Each
 * case starts from the same sealed log, whose last checkpoint stands in the file.
 */
#include "chained.h"

#include "../../property/gen.h"
#include "db/statement.h"

#define ENTRIES                     24
#define CASES_SQLITE                3000
#define CASES_POSTGRES              150
#define STATEMENT(id, params, text) static const struct db_statement id = {#id, text, params}

STATEMENT(reset_audit, 0, "DELETE FROM audit");
STATEMENT(refill_audit, 0, "INSERT INTO audit SELECT * FROM audit_copy");
STATEMENT(reset_head, 0, "DELETE FROM audit_head");
STATEMENT(refill_head, 0, "INSERT INTO audit_head SELECT * FROM head_copy");
STATEMENT(reset_kept, 0, "DELETE FROM audit_checkpoints");
STATEMENT(refill_kept, 0, "INSERT INTO audit_checkpoints SELECT * FROM kept_copy");
STATEMENT(reset_keys, 0, "DELETE FROM audit_keys");
STATEMENT(refill_keys, 0, "INSERT INTO audit_keys SELECT * FROM keys_copy");

/* One column of entry $1 gets another value. */
static const struct db_statement edits[] = {
	{"edit_id", "UPDATE audit SET id = id || 'x' WHERE seq = $1", 1},
	{"edit_at", "UPDATE audit SET at = at - 1 WHERE seq = $1", 1},
	{"edit_kind", "UPDATE audit SET actor_kind = 'api_key' WHERE seq = $1", 1},
	{"edit_actor", "UPDATE audit SET actor = 'acc_2' WHERE seq = $1", 1},
	{"edit_action", "UPDATE audit SET action = '' WHERE seq = $1", 1},
	{"edit_object", "UPDATE audit SET object = object || ' ' WHERE seq = $1", 1},
	{"edit_outcome", "UPDATE audit SET outcome = 'refused' WHERE seq = $1", 1},
	{"edit_ip", "UPDATE audit SET ip_prefix = '10.0.0.0/24' WHERE seq = $1", 1},
	{"edit_request", "UPDATE audit SET request_id = 'r2' WHERE seq = $1", 1},
	{"edit_detail", "UPDATE audit SET detail = '{\"a\":2}' WHERE seq = $1", 1},
	{"edit_hash_lost", "UPDATE audit SET hash = NULL WHERE seq = $1", 1},
	{"edit_seq_lost", "UPDATE audit SET seq = NULL WHERE seq = $1", 1},
	{"edit_seq_negative", "UPDATE audit SET seq = -seq WHERE seq = $1", 1},
	{"edit_seq_beyond", "UPDATE audit SET seq = seq + 1000 WHERE seq = $1", 1},
};
STATEMENT(edit_hash, 2, "UPDATE audit SET hash = $1 WHERE seq = $2");
STATEMENT(delete_range, 2, "DELETE FROM audit WHERE seq >= $1 AND seq <= $2");
STATEMENT(close_gap, 2, "UPDATE audit SET seq = seq - $1 WHERE seq > $2");
STATEMENT(swap_seq, 2,
	"UPDATE audit SET seq = CASE WHEN seq = $1 THEN $2 ELSE $1 END WHERE seq = $1 OR seq = $2");
STATEMENT(shift, 1, "UPDATE audit SET seq = seq + 1 WHERE seq >= $1");
STATEMENT(copy_entry, 2,
	"INSERT INTO audit (id, at, actor, action, object, outcome, ip_prefix, request_id, detail, "
	"actor_kind, seq, hash) SELECT id || 'c', at, actor, action, object, outcome, ip_prefix, "
	"request_id, detail, actor_kind, $1, hash FROM audit WHERE seq = $2");
STATEMENT(write_entry, 5,
	"UPDATE audit SET actor = $1, object = $2, seq = $3, hash = $4 WHERE seq = $5");
STATEMENT(set_head, 2, "UPDATE audit_head SET seq = $1, hash = $2");
STATEMENT(
	sign_head, 4, "UPDATE audit_head SET at = $1, kid = $2, signature = $3, incarnation = $4");
STATEMENT(drop_kept, 1, "DELETE FROM audit_checkpoints WHERE seq >= $1");
STATEMENT(head_to_kept, 0,
	"UPDATE audit_head SET (seq, hash, incarnation, at, kid, signature) = (SELECT seq, hash, "
	"incarnation, at, kid, signature FROM audit_checkpoints ORDER BY seq DESC LIMIT 1)");
STATEMENT(add_key, 2, "INSERT INTO audit_keys (kid, public_key, created_at) VALUES ($1, $2, 1)");
STATEMENT(edit_kept, 0, "UPDATE audit_checkpoints SET at = at + 1");
STATEMENT(shift_kept, 0, "UPDATE audit_checkpoints SET seq = seq + 1");
STATEMENT(drop_rows, 0, "DELETE FROM audit");
STATEMENT(drop_head, 0, "DELETE FROM audit_head");
STATEMENT(clear_head, 0, "UPDATE audit_head SET seq = 0, hash = NULL, kid = ''");

struct tampering {
	struct gen *g;
	const char *what;
	int64_t ends[3];  /* of kept checkpoints; the last is the chain's */
	struct gen begun; /* a body may run again: from the same numbers */
};

static int64_t any_seq(struct tampering *t)
{
	return 1 + (int64_t)(gen_u64(t->g) % ENTRIES);
}

static err edit_one(struct db_tx *tx, struct tampering *t)
{
	const struct db_statement *s = &edits[gen_u64(t->g) % ARRAY_LEN(edits)];

	t->what = s->name;
	return db_exec_values(tx, s, &DB_INT(any_seq(t)), 1, NULL);
}

static err flip_a_bit(struct db_tx *tx, struct tampering *t)
{
	uint8_t hash[SHA256_SIZE];

	for (size_t i = 0; i < sizeof(hash); i++)
		hash[i] = (uint8_t)gen_u64(t->g);
	t->what = "another hash";
	return db_exec(tx, edit_hash, DB_BLOB(span_of(hash, sizeof(hash))), DB_INT(any_seq(t)));
}

static err delete_some(struct db_tx *tx, struct tampering *t)
{
	int64_t from = any_seq(t), to = MIN(ENTRIES, from + (int64_t)(gen_u64(t->g) % 4));
	err e = db_exec(tx, delete_range, DB_INT(from), DB_INT(to));

	t->what = "deleted";
	if (!e && gen_u64(t->g) % 2) {
		t->what = "deleted, those after it moved up";
		e = db_exec(tx, close_gap, DB_INT(to - from + 1), DB_INT(to));
	}
	return e;
}

static err swap_two(struct db_tx *tx, struct tampering *t)
{
	int64_t a = any_seq(t), b = any_seq(t);

	t->what = "swapped";
	if (a == b)
		b = a % ENTRIES + 1;
	return db_exec(tx, swap_seq, DB_INT(a), DB_INT(b));
}

static err insert_one(struct db_tx *tx, struct tampering *t)
{
	int64_t at = any_seq(t), of = any_seq(t);
	err e = OK;

	switch (gen_u64(t->g) % 3) {
	case 0:
		t->what = "inserted, those after it moved down";
		e = db_exec(tx, shift, DB_INT(at));
		of += of >= at;
		break;
	case 1:
		t->what = "two with one number";
		break;
	default:
		t->what = "inserted beyond the end";
		at = ENTRIES + 1;
	}
	return e ? e : db_exec(tx, copy_entry, DB_INT(at), DB_INT(of));
}

/* The end is cut off and the head made to fit, as far as one can without the key. */
static err cut_the_end(struct db_tx *tx, struct tampering *t)
{
	AUTO_PTR(arena) a = arena_new();
	int64_t last = any_seq(t) - 1;
	struct audit_entry entry = {0};
	size_t count = 0;
	err e = OK;

	if (last > 0)
		e = audit_find_after(tx, a, last - 1, 1, &entry, &count);
	if (!e)
		e = db_exec(tx, delete_range, DB_INT(last + 1), DB_INT(ENTRIES));
	if (!e)
		e = db_exec(tx, drop_kept, DB_INT(last + 1));
	switch (gen_u64(t->g) % 3) {
	case 0:
		t->what = "cut";
		return e;
	case 1:
		t->what = "cut, with the head";
		return e ? e
			 : db_exec(tx, set_head, DB_INT(last),
				   DB_BLOB(span_of(entry.hash, sizeof(entry.hash))));
	default: /* an old head, its signature good */
		t->what = "cut, with a head of before";
		if (!e && last < t->ends[0])
			return db_exec(tx, clear_head);
		if (!e)
			e = db_exec(tx, head_to_kept);
		last = last >= t->ends[1] ? t->ends[1] : t->ends[0];
		return e ? e : db_exec(tx, delete_range, DB_INT(last + 1), DB_INT(ENTRIES));
	}
}

/* From one entry on everything is made anew, hashes included. */
static err rewrite(struct db_tx *tx, struct tampering *t, struct checkpoint *head)
{
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) scratch = {0};
	struct audit_entry list[ENTRIES];
	uint8_t before[SHA256_SIZE] = {0};
	int64_t from = any_seq(t);
	size_t count = 0;
	err e = audit_find_after(tx, a, 0, ENTRIES, list, &count);

	buf_init(&scratch, AUDIT_ENTRY_MAX);
	for (size_t i = 0; !e && i < count; i++) {
		if (list[i].seq == from)
			list[i].actor = SPAN("somebody else");
		if (list[i].seq >= from)
			e = audit_entry_hash(&list[i], before, &scratch, list[i].hash);
		memcpy(before, list[i].hash, sizeof(before));
		if (!e && list[i].seq >= from)
			e = db_exec(tx, write_entry, DB_TEXT(list[i].actor),
				DB_TEXT(list[i].object), DB_INT(list[i].seq),
				DB_BLOB(span_of(before, sizeof(before))), DB_INT(list[i].seq));
	}
	*head = (struct checkpoint){.seq = ENTRIES, .at_us = NOW};
	memcpy(head->hash, before, sizeof(before));
	return e ? e
		 : db_exec(tx, set_head, DB_INT(ENTRIES), DB_BLOB(span_of(before, sizeof(before))));
}

static err rewrite_the_end(struct db_tx *tx, struct tampering *t)
{
	struct checkpoint head;
	err e = rewrite(tx, t, &head);

	t->what = "rewritten";
	if (!e && gen_u64(t->g) % 2) {
		t->what = "rewritten, no checkpoints";
		e = db_exec(tx, reset_kept);
	}
	return e;
}

/* With a key that is theirs, put where ours are. */
static err rewrite_and_sign(struct db_tx *tx, struct tampering *t)
{
	AUTO_PTR(eckey) key = NULL;
	uint8_t point[ECKEY_PUBLIC_SIZE];
	struct checkpoint head;
	err e = rewrite(tx, t, &head);

	t->what = "rewritten and signed with another key";
	if (!e)
		e = eckey_generate(&key);
	if (!e)
		e = checkpoint_sign(&head, key, "theirs");
	if (e)
		return e;
	eckey_public(key, point);
	e = db_exec(tx, add_key, DB_CSTR("theirs"), DB_BLOB(span_of(point, sizeof(point))));
	if (!e)
		e = db_exec(tx, sign_head, DB_INT(NOW), DB_CSTR("theirs"),
			DB_BLOB(span_of(head.signature, sizeof(head.signature))), DB_INT(0));
	return e ? e : db_exec(tx, reset_kept);
}

static err start_anew(struct db_tx *tx, struct tampering *t)
{
	err e = db_exec(tx, drop_rows);

	t->what = "everything deleted";
	if (!e)
		e = gen_u64(t->g) % 2 ? db_exec(tx, drop_head) : db_exec(tx, clear_head);
	return e ? e : db_exec(tx, reset_kept);
}

static err spoil_checkpoints(struct db_tx *tx, struct tampering *t)
{
	t->what = "checkpoints changed";
	return gen_u64(t->g) % 2 ? db_exec(tx, edit_kept) : db_exec(tx, shift_kept);
}

static err tamper(struct db_tx *tx, void *arg)
{
	static err (*const kinds[])(struct db_tx *, struct tampering *) = {edit_one, edit_one,
		edit_one, flip_a_bit, delete_some, delete_some, swap_two, insert_one, cut_the_end,
		cut_the_end, rewrite_the_end, rewrite_and_sign, start_anew, spoil_checkpoints};
	struct tampering *t = arg;

	*t->g = t->begun;
	return kinds[gen_u64(t->g) % ARRAY_LEN(kinds)](tx, t);
}

static err refill(struct db_tx *tx, void *arg UNUSED)
{
	static const struct db_statement *const all[] = {&reset_audit, &refill_audit, &reset_head,
		&refill_head, &reset_kept, &refill_kept, &reset_keys, &refill_keys};
	err e = OK;

	for (size_t i = 0; !e && i < ARRAY_LEN(all); i++)
		e = db_exec_values(tx, all[i], NULL, 0, NULL);
	return e;
}

static void prepare(struct chained *c, struct tampering *t)
{
	for (size_t part = 0; part < ARRAY_LEN(t->ends); part++) {
		for (int i = 0; i < ENTRIES / 3; i++) {
			char name[] = {'o', (char)('a' + i), '\0'};

			chained_add(c, name);
		}
		chained_seal(c);
		assert_true(chained_keep(c, true));
		t->ends[part] = (int64_t)(part + 1) * (ENTRIES / 3);
	}
	assert_ok(run_script(c->db, "CREATE TABLE audit_copy AS SELECT * FROM audit; "
				    "CREATE TABLE head_copy AS SELECT * FROM audit_head; "
				    "CREATE TABLE kept_copy AS SELECT * FROM audit_checkpoints; "
				    "CREATE TABLE keys_copy AS SELECT * FROM audit_keys"));
	drop_guards(c->db);
}

static bool is_intact(const struct chained *c)
{
	AUTO_PTR(arena) a = arena_new();
	struct audit_report *r;

	assert_ok(chained_verify(a, c, &r));
	assert_true(r->intact == (r->findings_count == 0));
	return r->intact;
}

static void nothing_escapes(struct db *db, const char *parent, unsigned cases)
{
	struct gen g = gen_new("tampering");
	struct tampering t = {.g = &g};
	struct chained c;

	chained_open(&c, db, parent);
	prepare(&c, &t);
	assert_true(is_intact(&c));
	for (unsigned i = 0; i < cases; i++) {
		(void)gen_u64(&g);
		t.begun = g;
		assert_ok(db_transact(db, DB_WRITE, tamper, &t));
		if (is_intact(&c)) {
			print_error("not seen: %s, case %u\n", t.what, i);
			assert_false(true);
		}
		assert_ok(db_transact(db, DB_WRITE, refill, NULL));
	}
	assert_true(is_intact(&c));
	chained_close(&c);
}

/* In memory, where it is possible: it is the log that is tested, not the disk. */
static void nothing_escapes_sqlite(void **state UNUSED)
{
	char dir[] = "/dev/shm/slipway-tampering-XXXXXX", path[64], url[80];
	const char *parent = mkdtemp(dir) ? dir : NULL;
	struct db *db;
	unsigned applied;

	if (!parent)
		skip();
	(void)snprintf(path, sizeof(path), "%s/x.db", dir);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	assert_ok(db_open(
		&(struct db_options){.url = url, .max_sessions = 2, .wait_us = 20000000}, &db));
	assert_ok(db_migrate(db, &applied));
	nothing_escapes(db, dir, CASES_SQLITE);
	db_close(db);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void nothing_escapes_postgresql(void **state)
{
	nothing_escapes(test_db(state), "/tmp", CASES_POSTGRES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_escapes_sqlite),
		ON_POSTGRESQL(nothing_escapes_postgresql),
	};

	return cmocka_run_group_tests(tests, gen_setup, NULL);
}
