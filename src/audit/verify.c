/*
 * The walk along the chain. Hard rule: nothing the database says about itself is believed unless
 * the hash before it, a signature of a trusted key or a file outside of it agrees.
 */
#include "audit/verify.h"

#include <stdlib.h>
#include <string.h>

#include "audit/audit_store.h"
#include "audit/checkpoint_file.h"

#include "base/banned.h"

#define PAGE            500
#define CHECKPOINTS_MAX 1000000
#define KEYS_MAX        16

struct known_key {
	char kid[AUDIT_KID_MAX + 1];
	struct eckey *key; /* NULL: not known */
	bool trusted;
};

struct noted {
	struct checkpoint c;
	const char *where;
};

struct walk {
	const struct audit_verification *v;
	struct arena *arena;
	struct audit_report *report;
	/* All checkpoints, by seq. */
	struct noted *noted;
	size_t noted_count, noted_cap, next;
	struct known_key keys[KEYS_MAX];
	size_t keys_count;
	/* Where the walk is. */
	int64_t seq;
	uint8_t hash[SHA256_SIZE];
	bool hash_known; /* false behind a gap */
	/* Of the file that is read. */
	const char *file;
	err failed;
};

static const struct {
	const char *name, *title;
} kinds[] = {
#define KIND(code, name, title) [code] = {name, title},
	AUDIT_FINDINGS(KIND)
#undef KIND
};

const char *audit_finding_name(enum audit_finding_kind k)
{
	return kinds[k].name;
}

const char *audit_finding_title(enum audit_finding_kind k)
{
	return kinds[k].title;
}

static void add_finding(
	struct walk *w, enum audit_finding_kind kind, int64_t seq, const char *detail)
{
	struct audit_report *r = w->report;

	if (kind == AUDIT_RESTORED && w->v->accept_restored)
		return;
	r->intact = false;
	if (r->findings_count < AUDIT_FINDINGS_MAX)
		r->findings[r->findings_count] = (struct audit_finding){kind, seq, detail};
	r->findings_count++;
}

/* Checkpoints ---------------------------------------------------------------------------------- */

struct finding_key {
	struct walk *walk;
	struct known_key *key;
};

static err find_key_body(struct db_tx *tx, void *arg)
{
	struct finding_key *f = arg;

	eckey_free(f->key->key); /* of a run before */
	f->key->key = NULL;
	return audit_key_find(tx, f->walk->v->keys_dir, f->key->kid, &f->key->key);
}

static err find_key(struct walk *w, const char *kid, struct known_key **ret)
{
	struct eckey *trusted = NULL;

	for (size_t i = 0; i < w->keys_count; i++)
		if (strcmp(w->keys[i].kid, kid) == 0) {
			*ret = &w->keys[i];
			return OK;
		}
	if (w->keys_count == KEYS_MAX)
		return ERR_LIMIT;
	struct known_key *k = &w->keys[w->keys_count++];

	memcpy(k->kid, kid, sizeof(k->kid));
	*ret = k;
	err e = audit_trusted_key(w->v->keys_dir, kid, &trusted);

	if (!e) {
		k->key = trusted;
		k->trusted = true;
		return OK;
	}
	e = e == ERR_NOT_FOUND
		    ? db_transact(w->v->db, DB_READ, find_key_body, &(struct finding_key){w, k})
		    : e;
	return e == ERR_NOT_FOUND || e == ERR_INVALID ? OK : e;
}

static err check_signature(struct walk *w, const struct checkpoint *c, const char *where)
{
	struct known_key *k;
	err e = find_key(w, c->kid, &k);

	if (e == ERR_LIMIT) {
		add_finding(w, AUDIT_UNKNOWN_KEY, c->seq, "Too many keys");
		return OK;
	}
	if (e)
		return e;
	if (!k->key || checkpoint_check(c, k->key))
		add_finding(w, AUDIT_FORGED, c->seq, where);
	else if (!k->trusted)
		add_finding(w, AUDIT_UNKNOWN_KEY, c->seq,
			arena_printf(w->arena, "%s, key %s", where, c->kid));
	return OK;
}

static err note(struct walk *w, const struct checkpoint *c, const char *where)
{
	if (w->noted_count == w->noted_cap) {
		size_t cap = w->noted_cap ? 2 * w->noted_cap : 64;
		struct noted *more = w->noted_count < CHECKPOINTS_MAX
					     ? realloc(w->noted, cap * sizeof(*more))
					     : NULL;

		if (!more)
			return ERR_NOMEM;
		w->noted = more;
		w->noted_cap = cap;
	}
	w->noted[w->noted_count++] = (struct noted){*c, where};
	w->report->checkpoints++;
	return check_signature(w, c, where);
}

static err note_line(void *ctx, unsigned line, const struct checkpoint *c)
{
	struct walk *w = ctx;

	if (c)
		return note(w, c, w->file);
	add_finding(w, AUDIT_UNREADABLE, 0, arena_printf(w->arena, "%s, line %u", w->file, line));
	return OK;
}

struct kept_page {
	struct checkpoint list[PAGE];
	size_t count;
	int64_t after;
};

static err kept_page_body(struct db_tx *tx, void *arg)
{
	struct kept_page *p = arg;

	return audit_checkpoints_oldest_first(tx, p->after, PAGE, p->list, &p->count);
}

static err note_kept(struct walk *w)
{
	struct kept_page *p = arena_try_alloc(w->arena, sizeof(*p));
	err e = p ? OK : ERR_NOMEM;

	if (p)
		*p = (struct kept_page){.count = PAGE, .after = INT64_MIN};
	while (!e && p->count == PAGE) {
		e = db_transact(w->v->db, DB_READ, kept_page_body, p);
		for (size_t i = 0; !e && i < p->count; i++)
			e = note(w, &p->list[i], "a checkpoint of the database");
		if (!e && p->count)
			p->after = p->list[p->count - 1].seq;
	}
	return e;
}

static int by_seq(const void *a, const void *b)
{
	int64_t x = ((const struct noted *)a)->c.seq, y = ((const struct noted *)b)->c.seq;

	return (x > y) - (x < y);
}

static err note_all(struct walk *w)
{
	err e = note_kept(w);

	for (size_t i = 0; !e && i < w->v->files_count; i++) {
		w->file = w->v->files[i];
		e = checkpoint_file_read(w->file, note_line, w);
	}
	if (!e && w->noted_count)
		qsort(w->noted, w->noted_count, sizeof(*w->noted), by_seq);
	return e;
}

/* What a checkpoint says is not so. */
static void contradict(struct walk *w, const struct noted *n, enum audit_finding_kind kind)
{
	if (n->c.incarnation < w->report->head.incarnation)
		kind = AUDIT_RESTORED;
	add_finding(w, kind, n->c.seq, n->where);
}

/* Those at or before where the walk is now. */
static void compare_checkpoints(struct walk *w)
{
	for (; w->next < w->noted_count && w->noted[w->next].c.seq <= w->seq; w->next++) {
		const struct noted *n = &w->noted[w->next];

		if (n->c.seq < w->seq) /* its entry is not there */
			contradict(w, n, AUDIT_MISSING);
		else if (memcmp(n->c.hash, w->hash, sizeof(w->hash)) != 0)
			contradict(w, n, AUDIT_REWRITTEN);
	}
}

/* The walk ------------------------------------------------------------------------------------- */

static err step(struct walk *w, const struct audit_entry *e, struct buf *scratch)
{
	uint8_t hash[SHA256_SIZE];

	if (e->seq <= w->seq) {
		add_finding(w, AUDIT_INSERTED, e->seq, "A second entry with this number");
		return OK;
	}
	if (e->seq > w->seq + 1) {
		add_finding(w, AUDIT_MISSING, w->seq + 1,
			arena_printf(w->arena, "%lld missing", (long long)(e->seq - w->seq - 1)));
		w->hash_known = false;
	}
	w->seq = e->seq;
	w->report->entries++;
	err failed = audit_entry_hash(e, w->hash, scratch, hash);

	if (failed)
		return failed;
	if (w->hash_known && memcmp(hash, e->hash, sizeof(hash)) != 0)
		add_finding(w, AUDIT_CHANGED, e->seq, "This entry, or the hash of the one before");
	/* The stored hash: one change is one finding, not one for each entry after it. */
	memcpy(w->hash, e->hash, sizeof(w->hash));
	w->hash_known = true;
	compare_checkpoints(w);
	return OK;
}

struct page {
	struct arena *arena;
	struct audit_entry *list;
	size_t count;
	int64_t after;
};

static err page_body(struct db_tx *tx, void *arg)
{
	struct page *p = arg;

	return audit_find_after(tx, p->arena, p->after, PAGE, p->list, &p->count);
}

/* One page; *ret_end when it was the last, or the head was reached. */
static err walk_page(struct walk *w, int64_t *after, struct buf *scratch, bool *ret_end)
{
	AUTO_PTR(arena) a = arena_new();
	struct page p = {
		.arena = a, .list = arena_try_array(a, PAGE, sizeof(*p.list)), .after = *after};

	if (!p.list)
		return ERR_NOMEM;
	err e = db_transact(w->v->db, DB_READ, page_body, &p);

	*ret_end = p.count < PAGE;
	for (size_t i = 0; !e && i < p.count; i++) {
		if (p.list[i].seq > w->report->head.seq) { /* judged by count_rows() */
			*ret_end = true;
			break;
		}
		e = step(w, &p.list[i], scratch);
	}
	if (!e && p.count)
		*after = p.list[p.count - 1].seq;
	return e;
}

static void check_end(struct walk *w)
{
	const struct checkpoint *head = &w->report->head;

	if (w->seq < head->seq)
		add_finding(w, AUDIT_TRUNCATED, w->seq + 1,
			arena_printf(w->arena, "%lld missing", (long long)(head->seq - w->seq)));
	else if (head->seq && memcmp(head->hash, w->hash, sizeof(w->hash)) != 0)
		add_finding(w, AUDIT_REWRITTEN, head->seq, "the head");
	for (; w->next < w->noted_count; w->next++)
		contradict(w, &w->noted[w->next], AUDIT_TRUNCATED);
}

struct counting {
	int64_t all, sealed;
	struct checkpoint head;
};

static err count_body(struct db_tx *tx, void *arg)
{
	struct counting *c = arg;
	err e = audit_count_rows(tx, &c->all, &c->sealed);

	return e ? e : audit_read_head(tx, &c->head);
}

/* As many sealed rows as the head says: none with a number twice, none beyond it, none below 1. */
static err count_rows(struct walk *w)
{
	struct counting c;
	err e = db_transact(w->v->db, DB_READ, count_body, &c);

	if (e)
		return e;
	w->report->unsealed = c.all - c.sealed;
	if (c.sealed > c.head.seq)
		add_finding(w, AUDIT_INSERTED, 0,
			arena_printf(
				w->arena, "%lld too many", (long long)(c.sealed - c.head.seq)));
	return OK;
}

static err head_body(struct db_tx *tx, void *arg)
{
	return audit_read_head(tx, arg);
}

static err walk_all(struct walk *w)
{
	AUTO(buf) scratch = {0};
	struct checkpoint *head = &w->report->head;
	int64_t after = INT64_MIN;
	bool end = false;
	err e = db_transact(w->v->db, DB_READ, head_body, head);

	if (!e && head->seq)
		e = check_signature(w, head, "the head");
	if (!e)
		e = note_all(w);
	buf_init(&scratch, AUDIT_ENTRY_MAX);
	while (!e && !end)
		e = walk_page(w, &after, &scratch, &end);
	if (!e)
		check_end(w);
	return e ? e : count_rows(w);
}

err audit_verify(struct arena *a, const struct audit_verification *v, struct audit_report **ret)
{
	struct audit_report *report = arena_try_alloc(a, sizeof(*report));
	struct walk w = {.v = v, .arena = a, .report = report, .hash_known = true};

	if (!report)
		return ERR_NOMEM;
	report->intact = true;
	err e = walk_all(&w);

	for (size_t i = 0; i < w.keys_count; i++)
		eckey_free(w.keys[i].key);
	free(w.noted);
	if (!e)
		*ret = report;
	return e;
}
