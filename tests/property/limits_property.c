/*
 * Limits: what is counted in Redis by two nodes is what one table would count, whatever happens and
 * in which order; and a node whose Redis forgets, or goes, knows what it knew.
 */
#include "gen.h"

#include "account/limit.h"
#include "account/quota.h"
#include "account/throttle.h"
#include "base/time.h"
#include "support/script.h"

#define START (INT64_C(20000) * TIME_DAY)

static struct script server = {.name = "redis.sh"};
static const uint8_t key[32] = "a key that the two nodes share.";
/* Outages end with a wait of half a second: few of them. */
static const int histories = 40, outages = 3;

/* Calls that failed though nobody stopped Redis: the machine is slow. Such a history ends early. */
static unsigned unwanted;
static bool stopped;

static void observe(void *ctx UNUSED, const struct redis_outcome *o)
{
	unwanted += o->failure && !stopped;
}

static struct redis *open_redis(void)
{
	const char *url = script_url(&server);
	struct redis *r;

	if (!url) {
		print_message("skipped: no Redis is installed\n");
		skip();
	}
	assert_ok(redis_new(&(struct redis_settings){.url = url, .observer = observe}, &r));
	return r;
}

static void forget_everything(struct redis *r)
{
	struct redis_script script;
	int64_t answer;

	redis_script_init(&script, "redis.call('FLUSHALL') return {1}");
	assert_ok(redis_call(r, &(struct redis_call){.script = &script}, &answer, 1));
}

static void wait_until_back(struct redis *r)
{
	struct redis_outcome outcome;

	while (redis_check(r, &outcome))
		(void)usleep(1000);
}

/* Mostly near the last one, so that what is to expire does so now and then. */
static int64_t later(struct gen *g, int64_t now)
{
	static const int64_t steps[] = {
		0, 1, TIME_MS, 20 * TIME_MS, TIME_SECOND, 7 * TIME_SECOND, TIME_MINUTE};
	int64_t step = (int64_t)gen_below(g, 1 + (uint64_t)steps[gen_below(g, ARRAY_LEN(steps))]);

	return now + step;
}

/* And backwards sometimes. */
static int64_t later_or_earlier(struct gen *g, int64_t now)
{
	return gen_chance(g, 20) ? 2 * now - later(g, now) : later(g, now);
}

static struct throttle *shared_throttle(struct redis *r, unsigned attempts, int64_t window)
{
	struct throttle *t = throttle_new(attempts, window);

	throttle_share(t, &(struct limit_sharing){r, key, true});
	return t;
}

/* Failed sign-ins ------------------------------------------------------------------------------ */

struct histories {
	struct gen gen;
	struct throttle *here, *nodes[2];
	struct throttle_subject subjects[4];
	size_t refused, tried;
};

static void begin_history(struct histories *h, struct redis *r, int number)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct gen *g = &h->gen;
	unsigned attempts = 1 + (unsigned)gen_below(g, 5);
	int64_t window = (int64_t)(1 + gen_below(g, 4)) * TIME_MINUTE / 2;
	char *kind = malloc(16);

	unwanted = 0;
	(void)snprintf(kind, 16, "%d", number);
	h->here = throttle_new(attempts, window);
	for (size_t i = 0; i < 2; i++)
		h->nodes[i] = shared_throttle(r, attempts, window);
	for (size_t i = 0; i < ARRAY_LEN(h->subjects); i++)
		h->subjects[i] = (struct throttle_subject){
			kind, span_from(names[i]), 1 + (unsigned)gen_below(g, 3)};
}

static void end_history(struct histories *h)
{
	throttle_free(h->here);
	throttle_free(h->nodes[0]);
	throttle_free(h->nodes[1]);
	free((void *)(uintptr_t)h->subjects[0].kind);
}

/* The verdict on one attempt is the same, and if it is no, so is the wait. */
static void try_both(
	struct histories *h, struct throttle *node, const struct throttle_subject *s, int64_t now)
{
	int64_t wait = 0, want = 0;
	err wanted = throttle_try(h->here, s, now, &want), got = throttle_try(node, s, now, &wait);

	if (unwanted)
		return;
	assert_int_equal(got, wanted);
	assert_int_equal(wait, want);
	h->refused += wanted == ERR_LIMIT;
	h->tried++;
}

static void two_nodes_count_as_one(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_redis();
	struct histories h = {.gen = gen_new("two nodes count as one")};
	struct gen *g = &h.gen;

	for (int i = 0; i < histories; i++) {
		int64_t now = START;

		begin_history(&h, r, i);
		for (int n = 0; n < 200 && !unwanted; n++) {
			const struct throttle_subject *s = &h.subjects[gen_below(g, 4)];
			struct throttle *node = h.nodes[gen_below(g, 2)];

			now = later_or_earlier(g, now);
			if (gen_chance(g, 8)) {
				throttle_undo(h.here, s);
				throttle_undo(node, s);
			} else if (gen_chance(g, 30)) {
				throttle_forget(h.here, s);
				throttle_forget(node, s);
			} else {
				try_both(&h, node, s, now);
			}
		}
		end_history(&h);
	}
	assert_true(h.refused > h.tried / 20 && h.refused < h.tried * 19 / 20);
}

/* What happens to Redis now and then; nothing of it may be seen. */
static void disturb(struct gen *g, struct redis *r, int *outages_left)
{
	if (gen_chance(g, 10))
		forget_everything(r);
	if (!*outages_left || !gen_chance(g, 100))
		return;
	--*outages_left;
	script_tell(&server, "stop");
	stopped = true;
}

static void back_again(struct redis *r)
{
	script_tell(&server, "start");
	wait_until_back(r);
	stopped = false;
}

static void a_node_knows_what_redis_forgot(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_redis();
	struct histories h = {.gen = gen_new("a node knows what Redis forgot")};
	int outages_left = outages, i = 0;

	while (i < histories || outages_left) {
		int64_t now = START;

		begin_history(&h, r, 1000 + i++);
		for (int n = 0; n < 100 && !unwanted; n++) {
			int before = outages_left;

			disturb(&h.gen, r, &outages_left);
			for (int k = before != outages_left ? 20 : 1; k; k--) {
				now = later(&h.gen, now);
				try_both(&h, h.nodes[0], &h.subjects[gen_below(&h.gen, 4)], now);
			}
			if (before != outages_left)
				back_again(r);
		}
		end_history(&h);
	}
	assert_true(h.refused > h.tried / 20 && h.refused < h.tried * 19 / 20);
}

/* Requests ------------------------------------------------------------------------------------- */

struct takings {
	struct gen gen;
	struct quotas *here, *nodes[2];
	struct quota_subject subjects[4];
	size_t refused, tried;
};

static void begin_takings(struct takings *h, struct redis *r, int number)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	char *kind = malloc(16);

	unwanted = 0;
	(void)snprintf(kind, 16, "%d", number);
	h->here = quotas_new();
	for (size_t i = 0; i < 2; i++) {
		h->nodes[i] = quotas_new();
		quotas_share(h->nodes[i], &(struct limit_sharing){r, key, true});
	}
	for (size_t i = 0; i < ARRAY_LEN(h->subjects); i++)
		h->subjects[i] = (struct quota_subject){kind, span_from(names[i]),
			(uint32_t)MIN(1 + gen_number(&h->gen) % 64, 1000000),
			1 + (uint32_t)gen_below(&h->gen, 20)};
}

static void end_takings(struct takings *h)
{
	quotas_free(h->here);
	quotas_free(h->nodes[0]);
	quotas_free(h->nodes[1]);
	free((void *)(uintptr_t)h->subjects[0].kind);
}

static void take_both(struct takings *h, struct quotas *node, int64_t now)
{
	const struct quota_subject *s = &h->subjects[gen_below(&h->gen, 4)];
	struct quota_left left, want;
	err wanted = quota_take(h->here, s, now, &want), got = quota_take(node, s, now, &left);

	if (unwanted)
		return;
	assert_int_equal(got, wanted);
	assert_int_equal(left.requests, want.requests);
	assert_int_equal(left.full_in_us, want.full_in_us);
	assert_int_equal(left.wait_us, want.wait_us);
	h->refused += wanted == ERR_LIMIT;
	h->tried++;
}

static int64_t soon(struct gen *g, int64_t now)
{
	int64_t step = (int64_t)gen_below(g, gen_chance(g, 4) ? TIME_SECOND : 3 * TIME_MS);

	return now + (gen_chance(g, 20) ? -step : step);
}

static void two_nodes_take_from_one_bucket(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_redis();
	struct takings h = {.gen = gen_new("two nodes take from one bucket")};

	for (int i = 0; i < histories; i++) {
		int64_t now = START;

		begin_takings(&h, r, i);
		for (int n = 0; n < 300 && !unwanted; n++) {
			now = soon(&h.gen, now);
			take_both(&h, h.nodes[gen_below(&h.gen, 2)], now);
		}
		end_takings(&h);
	}
	assert_true(h.refused > h.tried / 20 && h.refused < h.tried * 19 / 20);
}

static void a_node_knows_what_was_taken(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_redis();
	struct takings h = {.gen = gen_new("a node knows what was taken")};
	int outages_left = outages, i = 0;

	while (i < histories || outages_left) {
		int64_t now = START;

		begin_takings(&h, r, 1000 + i++);
		for (int n = 0; n < 150 && !unwanted; n++) {
			int before = outages_left;

			disturb(&h.gen, r, &outages_left);
			for (int k = before != outages_left ? 20 : 1; k; k--) {
				now = soon(&h.gen, now);
				take_both(&h, h.nodes[0], now);
			}
			if (before != outages_left)
				back_again(r);
		}
		end_takings(&h);
	}
	assert_true(h.refused > h.tried / 20 && h.refused < h.tried * 19 / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_count_as_one),
		cmocka_unit_test(a_node_knows_what_redis_forgot),
		cmocka_unit_test(two_nodes_take_from_one_bucket),
		cmocka_unit_test(a_node_knows_what_was_taken),
	};

	return cmocka_run_group_tests_name("limits", tests, gen_setup, NULL);
}
