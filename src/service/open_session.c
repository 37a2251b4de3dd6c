/* Hard rule: no session is opened for an account, or through a provider, that is disabled. */
#include "service/open_session.h"

#include "federation/provider.h"
#include "service/audit.h"
#include "service/notices.h"
#include "service/second_factor.h"
#include "sys/metrics.h"

#include "base/banned.h"

/* The sign-in may have waited for a second factor meanwhile. */
static err still_vouches(struct db_tx *tx, struct task *t, const struct proof *proof)
{
	struct provider p;
	bool found = true;
	err e = proof->provider.len ? provider_find(tx, t->arena, proof->provider, &p, &found) : OK;

	if (e || proof->provider.len == 0 || (found && !p.disabled))
		return e;
	return fail(t, ERR_DENIED, "provider_disabled",
		"The identity provider of this sign-in may no longer be used. Begin again.");
}

err session_open(struct db_tx *tx, struct task *t, struct feed_batch *feed,
	const struct account *account, span client_id, const struct proof *proof,
	struct opened_session *ret)
{
	struct token_subject *s = &ret->subject;
	const char *detail =
		arena_printf(t->arena, "{\"methods\":\"%.*s\"}", SPAN_ARG(proof->methods));
	err e;

	if (account->disabled)
		return fail_policy(t, POLICY_ACCOUNT_DISABLED);
	e = still_vouches(tx, t, proof);
	if (e)
		return e;
	*ret = (struct opened_session){.subject.client_id = client_id};
	token_subject_set_account(s, account);
	s->permissions = scoped_permissions(
		t->arena, session_permissions(t->service, account, proof->methods), proof->scope);
	ret->must_enrol = account_must_enrol(t->service, account, proof->methods);
	e = account_entitlements(tx, t->arena, account->id, t->now_us, &s->entitlements);
	if (!e)
		e = account_set_login(tx, account->id, t->now_us);
	if (!e)
		e = session_begin(tx, t, s, proof);
	if (!e && proof->id_token.len)
		e = id_token_keep(tx, s->session, proof->id_token);
	t->caller->kind = CALLER_ACCOUNT;
	t->caller->account = account->id;
	if (!e)
		e = audit_add(tx, t, "auth.login", s->session, detail);
	if (!e)
		e = notice_place(tx, t, account);
	return e ? e
		 : session_end_beyond(tx, feed, t->arena, account->id,
			   account->max_sessions ? account->max_sessions
						 : conf_int(t->service->conf, CONF_SESSION_LIMIT),
			   t->now_us);
}

err session_opened(struct task *t, const struct opened_session *o, struct issued_tokens *ret)
{
	err e = published(t, o->seq);

	metric_add(METRIC_LOGINS, "ok", 1);
	if (!e)
		e = issue_tokens(t, &o->subject, ret);
	if (!e)
		ret->must_enrol = o->must_enrol;
	return e;
}
