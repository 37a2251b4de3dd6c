/* What all use cases share: failures with words, and the wait for the published state. */
#include "service/service.h"

#include "base/time.h"
#include "feed/feed.h"
#include "token/token.h"

#include "base/banned.h"

#define PUBLISH_TIMEOUT (10 * TIME_SECOND)

span service_url(const struct service *s, struct arena *a, const char *path)
{
	const char *url = conf_str(s->conf, CONF_PUBLIC_URL);
	span names = span_from(conf_str(s->conf, CONF_SERVER_NAME)), first;

	if (*url)
		return span_from(arena_printf(a, "%s%s", url, path));
	if (!span_cut(&names, ' ', &first))
		first = SPAN("localhost");
	return span_from(arena_printf(a, "https://%.*s%s", SPAN_ARG(first), path));
}

bool caller_may(const struct caller *c, const char *permission)
{
	return token_list_has(c->permissions, span_from(permission));
}

span caller_owner(const struct caller *c)
{
	return c->kind == CALLER_WORKLOAD ? c->workload : c->account;
}

err reach_product(struct task *t, span product_name)
{
	return permissions_reach_product(t->caller->permissions, product_name)
		       ? OK
		       : fail(t, ERR_DENIED, "beyond_scope",
				 "Your permissions do not reach the product '%.*s'.",
				 SPAN_ARG(product_name));
}

bool reaches_organisation(const struct task *t, span organisation)
{
	const struct caller *c = t->caller;

	return !permissions_are_for_organisation(c->permissions) ||
	       (c->org.len && span_eq(organisation, c->org));
}

err fail(struct task *t, err e, const char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	t->reason = reason;
	t->detail = arena_vprintf(t->arena, format, args);
	va_end(args);
	return e;
}

err fail_policy(struct task *t, enum policy_reason r)
{
	err e = r == POLICY_AUTHENTICATION_REQUIRED || r == POLICY_CREDENTIALS_STALE
			? ERR_UNAUTHENTICATED
			: ERR_DENIED;

	return fail(t, e, policy_reason_name(r), "%s.", policy_reason_text(r));
}

err published(struct task *t, uint64_t seq)
{
	err e = publisher_wait(t->service->publisher, seq, PUBLISH_TIMEOUT);

	t->stored = true;
	if (e == ERR_UNAVAILABLE)
		return fail(t, e, "not_yet_published",
			"The change is stored, but this node's published state does not hold it "
			"yet. It will; there is no need to send it again.");
	return e;
}
