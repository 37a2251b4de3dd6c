/* Why somebody gets a package or not. Hard rule: the decision is access_decide(), as for grants. */
#include "service/explain.h"

#include "account/account.h"

#include "base/banned.h"

struct explaining {
	struct task *task;
	const struct explain_request *request;
	struct explanation out;
};

static err find_subject(struct db_tx *tx, struct explaining *x, struct access_subject *ret)
{
	struct task *t = x->task;
	span asked = x->request->account;
	struct account account;
	bool found = false;
	err e;

	*ret = (struct access_subject){
		.device = x->request->device, .country = x->request->country};
	if (asked.len == 0)
		return OK;
	e = span_contains(asked, SPAN("@"))
		    ? account_find_by_email(tx, t->arena, asked, &account, &found)
		    : account_find(tx, t->arena, asked, &account, &found);
	if (e)
		return e;
	if (!found)
		return fail(t, ERR_NOT_FOUND, "account_not_found", "There is no account %.*s.",
			SPAN_ARG(asked));
	ret->account = account.id;
	/* As a sign-in or an activation would get them. */
	ret->permissions = ret->device.len ? SPAN_EMPTY : role_permissions(account.role);
	return OK;
}

static err explain_body(struct db_tx *tx, void *arg)
{
	struct explaining *x = arg;
	struct task *t = x->task;
	struct access_subject subject;
	err e = access_object_get(tx, t->arena, x->request->package_id, &x->out.object);

	if (e == ERR_NOT_FOUND)
		return fail(t, e, "package_not_found", "There is no package %.*s.",
			SPAN_ARG(x->request->package_id));
	if (!e)
		e = find_subject(tx, x, &subject);
	if (e)
		return e;
	x->out.account_id = subject.account;
	return access_decide(tx, t->arena, &subject, &x->out.object, t->now_us, &x->out.verdict);
}

err explain_download(struct task *t, const struct explain_request *rq, struct explanation *ret)
{
	struct explaining x = {.task = t, .request = rq};
	err e = db_transact(t->service->db, DB_READ, explain_body, &x);

	if (!e)
		*ret = x.out;
	return e;
}
