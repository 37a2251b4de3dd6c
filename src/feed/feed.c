/*
 * Writing the change feed. Hard rule: rows of a running transaction carry the sequence 0 and get
 * their number from the head row as the transaction's last statement; the head row's lock is what
 * puts the numbers in the order of the commits.
 */
#include "feed/feed.h"

#include "feed/feed_queries.h"

#include "base/banned.h"

/* A tombstone is kept this long, so that a node that was away learns of the deletion. */
#define TOMBSTONE_LIFE (7 * INT64_C(86400000000))

void feed_begin(struct feed_batch *b, struct db_tx *tx)
{
	*b = (struct feed_batch){.tx_ = tx};
}

static err upsert(
	struct feed_batch *b, span key, struct db_value value, bool deleted, int64_t expires)
{
	err e = db_exec(
		b->tx_, feed_upsert, DB_BLOB(key), value, DB_INT(deleted), DB_OPT_INT(expires));

	if (!e)
		b->count_++;
	return e;
}

err feed_put(struct feed_batch *b, span key, span value, int64_t expires_at_us)
{
	return upsert(b, key, DB_BLOB(value), false, expires_at_us);
}

err feed_delete(struct feed_batch *b, span key, int64_t now_us)
{
	return upsert(b, key, DB_NULL, true, now_us + TOMBSTONE_LIFE);
}

err feed_seal(struct feed_batch *b, uint64_t *ret_seq)
{
	bool found = false;
	int64_t seq = 0;

	if (b->count_ == 0) {
		*ret_seq = 0;
		return OK;
	}
	{
		AUTO_PTR(db_rows) rows = NULL;
		err e = db_query(b->tx_, &rows, feed_take_seq);

		if (!e)
			e = db_next(rows, &found);
		if (e)
			return e;
		if (!found)
			return ERR_CORRUPT;
		seq = db_int(rows, 0);
	}
	err e = db_exec(b->tx_, feed_stamp, DB_INT(seq));

	if (!e)
		*ret_seq = (uint64_t)seq;
	return e;
}

struct expired {
	struct arena *arena;
	int64_t now_us;
	uint64_t seq;
	bool more;
};

struct expired_row {
	struct expired_row *next;
	span key;
	bool tombstone;
	int64_t seq;
};

static err collect_expired(struct db_tx *tx, struct expired *x, struct expired_row **ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct expired_row *list = NULL;
	bool found;
	err e = db_query(tx, &rows, feed_expired, DB_INT(x->now_us));

	while (!e) {
		e = db_next(rows, &found);
		if (e || !found)
			break;
		struct expired_row *r = arena_alloc(x->arena, sizeof(*r));

		*r = (struct expired_row){list, arena_span(x->arena, db_blob(rows, 0)),
			db_int(rows, 1) != 0, db_int(rows, 2)};
		list = r;
	}
	*ret = list;
	return e;
}

/* An entry whose time has come becomes a tombstone; a tombstone whose time has come goes for good.
 */
static err expire_body(struct db_tx *tx, void *arg)
{
	struct expired *x = arg;
	struct expired_row *list = NULL;
	struct feed_batch batch;
	int64_t horizon = 0;
	err e = collect_expired(tx, x, &list);

	feed_begin(&batch, tx);
	x->more = list != NULL;
	for (struct expired_row *r = list; r && !e; r = r->next) {
		if (!r->tombstone) {
			e = feed_delete(&batch, r->key, x->now_us);
			continue;
		}
		horizon = MAX(horizon, r->seq);
		e = db_exec(tx, feed_forget, DB_BLOB(r->key));
	}
	if (!e && horizon)
		e = db_exec(tx, feed_raise_horizon, DB_INT(horizon));
	return e ? e : feed_seal(&batch, &x->seq);
}

err feed_expire(struct db *db, int64_t now_us, uint64_t *ret_seq)
{
	AUTO_PTR(arena) a = arena_new();
	struct expired x = {.arena = a, .now_us = now_us, .more = true};
	uint64_t last = 0;

	while (x.more) {
		err e = db_transact(db, DB_WRITE, expire_body, &x);

		if (e)
			return e;
		last = MAX(last, x.seq);
	}
	*ret_seq = last;
	return OK;
}
