#include "test.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "account/limit.h"
#include "account/quota.h"
#include "account/throttle.h"
#include "base/time.h"
#include "support/script.h"
#include "sys/clock.h"

#define ATTEMPTS 5
#define WINDOW   (15 * TIME_MINUTE)

static struct script server = {.name = "redis.sh"};
static const uint8_t key[32] = "a key that all the nodes share.";

/* Calls that failed. */
static atomic_uint failures;

static void observe(void *ctx UNUSED, const struct redis_outcome *o)
{
	failures += o->failure != NULL;
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

/* One node: a table of its own, and Redis with its own clock. */
static struct throttle *node(struct redis *r)
{
	struct throttle *t = throttle_new(ATTEMPTS, WINDOW);

	throttle_share(t, &(struct limit_sharing){.redis = r, .key = key});
	return t;
}

static err try_once(struct throttle *t, const struct throttle_subject *s, int64_t now_us)
{
	int64_t wait;

	return throttle_try(t, s, now_us, &wait);
}

static int64_t ask_redis(struct redis *r, const char *text)
{
	struct redis_script script;
	int64_t answer = -1;

	redis_script_init(&script, text);
	assert_ok(redis_call(r, &(struct redis_call){.script = &script}, &answer, 1));
	return answer;
}

/* CONFIG SET, as the administrator. */
static void configure(const char *setting)
{
	redisContext *c = redisConnectUnix(script_url(&server) + strlen("redis+unix://"));
	char command[64];

	(void)snprintf(command, sizeof(command), "CONFIG SET %s", setting);
	redisReply *reply = redisCommand(c, command);

	assert_non_null(reply);
	assert_int_equal(reply->type, REDIS_REPLY_STATUS);
	freeReplyObject(reply);
	redisFree(c);
}

static void wait_until_back(struct redis *r)
{
	struct redis_outcome outcome;

	while (redis_check(r, &outcome))
		(void)usleep(1000);
}

/* Nodes whose clocks are hours apart count together: the time is that of Redis. */
static void clocks_of_nodes_do_not_matter(void **state UNUSED)
{
	const struct throttle_subject jane = {"account", SPAN("jane"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) one = node(r);
	AUTO_PTR(throttle) other = node(r);
	int64_t now = clock_wall_us(), wait = 0;

	for (int i = 0; i < ATTEMPTS; i++)
		assert_ok(try_once(i % 2 ? one : other, &jane, i % 2 ? now : now + 5 * TIME_HOUR));
	assert_int_equal(throttle_try(one, &jane, now, &wait), ERR_LIMIT);
	assert_in_range(wait, 1, TIME_SECOND);
	assert_int_equal(throttle_try(other, &jane, now + 5 * TIME_HOUR, &wait), ERR_LIMIT);
	assert_in_range(wait, 1, TIME_SECOND);
	throttle_forget(other, &jane);
	assert_ok(try_once(one, &jane, now));
}

static void nothing_in_redis_tells_who(void **state UNUSED)
{
	const struct throttle_subject jane = {"guesser", SPAN("192.0.2.7 jane@example.com"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) t = node(r);

	assert_ok(try_once(t, &jane, clock_wall_us()));
	assert_int_equal(
		ask_redis(r, "local found = 0\n"
			     "for _, k in ipairs(redis.call('KEYS', '*')) do\n"
			     "  local all = k .. ' ' .. redis.call('GET', k)\n"
			     "  if string.find(all, '192.0.2') or string.find(all, 'jane') "
			     "or string.find(all, 'guesser') then found = found + 1 end\n"
			     "end\n"
			     "return {found}"),
		0);
	/* All that is kept of somebody ends by itself; only the name of the memory stays. */
	assert_int_equal(
		ask_redis(r, "local n = 0\n"
			     "for _, k in ipairs(redis.call('KEYS', '*')) do\n"
			     "  if redis.call('PTTL', k) < 0 and k ~= 'slipway:memory' then "
			     "n = n + 1 end\n"
			     "end\n"
			     "return {n}"),
		0);
}

/* Down, the count goes on here; back, it is known to the others. */
static void an_outage_forgives_nothing(void **state UNUSED)
{
	const struct throttle_subject jane = {"account", SPAN("outage"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) one = node(r);
	AUTO_PTR(throttle) other = node(r);
	int64_t now = clock_wall_us();

	for (int i = 0; i < ATTEMPTS - 1; i++)
		assert_ok(try_once(one, &jane, now));
	script_tell(&server, "stop");
	assert_ok(try_once(one, &jane, now));
	assert_int_equal(try_once(one, &jane, now), ERR_LIMIT);
	/* Restarted, it has forgotten everything. */
	script_tell(&server, "start");
	wait_until_back(r);
	assert_int_equal(try_once(one, &jane, now), ERR_LIMIT);
	assert_int_equal(try_once(other, &jane, now), ERR_LIMIT);
}

/* An attempt that was counted here is not taken back from what others have counted in Redis. */
static void what_was_counted_here_is_taken_back_here(void **state UNUSED)
{
	const struct throttle_subject jane = {"account", SPAN("taken back"), 1},
				      john = {"account", SPAN("another"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) one = node(r);
	AUTO_PTR(throttle) other = node(r);
	int64_t now = clock_wall_us();

	for (int i = 0; i < ATTEMPTS - 1; i++)
		assert_ok(try_once(other, &jane, now));
	script_tell(&server, "pause");
	for (int i = 0; i < ATTEMPTS;
		i++) /* until it is not asked any more: what reached it counts */
		assert_ok(try_once(one, &john, now));
	assert_ok(try_once(one, &jane, now));
	script_tell(&server, "resume");
	wait_until_back(r);
	throttle_undo(one, &jane);
	assert_ok(try_once(other, &jane, now));
	assert_int_equal(try_once(other, &jane, now), ERR_LIMIT);
	assert_int_equal(try_once(one, &jane, now), ERR_LIMIT);
}

static void other_installations_are_apart(void **state UNUSED)
{
	static const uint8_t other_key[32] = "the key of other nodes, not ours";
	const struct throttle_subject jane = {"account", SPAN("apart"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) one = node(r);
	AUTO_PTR(throttle) other = throttle_new(ATTEMPTS, WINDOW);
	int64_t now = clock_wall_us();

	throttle_share(other, &(struct limit_sharing){.redis = r, .key = other_key});
	for (int i = 0; i < ATTEMPTS; i++)
		assert_ok(try_once(one, &jane, now));
	assert_int_equal(try_once(one, &jane, now), ERR_LIMIT);
	for (int i = 0; i < ATTEMPTS; i++)
		assert_ok(try_once(other, &jane, now));
}

/* What stands in Redis under our name but is not ours is not believed: it is counted here. */
static void nonsense_in_redis_is_no_count(void **state UNUSED)
{
	static const char *const rows[] = {"'x'", "'-1 5'", "'1e9 5'", "''"};
	const struct throttle_subject jane = {"account", SPAN("nonsense"), 1};
	const struct quota_subject john = {"account", SPAN("nonsense"), 1, 3};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_PTR(redis) r = open_redis();
		AUTO_PTR(throttle) t = node(r);
		AUTO_PTR(quotas) q = quotas_new();
		char text[300];
		struct quota_left left;
		int64_t now = clock_wall_us();

		quotas_share(q, &(struct limit_sharing){.redis = r, .key = key});
		(void)ask_redis(
			r, "return {#redis.call('KEYS', '*'), redis.call('FLUSHALL') and nil}");
		assert_ok(try_once(t, &jane, now));
		assert_ok(quota_take(q, &john, now, &left));
		(void)snprintf(text, sizeof(text),
			"for _, k in ipairs(redis.call('KEYS', 'slipway:*:*')) do "
			"redis.call('SET', k, %s) end return {1}",
			rows[i]);
		(void)ask_redis(r, text);
		for (int n = 1; n < ATTEMPTS; n++)
			assert_ok(try_once(t, &jane, now));
		assert_int_equal(try_once(t, &jane, now), ERR_LIMIT);
		for (int n = 1; n < 3; n++)
			assert_ok(quota_take(q, &john, now, &left));
		assert_int_equal(quota_take(q, &john, now, &left), ERR_LIMIT);
	}
}

/* It refuses what would make it grow, if it was told to; what others count there stays. */
static void a_redis_that_is_full_is_one_that_is_away(void **state UNUSED)
{
	const struct throttle_subject jane = {"account", SPAN("full"), 1};
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) t = node(r);
	int64_t now = clock_wall_us();

	for (int i = 0; i < ATTEMPTS - 1; i++)
		assert_ok(try_once(t, &jane, now));
	configure("maxmemory 1");
	failures = 0;
	assert_ok(try_once(t, &jane, now));
	assert_int_equal(try_once(t, &jane, now), ERR_LIMIT);
	assert_int_equal(failures, 2);
	configure("maxmemory 0");
	wait_until_back(r);
	assert_int_equal(try_once(t, &jane, now), ERR_LIMIT);
}

/* Many at once -------------------------------------------------------------------------------- */

#define THREADS 16

static const struct throttle_subject crowded = {"account", SPAN_INIT("crowd"), 4};

struct crowd {
	struct throttle *nodes[2];
	int64_t now;
	atomic_uint next, permitted;
};

static void *be_one_of_many(void *arg)
{
	struct crowd *c = arg;
	struct throttle *mine = c->nodes[c->next++ % 2];

	for (int i = 0; i < 30; i++)
		c->permitted += try_once(mine, &crowded, c->now) == OK;
	return NULL;
}

static void none_slips_through_a_crowd(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_redis();
	AUTO_PTR(throttle) one = throttle_new(ATTEMPTS, WINDOW);
	AUTO_PTR(throttle) other = throttle_new(ATTEMPTS, WINDOW);
	const struct limit_sharing sharing = {.redis = r, .key = key, .callers_clock = true};
	struct crowd crowd = {.nodes = {one, other}, .now = clock_wall_us()};
	pthread_t threads[THREADS];

	throttle_share(one, &sharing);
	throttle_share(other, &sharing);
	failures = 0;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, be_one_of_many, &crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	/* On a slow machine calls may fail, and each node then counts for itself from what it knew.
	 */
	assert_in_range(crowd.permitted, ATTEMPTS * 4, ATTEMPTS * 4 * (failures ? 2 : 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_of_nodes_do_not_matter),
		cmocka_unit_test(nothing_in_redis_tells_who),
		cmocka_unit_test(an_outage_forgives_nothing),
		cmocka_unit_test(what_was_counted_here_is_taken_back_here),
		cmocka_unit_test(other_installations_are_apart),
		cmocka_unit_test(nonsense_in_redis_is_no_count),
		cmocka_unit_test(a_redis_that_is_full_is_one_that_is_away),
		cmocka_unit_test(none_slips_through_a_crowd),
	};

	return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
