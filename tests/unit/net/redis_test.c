#include "test.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/redis.h"
#include "support/script.h"
#include "sys/files.h"

static struct script server = {.name = "redis.sh"};

/* What the observer was told. */
struct told {
	atomic_uint calls, failures, changes;
	struct redis_outcome last;
};

static void observe(void *ctx, const struct redis_outcome *o)
{
	struct told *t = ctx;

	t->calls++;
	t->failures += o->failure != NULL;
	t->changes += o->changed;
	t->last = *o; /* one thread only */
}

static const char *url(void)
{
	const char *found = script_url(&server);

	if (!found) {
		print_message("skipped: no Redis is installed\n");
		skip();
	}
	return found;
}

static struct redis *open_url(const char *text, const char *password_file, struct told *t)
{
	struct redis *r;

	assert_ok(redis_new(&(struct redis_settings){.url = text,
				    .password_file = password_file,
				    .observer = t ? observe : NULL,
				    .ctx = t},
		&r));
	return r;
}

static err call(struct redis *r, const char *text, int64_t number, int64_t *ret)
{
	struct redis_script script;

	redis_script_init(&script, text);
	return redis_call(r,
		&(struct redis_call){.script = &script,
			.keys = {SPAN("test:one"), SPAN("test:two")},
			.numbers = &number,
			.numbers_count = 1},
		ret, 1);
}

#define ECHO "return {tonumber(ARGV[1])}"

/* A command of the administrator's. */
static void administer(const char *command)
{
	redisContext *c = redisConnectUnix(url() + strlen("redis+unix://"));
	redisReply *reply = redisCommand(c, command);

	assert_non_null(reply);
	assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
	freeReplyObject(reply);
	redisFree(c);
}

/* Answers ------------------------------------------------------------------------------------- */

static void failures_have_a_reason(void **state UNUSED)
{
	static const struct {
		const char *text, *failure, *detail;
	} rows[] = {
		{"return redis.call('NOSUCH')", "refused", "Unknown Redis command"},
		{"return redis.call('GET')", "refused", "Wrong number of args"},
		{"syntax error", "refused", "ERR Error compiling script"},
		{"return {}", "answer", "another form"},
		{"return {1, 2}", "answer", "another form"},
		{"return {'1'}", "answer", "another form"},
		{"return 1", "answer", "another form"},
		{"return nil", "answer", "another form"},
		{"return {{1}}", "answer", "another form"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told told = {0};
		AUTO_PTR(redis) r = open_url(url(), NULL, &told);
		int64_t number = 7;

		assert_int_equal(call(r, rows[i].text, 1, &number), ERR_UNAVAILABLE);
		assert_row(told.calls == 1 && told.failures == 1, rows[i].text);
		assert_string_equal(told.last.failure, rows[i].failure);
		assert_row(span_contains(span_from(told.last.detail), span_from(rows[i].detail)),
			told.last.detail);
		assert_int_equal(number, 7);
		assert_ok(call(r, ECHO, 5, &number));
		assert_int_equal(number, 5);
	}
}

static void keys_and_numbers_arrive(void **state UNUSED)
{
	struct told told = {0};
	AUTO_PTR(redis) r = open_url(url(), NULL, &told);
	int64_t number = 0;

	assert_ok(call(r, "return {#KEYS[1] * 100 + #KEYS[2] * 10 + #ARGV}", 0, &number));
	assert_int_equal(number, 881);
	for (int64_t n = 1; n > 0 && n < (INT64_C(1) << 52); n *= 7) {
		assert_ok(call(r, ECHO, n, &number));
		assert_int_equal(number, n);
		assert_ok(call(r, ECHO, -n, &number));
		assert_int_equal(number, -n);
	}
	/* Scripts are forgotten at a restart. */
	administer("SCRIPT FLUSH");
	assert_ok(call(r, ECHO, 3, &number));
	assert_int_equal(told.failures, 0);
}

/* Sign-in ------------------------------------------------------------------------------------- */

static void sign_ins(void **state UNUSED)
{
	static const struct {
		const char *credentials, *file;
		bool good;
	} rows[] = {
		{"app:s3cret@", NULL, true},
		{"app@", "s3cret\n", true},
		{"app:wrong@", "s3cret", true}, /* the file is what counts */
		{"app:wrong@", NULL, false},
		{"app@", "wrong", false},
		{"app@", "", true},
		{"nobody:s3cret@", NULL, false},
		{":s3cret@", NULL, false},
	};
	char text[300], path[] = "/tmp/slipway-redis-password-XXXXXX";
	const char *socket = url() + strlen("redis+unix://");
	int64_t number;
	int fd = mkstemp(path);

	assert_true(fd >= 0 && close(fd) == 0);
	administer("ACL SETUSER app on >s3cret ~test:* +eval +evalsha");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told told = {0};

		if (rows[i].file)
			assert_ok(file_write_atomic(path, span_from(rows[i].file), 0600));
		(void)snprintf(
			text, sizeof(text), "redis+unix://%s%s", rows[i].credentials, socket);
		AUTO_PTR(redis) r = open_url(text, rows[i].file ? path : NULL, &told);
		err e = call(r, ECHO, 1, &number);

		assert_row((e == OK) == rows[i].good, rows[i].credentials);
		if (e) {
			assert_string_equal(told.last.failure, "sign_in");
			assert_null(strstr(told.last.detail, "s3cret"));
			assert_null(strstr(told.last.detail, "wrong"));
			assert_non_null(strstr(told.last.detail, "refused"));
		}
	}
	(void)unlink(path);
	struct told told = {0};
	AUTO_PTR(redis) r = open_url(url(), path, &told);

	assert_int_equal(call(r, ECHO, 1, &number), ERR_UNAVAILABLE);
	assert_string_equal(told.last.failure, "password_file");
	administer("ACL DELUSER app");
}

static void databases_are_apart(void **state UNUSED)
{
	struct told told = {0};
	char text[300];
	int64_t number;

	(void)snprintf(text, sizeof(text), "%s?db=3", url());
	AUTO_PTR(redis) three = open_url(text, NULL, &told);
	AUTO_PTR(redis) none = open_url(url(), NULL, &told);

	assert_ok(call(three, "redis.call('SET', KEYS[1], 'x') return {1}", 0, &number));
	assert_ok(call(none, "return {redis.call('EXISTS', KEYS[1])}", 0, &number));
	assert_int_equal(number, 0);
	(void)snprintf(text, sizeof(text), "%s?db=65535", url());
	AUTO_PTR(redis) beyond = open_url(text, NULL, &told);

	assert_int_equal(call(beyond, ECHO, 0, &number), ERR_UNAVAILABLE);
	assert_string_equal(told.last.failure, "refused");
}

/* Away ---------------------------------------------------------------------------------------- */

static void wait_until_back(struct redis *r)
{
	struct redis_outcome outcome;

	for (int i = 0; redis_check(r, &outcome); i++) {
		assert_true(i < 10000);
		(void)usleep(2000);
	}
}

static void one_that_is_away_is_asked_no_more(void **state UNUSED)
{
	static const struct {
		const char *away, *back, *failure;
	} rows[] = {
		{"stop", "start", "connect"},   /* killed: nothing listens */
		{"pause", "resume", "timeout"}, /* stopped: connections are made, nobody answers */
	};
	int64_t number;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told told = {0};
		AUTO_PTR(redis) r = open_url(url(), NULL, &told);

		assert_ok(call(r, ECHO, 1, &number));
		script_tell(&server, rows[i].away);
		for (int n = 0; n < 20; n++)
			assert_int_equal(call(r, ECHO, 1, &number), ERR_UNAVAILABLE);
		assert_in_range(told.failures, 3, 6); /* more: probes, on a slow machine */
		assert_string_equal(told.last.failure, rows[i].failure);
		assert_int_equal(told.changes, 1);
		assert_int_not_equal(redis_state(r), BREAKER_CLOSED);
		script_tell(&server, rows[i].back);
		wait_until_back(r);
		assert_int_equal(redis_state(r), BREAKER_CLOSED);
		assert_int_equal(told.changes, 2);
		assert_ok(call(r, ECHO, 2, &number));
		assert_int_equal(number, 2);
	}
}

/* Nobody takes the connection: what is sent is lost, as by a machine that is off. */
static void a_host_that_swallows_everything_is_not_waited_for(void **state UNUSED)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct told told = {0};
	char text[64];
	int64_t number;
	int fillers[4];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++) { /* until its queue is full */
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&address, size);
	}
	(void)snprintf(text, sizeof(text), "redis://127.0.0.1:%u", ntohs(address.sin_port));
	AUTO_PTR(redis) r = open_url(text, NULL, &told);

	for (int n = 0; n < 10; n++)
		assert_int_equal(call(r, ECHO, 1, &number), ERR_UNAVAILABLE);
	assert_in_range(told.failures, 3, 6);
	assert_string_equal(told.last.failure, "connect");
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
		(void)close(fillers[i]);
	(void)close(fd);
}

/* A server that was started anew costs no call: that its connections have ended is seen before. */
static void a_restart_between_two_calls_is_not_noticed(void **state UNUSED)
{
	struct told told = {0};
	AUTO_PTR(redis) r = open_url(url(), NULL, &told);
	int64_t number;

	for (int i = 0; i < 3; i++) {
		assert_ok(call(r, ECHO, i, &number));
		assert_int_equal(number, i);
		script_tell(&server, "stop");
		script_tell(&server, "start");
	}
	assert_int_equal(told.failures, 0);
}

static void an_answer_that_is_late_is_nobody_elses(void **state UNUSED)
{
	struct told told = {0};
	AUTO_PTR(redis) r = open_url(url(), NULL, &told);
	int64_t number = 0;

	for (int64_t i = 0; i < 5; i++) {
		assert_ok(call(r, ECHO, 1000 + i, &number));
		script_tell(&server, "pause");
		assert_int_equal(call(r, ECHO, 2000 + i, &number), ERR_UNAVAILABLE);
		script_tell(&server, "resume");
		assert_ok(call(r, ECHO, 3000 + i, &number));
		assert_int_equal(number, 3000 + i);
	}
}

/* Many at once -------------------------------------------------------------------------------- */

#define THREADS 40
#define CALLS   100

static const char *const echo_and_clients =
	"local n = string.match(redis.call('INFO', 'clients'), 'connected_clients:(%d+)')\n"
	"redis.call('SET', KEYS[1], math.max(n, redis.call('GET', KEYS[1]) or 0))\n"
	"return {tonumber(ARGV[1])}";

struct crowd {
	struct redis *redis;
	atomic_int_fast64_t next;
	atomic_uint answered, wrong;
};

static void *be_one_of_many(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < CALLS; i++) {
		int64_t mine = crowd->next++, number = -1;

		/* On a slow machine an answer may come too late. */
		if (call(crowd->redis, echo_and_clients, mine, &number))
			continue;
		crowd->answered++;
		crowd->wrong += number != mine;
	}
	return NULL;
}

static void many_share_few_connections(void **state UNUSED)
{
	AUTO_PTR(redis) r = open_url(url(), NULL, NULL);
	struct crowd crowd = {.redis = r};
	pthread_t threads[THREADS];
	int64_t most;

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, be_one_of_many, &crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(crowd.answered > 0);
	assert_int_equal(crowd.wrong, 0);
	wait_until_back(r);
	assert_ok(call(r, "return {tonumber(redis.call('GET', KEYS[1]))}", 0, &most));
	assert_in_range(most, 2, 16);
}

static void urls_that_are_none(void **state UNUSED)
{
	struct redis *r = NULL;

	assert_int_equal(redis_new(&(struct redis_settings){.url = "localhost"}, &r), ERR_INVALID);
	assert_null(r);
	redis_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_have_a_reason),
		cmocka_unit_test(keys_and_numbers_arrive),
		cmocka_unit_test(sign_ins),
		cmocka_unit_test(databases_are_apart),
		cmocka_unit_test(one_that_is_away_is_asked_no_more),
		cmocka_unit_test(a_host_that_swallows_everything_is_not_waited_for),
		cmocka_unit_test(a_restart_between_two_calls_is_not_noticed),
		cmocka_unit_test(an_answer_that_is_late_is_nobody_elses),
		cmocka_unit_test(many_share_few_connections),
		cmocka_unit_test(urls_that_are_none),
	};

	return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
