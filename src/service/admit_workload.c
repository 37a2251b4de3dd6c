/* Hard rule: a job may no more than its token says, its identity permits and its owner may, now. */
#include "service/admit_workload.h"

#include "base/typeid.h"
#include "federation/workload_identity.h"
#include "service/roles.h"
#include "service/workload_identities.h"

#include "base/banned.h"

bool token_is_of_workload(const struct token_claims *c)
{
	return c->kind == TOKEN_ACCESS && typeid_is(c->sub, "wli");
}

struct admission {
	struct task *task;
	const struct token_claims *claims;
	struct workload workload;
	struct exchanged_token token;
	span permissions;
	bool good;
};

static err admit_body(struct db_tx *tx, void *arg)
{
	struct admission *x = arg;
	struct task *t = x->task;
	err e = exchanged_token_find(tx, t->arena, x->claims->jti, &x->token, &x->good);

	if (!e && x->good)
		e = workload_find(tx, t->arena, x->claims->sub, &x->workload, &x->good);
	if (e || !x->good)
		return e;
	if (!span_eq(x->token.workload, x->workload.id) ||
		x->workload.epoch != x->claims->subject_epoch) {
		x->good = false;
		return OK;
	}
	return workload_standing(tx, t, &x->workload, &x->permissions, &x->good);
}

err workload_admit(struct task *t, const struct token_claims *c, struct workload_holder *ret)
{
	struct admission x = {.task = t, .claims = c};
	err e = db_transact(t->service->db, DB_READ, admit_body, &x);

	if (e)
		return e;
	if (!x.good)
		return fail_policy(t, POLICY_CREDENTIALS_STALE);
	*ret = (struct workload_holder){.workload = x.workload.id,
		.permissions = permissions_common(t->arena, c->permissions, x.permissions),
		.job = x.token.claims};
	return OK;
}
