/*
 * Hard rule: only who has proven to be somebody is counted as that; a forged credential uses up
 * nobody's requests.
 */
#include "api/limits.h"

#include "account/quota.h"
#include "base/time.h"
#include "sys/clock.h"

#include "base/banned.h"

#define WINDOW_S 10 /* what it takes to use nothing for, until all of the burst is there again */

static bool subject_of(const struct task *t, struct quota_subject *ret)
{
	const struct caller *c = t->caller;
	bool program = c->kind == CALLER_API_KEY || c->kind == CALLER_WORKLOAD;

	if (!program && c->kind != CALLER_ACCOUNT && c->kind != CALLER_DEVICE)
		return false;
	if (program) {
		ret->kind = c->kind == CALLER_API_KEY ? "key" : "workload";
		ret->name = c->client_id;
	} else {
		/* A device for itself: a stolen one must not keep its owner from ending it. */
		ret->kind = c->device.len ? "device" : "account";
		ret->name = c->device.len ? c->device : c->account;
	}
	ret->per_second =
		(uint32_t)conf_int(t->service->conf, program ? CONF_KEY_RATE : CONF_ACCOUNT_RATE);
	ret->burst = ret->per_second * WINDOW_S;
	return true;
}

static void answer_limits(
	struct request *rq, const struct quota_subject *s, const struct quota_left *left)
{
	struct arena *a = rq->task.arena;
	int64_t full_in_s = (left->full_in_us + TIME_SECOND - 1) / TIME_SECOND;

	answer_header(rq, "RateLimit-Policy",
		span_from(arena_printf(a, "\"%s\";q=%u;w=%d", s->kind, s->burst, WINDOW_S)));
	answer_header(rq, "RateLimit",
		span_from(arena_printf(
			a, "\"%s\";r=%u;t=%lld", s->kind, left->requests, (long long)full_in_s)));
}

err limits_take(struct exchange *x)
{
	struct task *t = &x->rq.task;
	struct quota_subject s;
	struct quota_left left;

	if (!subject_of(t, &s))
		return OK;
	err e = quota_take(t->service->quotas, &s, clock_monotonic_us(), &left);

	answer_limits(&x->rq, &s, &left);
	if (!e)
		return OK;
	t->retry_after_us = left.wait_us;
	return fail(t, e, "too_many_requests",
		"This %s has made too many requests: %u per second are permitted, and %u at once.",
		s.kind, s.per_second, s.burst);
}
