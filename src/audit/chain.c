/*
 * Sealing. Hard rule: seq and hash are given by who holds the lock of the head row, from the head
 * as it then is, in the transaction that moves the head.
 */
#include "audit/chain.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_queries.h"
#include "audit/audit_store.h"
#include "audit/checkpoint_file.h"

#include "base/banned.h"

#define BATCH 500

struct audit_log {
	struct db *db;
	struct audit_signer *signer;
	char *keys_dir, *file_name;
	int64_t keep_interval_us;
	pthread_mutex_t lock; /* guards file and kept */
	struct checkpoint_file *file;
	struct checkpoint kept; /* the file's last line */
};

err audit_log_open(const struct audit_log_options *o, struct audit_log **ret)
{
	struct audit_log *l = calloc(1, sizeof(*l));

	if (!l)
		return ERR_NOMEM;
	l->db = o->db;
	l->keep_interval_us = o->keep_interval_us;
	(void)pthread_mutex_init(&l->lock, NULL); /* cannot fail without attributes */
	l->keys_dir = strdup(o->keys_dir);
	l->file_name = strdup(o->file);
	err e = l->keys_dir && l->file_name ? OK : ERR_NOMEM;

	if (!e)
		e = audit_signer_open(o->keys_dir, o->db, o->now_us, &l->signer);
	if (!e)
		e = checkpoint_file_open(o->file, &l->file, &l->kept);
	if (e) {
		audit_log_close(l);
		return e;
	}
	*ret = l;
	return OK;
}

void audit_log_close(struct audit_log *l)
{
	if (!l)
		return;
	checkpoint_file_close(l->file);
	audit_signer_close(l->signer);
	(void)pthread_mutex_destroy(&l->lock);
	free(l->keys_dir);
	free(l->file_name);
	free(l);
}

const char *audit_log_keys_dir(const struct audit_log *l)
{
	return l->keys_dir;
}

const char *audit_log_file(const struct audit_log *l)
{
	return l->file_name;
}

/* Sealing -------------------------------------------------------------------------------------- */

struct sealing {
	struct audit_log *log;
	struct checkpoint kept;
	int64_t now_us;
	int64_t count; /* of the last batch */
};

static err lock_head(struct db_tx *tx, struct checkpoint *head)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, audit_lock_head);

	if (!e)
		e = db_next(rows, &row);
	if (e || !row)
		return e ? e : ERR_CORRUPT;
	audit_read_checkpoint(rows, head);
	return OK;
}

static err read_incarnation(struct db_tx *tx, int64_t *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, audit_incarnation);

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

/*
 * A head that none of our keys has signed, or that fell behind what was kept, is the work of
 * somebody else: to go on from it would be to sign it.
 */
static err check_head(struct db_tx *tx, const struct sealing *s, const struct checkpoint *head,
	int64_t incarnation)
{
	AUTO_PTR(eckey) key = NULL;

	if (incarnation <= s->kept.incarnation && head->seq < s->kept.seq)
		return ERR_CORRUPT;
	if (head->seq == 0)
		return OK;
	err e = audit_key_find(tx, s->log->keys_dir, head->kid, &key);

	if (e == ERR_NOT_FOUND || e == ERR_INVALID)
		return ERR_CORRUPT;
	if (!e && checkpoint_check(head, key))
		e = ERR_CORRUPT;
	return e;
}

static err store_head(struct db_tx *tx, const struct checkpoint *c)
{
	return db_exec(tx, audit_set_head, DB_INT(c->seq),
		DB_BLOB(span_of(c->hash, sizeof(c->hash))), DB_INT(c->incarnation),
		DB_INT(c->at_us), DB_CSTR(c->kid),
		DB_BLOB(span_of(c->signature, sizeof(c->signature))));
}

static err stamp(
	struct db_tx *tx, struct checkpoint *head, struct audit_entry *entry, struct buf *scratch)
{
	int64_t changed = 0;

	entry->seq = head->seq + 1;
	err e = audit_entry_hash(entry, head->hash, scratch, entry->hash);

	if (!e)
		e = db_change(tx, &changed, audit_stamp, DB_INT(entry->seq),
			DB_BLOB(span_of(entry->hash, sizeof(entry->hash))), DB_TEXT(entry->id));
	if (!e && changed != 1)
		e = ERR_BUG;
	if (e)
		return e;
	head->seq = entry->seq;
	memcpy(head->hash, entry->hash, sizeof(head->hash));
	return OK;
}

static err any_unsealed(struct db_tx *tx, struct arena *a, bool *ret)
{
	struct audit_entry first;
	size_t count = 0;
	err e = audit_find_unsealed(tx, a, 1, &first, &count);

	*ret = count > 0;
	return e;
}

static err seal_body(struct db_tx *tx, void *arg)
{
	struct sealing *s = arg;
	AUTO_PTR(arena) a = arena_new();
	AUTO(buf) scratch = {0};
	struct audit_entry *batch = arena_try_array(a, BATCH, sizeof(*batch));
	struct checkpoint head;
	int64_t incarnation = 0;
	size_t count = 0;
	bool any;

	s->count = 0;
	if (!batch)
		return ERR_NOMEM;
	err e = any_unsealed(tx, a, &any); /* the head is not written for nothing */

	if (e || !any)
		return e;
	buf_init(&scratch, AUDIT_ENTRY_MAX);
	e = lock_head(tx, &head);
	if (!e)
		e = read_incarnation(tx, &incarnation);
	if (!e)
		e = check_head(tx, s, &head, incarnation);
	if (!e)
		e = audit_find_unsealed(tx, a, BATCH, batch, &count);
	for (size_t i = 0; !e && i < count; i++)
		e = stamp(tx, &head, &batch[i], &scratch);
	if (e || count == 0)
		return e;
	head.incarnation = incarnation;
	head.at_us = s->now_us;
	e = audit_signer_sign(s->log->signer, &head);
	if (!e)
		e = store_head(tx, &head);
	s->count = (int64_t)count;
	return e;
}

err audit_seal(struct audit_log *l, int64_t now_us, int64_t *ret_count)
{
	struct sealing s = {.log = l, .now_us = now_us, .count = BATCH};
	int64_t total = 0;

	(void)pthread_mutex_lock(&l->lock);
	s.kept = l->kept;
	(void)pthread_mutex_unlock(&l->lock);
	while (s.count == BATCH) {
		err e = db_transact(l->db, DB_WRITE_IN_TURN, seal_body, &s);

		if (e)
			return e;
		total += s.count;
	}
	*ret_count = total;
	return OK;
}

/* Keeping -------------------------------------------------------------------------------------- */

static err head_body(struct db_tx *tx, void *arg)
{
	return audit_read_head(tx, arg);
}

static err keep_body(struct db_tx *tx, void *arg)
{
	const struct checkpoint *c = arg;

	return db_exec(tx, audit_add_checkpoint, DB_INT(c->seq),
		DB_BLOB(span_of(c->hash, sizeof(c->hash))), DB_INT(c->incarnation),
		DB_INT(c->at_us), DB_CSTR(c->kid),
		DB_BLOB(span_of(c->signature, sizeof(c->signature))));
}

static bool is_due(
	const struct audit_log *l, const struct checkpoint *head, int64_t now_us, bool at_once)
{
	const struct checkpoint *kept = &l->kept;

	if (head->seq == 0 || (head->seq == kept->seq && head->incarnation == kept->incarnation))
		return false;
	return at_once || kept->seq == 0 || head->incarnation != kept->incarnation ||
	       head->seq - kept->seq >= AUDIT_KEEP_ENTRIES ||
	       now_us - kept->at_us >= l->keep_interval_us;
}

static err keep_locked(
	struct audit_log *l, int64_t now_us, bool at_once, struct checkpoint *ret, bool *ret_kept)
{
	err e = db_transact(l->db, DB_READ, head_body, ret);

	if (e || !is_due(l, ret, now_us, at_once))
		return e;
	e = db_transact(l->db, DB_WRITE, keep_body, ret);
	if (!e)
		e = checkpoint_file_append(l->file, ret);
	if (e)
		return e;
	l->kept = *ret;
	*ret_kept = true;
	return OK;
}

err audit_keep(
	struct audit_log *l, int64_t now_us, bool at_once, struct checkpoint *ret, bool *ret_kept)
{
	*ret_kept = false;
	(void)pthread_mutex_lock(&l->lock);
	err e = keep_locked(l, now_us, at_once, ret, ret_kept);

	(void)pthread_mutex_unlock(&l->lock);
	return e;
}
