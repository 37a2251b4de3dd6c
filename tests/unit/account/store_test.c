/* Accounts, organisations, sessions and API keys on both databases. */
#include "test.h"

#include "account/account.h"
#include "account/api_key.h"
#include "account/session.h"
#include "base/time.h"
#include "db/statement.h"
#include "support/databases.h"

#include <string.h>

#define NOW (INT64_C(20000) * TIME_DAY)
#define TRY(e)                                                                                     \
	do {                                                                                       \
		err e_ = (e);                                                                      \
		if (e_)                                                                            \
			return e_;                                                                 \
	} while (0)

static const struct db_statement count_changes = {
	"count_changes", "SELECT COUNT(*) FROM changes WHERE seq > $1", 1};
static const struct db_statement add_device = {"add_device",
	"INSERT INTO devices (id, licence_id, fingerprint_hash, name, os, arch, state, epoch, "
	"created_at, last_seen_at) VALUES ($1, $2, $3, '', 'linux', 'amd64', 'active', 4, 0, 0)",
	3};
static const struct db_statement add_product = {"add_product",
	"INSERT INTO products (id, name, title, description, countries_denied, countries_allowed, "
	"created_at) VALUES ('prod_a', 'a', '', '', '', '', 0)",
	0};
static const struct db_statement add_licence = {"add_licence",
	"INSERT INTO licences (id, account_id, product_id, organisation_id, key_hash, key_hint, "
	"plan, entitlements, state, max_devices, starts_at, expires_at, created_at) VALUES ($1, "
	"$2, 'prod_a', NULL, $3, '', '', $4, $5, 1, $6, $7, 0)",
	7};

struct context {
	struct arena *arena;
	err (*body)(struct db_tx *tx, struct arena *a);
};

static err call(struct db_tx *tx, void *arg)
{
	struct context *c = arg;

	return c->body(tx, c->arena);
}

static err run(struct db *db, err (*body)(struct db_tx *tx, struct arena *a))
{
	AUTO_PTR(arena) a = arena_new();
	struct context c = {a, body};

	return db_transact(db, DB_WRITE, call, &c);
}

static struct account account_of(const char *id, const char *email, const char *role)
{
	return (struct account){.id = span_from(id),
		.email = span_from(email),
		.role = span_from(role),
		.password_hash = SPAN("$argon2id$"),
		.created_at_us = NOW};
}

static err add_jane(struct db_tx *tx, struct arena *a)
{
	struct account jane = account_of("acc_1", "Jane@Example.com", "admin");

	return account_insert(tx, a, &jane);
}

static err add_jane_again(struct db_tx *tx, struct arena *a)
{
	struct account jane = account_of("acc_2", "jane@example.COM", "user");

	return account_insert(tx, a, &jane);
}

static err look_up(struct db_tx *tx, struct arena *a)
{
	struct account got;
	bool found;

	TRY(account_find_by_email(tx, a, SPAN("JANE@example.com"), &got, &found));
	assert_true(found);
	assert_span(got.id, "acc_1");
	assert_span(got.email, "Jane@Example.com");
	assert_span(got.role, "admin");
	assert_span(got.org, "");
	assert_false(got.disabled);
	assert_int_equal(got.epoch, 1);
	assert_int_equal(got.created_at_us, NOW);
	assert_int_equal(got.last_login_at_us, 0);
	TRY(account_find(tx, a, SPAN("acc_9"), &got, &found));
	assert_false(found);
	return OK;
}

static void one_account_per_address(void **state)
{
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_int_equal(run(db, add_jane_again), ERR_CONFLICT);
	assert_ok(run(db, look_up));
}

static err change_and_list(struct db_tx *tx, struct arena *a)
{
	struct organisation o = {SPAN("org_1"), SPAN("Acme"), NOW}, found_o;
	struct account john = account_of("acc_2", "john@example.com", "user"), *list;
	int64_t others;
	size_t count;
	bool found;

	TRY(organisation_insert(tx, &o));
	TRY(organisation_find(tx, a, SPAN("Acme"), &found_o, &found));
	assert_true(found);
	assert_span(found_o.id, "org_1");
	john.org = SPAN("org_1");
	TRY(account_insert(tx, a, &john));
	TRY(account_count_other_admins(tx, SPAN("acc_1"), &others));
	assert_int_equal(others, 0);
	john.role = SPAN("admin");
	TRY(account_update(tx, a, &john));
	TRY(account_count_other_admins(tx, SPAN("acc_1"), &others));
	assert_int_equal(others, 1);
	john.disabled = true;
	TRY(account_update(tx, a, &john));
	TRY(account_count_other_admins(tx, SPAN("acc_1"), &others));
	assert_int_equal(others, 0);
	TRY(account_set_password(tx, SPAN("acc_2"), SPAN("other")));
	TRY(account_set_login(tx, SPAN("acc_2"), NOW + 5));
	TRY(account_list(tx, a, SPAN("acc_1"), SPAN_EMPTY, 10, &list, &count));
	assert_int_equal(count, 1);
	assert_span(list[0].org, "org_1");
	assert_span(list[0].password_hash, "other");
	assert_true(list[0].disabled);
	assert_int_equal(list[0].last_login_at_us, NOW + 5);
	TRY(account_list(tx, a, SPAN_EMPTY, SPAN_EMPTY, 1, &list, &count));
	assert_int_equal(count, 1);
	assert_span(list[0].id, "acc_1");
	return OK;
}

static err take_address(struct db_tx *tx, struct arena *a)
{
	struct account john = account_of("acc_2", "JANE@example.com", "user");

	return account_update(tx, a, &john);
}

static err unknown_organisation(struct db_tx *tx, struct arena *a)
{
	struct account x = account_of("acc_3", "x@example.com", "user");

	x.org = SPAN("org_9");
	return account_insert(tx, a, &x);
}

static void accounts_change(void **state)
{
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_ok(run(db, change_and_list));
	assert_int_equal(run(db, take_address), ERR_CONFLICT);
	assert_int_equal(run(db, unknown_organisation), ERR_CONFLICT);
}

/* Sessions ------------------------------------------------------------------------------------- */

#define SESSION "ses_01m82bpaqwe4ds9x7qefqzp6r8"
#define IDLE    (14 * TIME_DAY)

static const uint8_t hashes[6][SHA256_SIZE] = {{0}, {1}, {2}, {3}, {4}, {5}};

static err add_session(struct db_tx *tx, struct arena *a UNUSED)
{
	struct session s = {.id = SPAN(SESSION),
		.account = SPAN("acc_1"),
		.client_id = SPAN("slipway"),
		.ip_prefix = SPAN("10.0.0.0/24"),
		.created_at_us = NOW,
		.expires_at_us = NOW + 30 * TIME_DAY};

	memcpy(s.token_hash, hashes[1], SHA256_SIZE);
	return session_insert(tx, &s);
}

struct step {
	int64_t generation;
	int presented; /* index into hashes */
	int64_t at_us;
	enum rotation want;
	int64_t want_generation;
};

static const struct step *step;

static err rotate(struct db_tx *tx, struct arena *a)
{
	struct refresh_token token = {SESSION, step->generation};
	enum rotation got;
	struct session s = {.generation = -1};

	TRY(session_rotate(tx, a, &token, hashes[step->presented], hashes[step->generation + 1],
		IDLE, step->at_us, &got, &s));
	assert_int_equal(got, step->want);
	assert_int_equal(s.generation, step->want_generation);
	return OK;
}

static void take_steps(struct db *db, const struct step *steps, size_t count)
{
	assert_ok(run(db, add_jane));
	assert_ok(run(db, add_session));
	for (size_t i = 0; i < count; i++) {
		step = &steps[i];
		assert_ok(run(db, rotate));
	}
}

static void rotation(void **state)
{
	static const struct step steps[] = {
		{1, 1, NOW + 1, ROTATION_DONE, 2},
		/* The answer got lost: the same again, several times. */
		{1, 1, NOW + 2, ROTATION_REPEATED, 2},
		{1, 1, NOW + REFRESH_RETRY_US, ROTATION_REPEATED, 2},
		{1, 1, NOW + 1 + REFRESH_RETRY_US, ROTATION_REUSED, 2},
		/* A wrong hash under a right generation is nobody's token. */
		{2, 4, NOW + 3, ROTATION_ENDED, -1},
		{2, 2, NOW + 3, ROTATION_DONE, 3},
		/* The successor was used, so even a quick repetition of the one before is reuse. */
		{1, 1, NOW + 4, ROTATION_REUSED, 3},
		{2, 2, NOW + 4, ROTATION_REPEATED, 3},
		/* Of a generation that is still to come. */
		{4, 4, NOW + 5, ROTATION_ENDED, -1},
	};

	take_steps(test_db(state), steps, ARRAY_LEN(steps));
}

static void idle_sessions_end(void **state)
{
	static const struct step steps[] = {{1, 1, NOW + IDLE - 1, ROTATION_DONE, 2},
		{2, 2, NOW + 2 * IDLE - 2, ROTATION_DONE, 3},
		/* Absolute life, however busy. */
		{3, 3, NOW + 30 * TIME_DAY, ROTATION_ENDED, -1}};

	take_steps(test_db(state), steps, ARRAY_LEN(steps));
}

static void idle_for_too_long(void **state)
{
	static const struct step steps[] = {
		{1, 1, NOW + IDLE, ROTATION_ENDED, -1}, {1, 1, NOW + IDLE, ROTATION_ENDED, -1}};

	take_steps(test_db(state), steps, ARRAY_LEN(steps));
}

static int64_t changes_behind(struct db_tx *tx, uint64_t seq)
{
	bool row;
	AUTO_PTR(db_rows) rows = NULL;

	assert_ok(db_query(tx, &rows, count_changes, DB_INT((int64_t)seq)));
	assert_ok(db_next(rows, &row));
	assert_true(row);
	return db_int(rows, 0);
}

static err end_it(struct db_tx *tx, struct arena *a)
{
	struct feed_batch feed;
	struct session s;
	uint64_t seq, again;
	bool found;

	feed_begin(&feed, tx);
	TRY(session_end(tx, &feed, SPAN(SESSION), "logout", NOW + 7));
	TRY(feed_seal(&feed, &seq));
	assert_int_not_equal(seq, 0);
	assert_int_equal(changes_behind(tx, seq - 1), 1);
	TRY(session_find(tx, a, SPAN(SESSION), &s, &found));
	assert_true(found);
	assert_int_equal(s.ended_at_us, NOW + 7);
	assert_span(s.end_reason, "logout");
	/* Ending it again changes nothing and publishes nothing. */
	feed_begin(&feed, tx);
	TRY(session_end(tx, &feed, SPAN(SESSION), "reuse", NOW + 9));
	TRY(feed_seal(&feed, &again));
	assert_int_equal(again, 0);
	return OK;
}

static void ended_sessions_stay_ended(void **state)
{
	static const struct step after = {1, 1, NOW + 8, ROTATION_ENDED, -1};
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_ok(run(db, add_session));
	assert_ok(run(db, end_it));
	step = &after;
	assert_ok(run(db, rotate));
}

#define DAY(n) (NOW + (n)*TIME_DAY)

static err sessions_of_some_days(struct db_tx *tx, struct arena *a)
{
	struct feed_batch feed;
	struct session got;
	int64_t count;
	bool found;

	feed_begin(&feed, tx);
	TRY(add_session(tx, a)); /* expires on the 30th day */
	TRY(session_delete_over(tx, DAY(29), 10, &count));
	assert_int_equal(count, 0);
	TRY(session_end(tx, &feed, SPAN(SESSION), "logout", DAY(5)));
	TRY(session_delete_over(tx, DAY(4), 10, &count));
	assert_int_equal(count, 0);
	TRY(session_delete_over(tx, DAY(6), 0, &count));
	assert_int_equal(count, 0);
	TRY(session_delete_over(tx, DAY(6), 10, &count));
	assert_int_equal(count, 1);
	TRY(session_find(tx, a, SPAN(SESSION), &got, &found));
	assert_false(found);
	TRY(add_session(tx, a));
	TRY(session_delete_over(tx, DAY(31), 10, &count));
	assert_int_equal(count, 1);
	return OK;
}

static void sessions_long_over_are_forgotten(void **state)
{
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_ok(run(db, sessions_of_some_days));
}

static err add_licences(struct db_tx *tx, struct arena *a UNUSED)
{
	static const struct {
		const char *id, *codes, *state;
		int64_t starts, expires;
	} rows[] = {{"lic_1", "pro basic", "active", 0, 0},
		{"lic_2", "basic extra", "active", NOW - 1, NOW + 1},
		{"lic_3", "suspended", "suspended", 0, 0}, {"lic_4", "early", "active", NOW + 1, 0},
		{"lic_5", "late", "active", 0, NOW}};

	TRY(db_exec(tx, add_product));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		TRY(db_exec(tx, add_licence, DB_CSTR(rows[i].id), DB_CSTR("acc_1"),
			DB_BLOB(span_from(rows[i].id)), DB_CSTR(rows[i].codes),
			DB_CSTR(rows[i].state), DB_OPT_INT(rows[i].starts),
			DB_OPT_INT(rows[i].expires)));
	return db_exec(tx, add_device, DB_CSTR("dev_1"), DB_CSTR("lic_1"), DB_BLOB(SPAN("f")));
}

static err union_of_licences(struct db_tx *tx, struct arena *a)
{
	span codes;

	TRY(account_entitlements(tx, a, SPAN("acc_1"), NOW, &codes));
	assert_span(codes, "pro basic extra");
	TRY(account_entitlements(tx, a, SPAN("acc_2"), NOW, &codes));
	assert_span(codes, "");
	return OK;
}

/* The account's epoch, its device's epoch and its session: three records, one sequence. */
static err end_everything(struct db_tx *tx, struct arena *a)
{
	struct session_device d;
	struct feed_batch feed;
	struct account jane;
	struct session s;
	uint64_t seq;
	bool found;

	feed_begin(&feed, tx);
	TRY(account_end_credentials(tx, &feed, SPAN("acc_1"), "disabled", NOW));
	TRY(feed_seal(&feed, &seq));
	assert_int_equal(changes_behind(tx, seq - 1), 3);
	TRY(account_find(tx, a, SPAN("acc_1"), &jane, &found));
	assert_int_equal(jane.epoch, 2);
	TRY(session_find(tx, a, SPAN(SESSION), &s, &found));
	assert_span(s.end_reason, "disabled");
	TRY(session_device_get(tx, a, SPAN("dev_1"), &d));
	assert_int_equal(d.epoch, 5);
	assert_true(d.active);
	assert_span(d.licence, "lic_1");
	assert_span(d.entitlements, "pro basic");
	assert_int_equal(session_device_get(tx, a, SPAN("dev_9"), &d), ERR_NOT_FOUND);
	return OK;
}

static void credentials_end_together(void **state)
{
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_ok(run(db, add_session));
	assert_ok(run(db, add_licences));
	assert_ok(run(db, union_of_licences));
	assert_ok(run(db, end_everything));
}

/* API keys ------------------------------------------------------------------------------------- */

static err keys(struct db_tx *tx, struct arena *a)
{
	struct api_key k = {.id = SPAN("key_1"),
			       .public_id = SPAN("AAAAAAAA"),
			       .account = SPAN("acc_1"),
			       .name = SPAN("ci"),
			       .permissions = SPAN("product.read upload.write"),
			       .addresses = SPAN("10.0.0.0/8"),
			       .secret_hash = {9},
			       .created_at_us = NOW,
			       .expires_at_us = NOW + 1},
		       got, *list;
	const uint8_t next[SHA256_SIZE] = {7};
	int64_t living, count_revoked;
	size_t count;
	bool found;

	TRY(api_key_insert(tx, &k));
	TRY(api_key_find_by_public_id(tx, a, SPAN("AAAAAAAA"), &got, &found));
	assert_true(found);
	assert_span(got.id, "key_1");
	assert_memory_equal(got.secret_hash, k.secret_hash, SHA256_SIZE);
	assert_int_equal(got.expires_at_us, NOW + 1);
	assert_int_equal(got.revoked_at_us, 0);
	assert_span(got.addresses, "10.0.0.0/8");
	assert_span(got.owner_email, "Jane@Example.com");
	assert_int_equal(got.previous_until_us, 0);
	TRY(api_key_count(tx, SPAN("acc_1"), NOW, &living));
	assert_int_equal(living, 1);
	/* Of two rotations at the same time one finds another secret there. */
	TRY(api_key_rotate(tx, &got, next, NOW + 5, NOW + 9));
	assert_int_equal(api_key_rotate(tx, &got, next, NOW + 5, NOW + 9), ERR_CONFLICT);
	TRY(api_key_find(tx, a, SPAN("key_1"), &got, &found));
	assert_memory_equal(got.secret_hash, next, SHA256_SIZE);
	assert_memory_equal(got.previous_hash, k.secret_hash, SHA256_SIZE);
	assert_int_equal(got.previous_until_us, NOW + 5);
	assert_int_equal(got.expires_at_us, NOW + 9);
	TRY(api_key_set_used(tx, SPAN("key_1"), NOW + 2));
	TRY(api_key_revoke(tx, SPAN("key_1"), NOW + 3, &count_revoked));
	assert_int_equal(count_revoked, 1);
	TRY(api_key_revoke(tx, SPAN("key_1"), NOW + 4, &count_revoked));
	assert_int_equal(count_revoked, 0);
	TRY(api_key_list(tx, a, SPAN_EMPTY, SPAN("acc_2"), 5, &list, &count));
	assert_int_equal(count, 0);
	TRY(api_key_list(tx, a, SPAN_EMPTY, SPAN_EMPTY, 5, &list, &count));
	assert_int_equal(count, 1);
	assert_int_equal(list[0].revoked_at_us, NOW + 3);
	assert_int_equal(list[0].last_used_at_us, NOW + 2);
	TRY(api_key_find(tx, a, SPAN("key_2"), &got, &found));
	assert_false(found);
	return OK;
}

static void api_keys(void **state)
{
	struct db *db = test_db(state);

	assert_ok(run(db, add_jane));
	assert_ok(run(db, keys));
}

int main(void)
{
	const struct CMUnitTest tests[] = {ON_BOTH_ENGINES(one_account_per_address),
		ON_BOTH_ENGINES(accounts_change), ON_BOTH_ENGINES(rotation),
		ON_BOTH_ENGINES(idle_sessions_end), ON_BOTH_ENGINES(idle_for_too_long),
		ON_BOTH_ENGINES(ended_sessions_stay_ended),
		ON_BOTH_ENGINES(sessions_long_over_are_forgotten),
		ON_BOTH_ENGINES(credentials_end_together), ON_BOTH_ENGINES(api_keys)};

	return cmocka_run_group_tests_name("account_store", tests, NULL, NULL);
}
