/*
 * Deleting accounts. Hard rule: what the account could do ends, through the feed, in the
 * transaction that deletes it; the audit log keeps its id and nothing else of it.
 */
#include "licence/licence.h"
#include "service/accounts.h"
#include "service/publish_epochs.h"

#include "base/banned.h"

struct removal {
	struct task *task;
	span id_or_email;
	bool delete_licences;
	uint64_t seq;
};

static err check_licences(struct db_tx *tx, struct removal *r, span account)
{
	int64_t running = 0;
	err e = licence_store_count_running(tx, account, r->task->now_us, &running);

	if (e || !running || r->delete_licences)
		return e;
	return fail(r->task, ERR_CONFLICT, "licences_running",
		"The account has licences that have not ended: %lld. Let them expire, or delete "
		"them with it: ?licences=delete.",
		(long long)running);
}

static err remove_rows(struct db_tx *tx, struct task *t, span account)
{
	int64_t licences = 0;
	err e = licence_store_delete_of(tx, account, &licences);

	if (!e)
		e = account_delete(tx, account);
	return e ? e
		 : audit_add(tx, t, "account.delete", account,
			   arena_printf(t->arena, "{\"licences\":%lld}", (long long)licences));
}

static err remove_body(struct db_tx *tx, void *arg)
{
	struct removal *r = arg;
	struct task *t = r->task;
	bool own = r->id_or_email.len == 0;
	struct feed_batch feed;
	struct account a;
	err e = account_resolve(tx, t, own ? t->caller->account : r->id_or_email, &a);

	if (!e && !own)
		e = role_within_reach(t, a.role, a.permissions);
	if (!e)
		e = account_check_last_admin(tx, t, &a, NULL);
	if (!e)
		e = check_licences(tx, r, a.id);
	if (e)
		return e;
	feed_begin(&feed, tx);
	/* While its rows are there: they say which sessions and devices end. */
	e = account_end_credentials(tx, &feed, a.id, "deleted", t->now_us);
	if (!e)
		e = publish_workload_epochs_of(tx, &feed, t, a.id);
	if (!e)
		e = remove_rows(tx, t, a.id);
	return e ? e : feed_seal(&feed, &r->seq);
}

err account_remove(struct task *t, span id_or_email, bool delete_licences)
{
	struct removal r = {
		.task = t, .id_or_email = id_or_email, .delete_licences = delete_licences};
	err e;

	if (id_or_email.len == 0 && t->caller->session.len == 0)
		return fail(t, ERR_DENIED, "session_required",
			"One's own account is deleted from a session: sign in first.");
	e = db_transact(t->service->db, DB_WRITE, remove_body, &r);
	return e ? e : published(t, r.seq);
}
