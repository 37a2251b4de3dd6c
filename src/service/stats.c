/* What happened: statistics and download records. Hard rule: reads only. */
#include "service/stats.h"

#include "account/account.h"
#include "base/time.h"
#include "service/accounts.h"

#include "base/banned.h"

struct counting {
	struct task *task;
	int64_t from_us;
	struct stats stats;
};

static err stats_body(struct db_tx *tx, void *arg)
{
	struct counting *c = arg;

	return stats_read(tx, c->task->arena, c->from_us, &c->stats);
}

err stats_of_days(struct task *t, int64_t days, struct stats *ret, int64_t *ret_from_us)
{
	int64_t today = t->now_us / TIME_DAY;
	struct counting c = {.task = t, .from_us = MAX(today - days + 1, 0) * TIME_DAY};
	err e = db_transact(t->service->db, DB_READ, stats_body, &c);

	if (e)
		return e;
	*ret = c.stats;
	*ret_from_us = c.from_us;
	return OK;
}

struct reading {
	struct task *task;
	span id;
	struct download_filter filter;
	struct download *list;
	size_t count;
};

static err get_body(struct db_tx *tx, void *arg)
{
	struct reading *r = arg;
	err e = download_store_show(tx, r->id, r->task->arena, r->list);

	if (e == ERR_NOT_FOUND)
		return fail(r->task, e, "download_not_found", "There is no download %.*s.",
			SPAN_ARG(r->id));
	return e;
}

err download_get(struct task *t, span id, struct download *ret)
{
	struct download d;
	struct reading r = {.task = t, .id = id, .list = &d};
	err e = db_transact(t->service->db, DB_READ, get_body, &r);

	if (!e)
		*ret = d;
	return e;
}

static err list_body(struct db_tx *tx, void *arg)
{
	struct reading *r = arg;
	struct download_filter f = r->filter;
	struct account account;

	if (span_contains(f.account, SPAN("@"))) { /* an id may be that of a deleted account */
		err e = account_resolve(tx, r->task, f.account, &account);

		if (e)
			return e;
		f.account = account.id;
	}
	return download_store_list(tx, &f, r->task->arena, &r->list, &r->count);
}

err download_list_page(
	struct task *t, const struct download_filter *f, struct download **ret, size_t *ret_count)
{
	struct reading r = {.task = t, .filter = *f};
	err e = db_transact(t->service->db, DB_READ, list_body, &r);

	if (e)
		return e;
	*ret = r.list;
	*ret_count = r.count;
	return OK;
}
