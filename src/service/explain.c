/* Why somebody gets a package or not. Hard rule: the decision is access_decide(), as for grants. */
#include "service/explain.h"

#include "account/account.h"
#include "licence/licence.h"

#include "base/banned.h"

struct explaining {
	struct task *task;
	const struct explain_request *request;
	struct explanation out;
};

/* Whose device it is. A device alone is asked about as its owner would use it. */
static err find_owner(struct db_tx *tx, struct explaining *x, span *ret_account)
{
	struct task *t = x->task;
	struct device device;
	struct licence licence;
	bool found = false;
	err e = device_store_find(tx, t->arena, x->request->device, &device, &found);

	if (!e && !found)
		return fail(t, ERR_NOT_FOUND, "device_not_found", "There is no device %.*s.",
			SPAN_ARG(x->request->device));
	if (!e)
		e = licence_store_find(tx, t->arena, device.licence_id, &licence, &found);
	if (e)
		return e;
	if (!found)
		return ERR_CORRUPT;
	*ret_account = licence.account_id;
	return OK;
}

static err find_subject(struct db_tx *tx, struct explaining *x, struct access_subject *ret)
{
	struct task *t = x->task;
	span asked = x->request->account, owner = SPAN_EMPTY;
	struct account account;
	bool found = false;
	err e = x->request->device.len ? find_owner(tx, x, &owner) : OK;

	if (e)
		return e;
	if (asked.len == 0)
		asked = owner;
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
	ret->permissions = ret->device.len ? SPAN_EMPTY : account.permissions;
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
