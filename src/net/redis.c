/*
 * Hard rule: a connection on which anything went wrong is closed. An answer that comes too late
 * must not be taken for that of the next call.
 */
#include "net/redis.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/encode.h"
#include "base/time.h"
#include "conf/redis_url.h"
#include "crypto/checksum.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

/* A call takes a tenth of a millisecond next door: so many carry 100,000 calls a second. */
#define CONNECTIONS 16
/* Above a lost packet that is sent again (200 ms at the least) nobody is to wait for a count. */
#define CONNECT_MS 200
#define COMMAND_MS 100
/* For one of the connections to be free. */
#define QUEUE_MS 100

#define PASSWORD_MAX 1024

/* Three, because one connection that was cut is no sign. A Redis that is back is soon seen. */
static const struct breaker_rules rules = {
	.failures = 3, .pause_us = TIME_SECOND / 2, .pause_max_us = 5 * TIME_SECOND};

struct redis {
	pthread_mutex_t lock;
	pthread_cond_t returned;
	struct breaker breaker;
	redisContext *idle[CONNECTIONS]; /* the last one used is the first one lent */
	size_t idle_count;
	size_t places;   /* connections there are, lent or idle, and one that is being made */
	bool connecting; /* one thread at a time: names are resolved without a limit of time */
	/* Immutable. */
	struct redis_url url;
	char *password_file;
	void (*observer)(void *ctx, const struct redis_outcome *outcome);
	void *ctx;
};

/* One call on its way. */
struct attempt {
	uint64_t ticket;
	redisContext *connection; /* NULL: still to be made */
	struct redis_outcome outcome;
};

static err failed(struct attempt *a, const char *failure, const char *detail)
{
	struct buf text;

	buf_init_fixed(&text, a->outcome.detail, sizeof(a->outcome.detail));
	buf_add(&text, span_sub(span_from(detail), 0, sizeof(a->outcome.detail) - 1));
	a->outcome.failure = failure;
	return ERR_UNAVAILABLE;
}

/* Lending ------------------------------------------------------------------------------------ */

/* True: a connection or the place for one is ours. */
static bool take_place_locked(struct redis *r, struct attempt *a)
{
	if (r->idle_count == 0 && (r->places == CONNECTIONS || r->connecting))
		return false;
	a->ticket = breaker_ask(&r->breaker, clock_monotonic_us());
	if (!a->ticket)
		return false;
	if (r->idle_count) {
		a->connection = r->idle[--r->idle_count];
	} else {
		r->places++;
		r->connecting = true;
	}
	return true;
}

/* False: there is none, or the breaker is open (then nothing is to be said about it). */
static bool wait_for_place(struct redis *r, struct attempt *a)
{
	int64_t until = clock_monotonic_us() + QUEUE_MS * TIME_MS;
	struct timespec deadline = {until / TIME_SECOND, until % TIME_SECOND * 1000};
	bool taken, asked = true;
	int problem = 0;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: initialised, not recursive */
	taken = take_place_locked(r, a);
	while (!taken && problem != ETIMEDOUT) {
		asked = breaker_state(&r->breaker) == BREAKER_CLOSED;
		if (!asked)
			break;
		problem = pthread_cond_timedwait(&r->returned, &r->lock, &deadline);
		taken = take_place_locked(r, a);
	}
	(void)pthread_mutex_unlock(&r->lock);
	if (!taken && asked)
		(void)failed(a, "busy", "all connections are in use");
	return taken;
}

/* Gives the connection back, or its place; tells the breaker. Failures take the idle ones along. */
static void give_back(struct redis *r, struct attempt *a)
{
	redisContext *closed[CONNECTIONS + 1];
	size_t count = 0;
	bool good = !a->outcome.failure;

	(void)pthread_mutex_lock(&r->lock);
	a->outcome.changed = breaker_tell(&r->breaker, a->ticket, good, clock_monotonic_us());
	if (good) {
		r->idle[r->idle_count++] = a->connection;
	} else {
		memcpy(closed, r->idle, r->idle_count * sizeof(*closed));
		count = r->idle_count;
		r->idle_count = 0;
		closed[count++] = a->connection;
		r->places -= count;
	}
	(void)pthread_cond_broadcast(&r->returned);
	(void)pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < count; i++)
		redisFree(closed[i]); /* accepts NULL */
}

/* Speaking ------------------------------------------------------------------------------------ */

static err lost(struct attempt *a)
{
	bool late = a->connection->err == REDIS_ERR_IO && errno == EAGAIN;

	return failed(
		a, late ? "timeout" : "lost", late ? "no answer in time" : a->connection->errstr);
}

/* *ret is NULL after a failure; an error of Redis is one. */
static err command(struct attempt *a, int argc, const char **argv, const size_t *lengths,
	const char *failure, redisReply **ret)
{
	redisReply *reply = redisCommandArgv(a->connection, argc, argv, lengths);

	if (!reply)
		return lost(a);
	if (reply->type == REDIS_REPLY_ERROR) {
		(void)failed(a, failure, reply->str);
		freeReplyObject(reply);
		return ERR_UNAVAILABLE;
	}
	*ret = reply;
	return OK;
}

/* What is said to a sign-in, but for what repeats it: some servers do with words they do not know.
 */
static err refused(struct attempt *a, const char *password)
{
	span said = span_from(a->outcome.detail);
	char text[REDIS_DETAIL_SIZE];
	struct buf out;

	if (span_contains(said, span_from(password)) ||
		span_contains(said, SPAN("unknown command")))
		said = span_sub(said, 0, span_find(said, ' '));
	buf_init_fixed(&out, text, sizeof(text));
	buf_add_str(&out, "the sign-in is refused: ");
	buf_add(&out, span_sub(said, 0, sizeof(text) - 1 - buf_len(&out)));
	return failed(a, "sign_in", text);
}

static err sign_in(struct redis *r, struct attempt *a)
{
	const char *argv[] = {"AUTH", r->url.user, r->url.password};
	bool wide = false, user = r->url.user[0] != '\0';
	redisReply *reply = NULL;
	struct buf password;
	err e = OK;

	buf_init(&password, PASSWORD_MAX);
	if (r->password_file[0])
		e = secret_file_read(r->password_file, &password, &wide);
	if (e) {
		e = failed(a, "password_file", err_title(e));
	} else {
		argv[2] = r->password_file[0] ? buf_str(&password) : r->url.password;
		if (!user)
			argv[1] = argv[2];
		if (argv[2][0])
			e = command(a, user ? 3 : 2, argv, NULL, "sign_in", &reply);
		if (e && !a->connection->err)
			e = refused(a, argv[user ? 2 : 1]);
	}
	freeReplyObject(reply); /* accepts NULL */
	buf_wipe(&password);
	return e;
}

static err choose_database(struct redis *r, struct attempt *a)
{
	char number[16];
	const char *argv[] = {"SELECT", number};
	redisReply *reply = NULL;

	if (!r->url.database)
		return OK;
	(void)snprintf(number, sizeof(number), "%u", r->url.database);
	err e = command(a, 2, argv, NULL, "refused", &reply);

	freeReplyObject(reply);
	return e;
}

static err connect_to(struct redis *r, struct attempt *a)
{
	const struct timeval connect = {0, CONNECT_MS * 1000}, answer = {0, COMMAND_MS * 1000};
	redisContext *c = r->url.host[0]
				  ? redisConnectWithTimeout(r->url.host, (int)r->url.port, connect)
				  : redisConnectUnixWithTimeout(r->url.path, connect);

	a->connection = c;
	if (!c)
		return failed(a, "connect", "out of memory");
	if (c->err)
		return failed(a, "connect", c->errstr);
	(void)fcntl(c->fd, F_SETFD, FD_CLOEXEC);
	if (redisSetTimeout(c, answer) != REDIS_OK)
		return failed(a, "connect", c->errstr);
	err e = sign_in(r, a);

	return e ? e : choose_database(r, a);
}

/* Nobody speaks unasked: what is to be read on an idle connection is its end. */
static bool has_ended(redisContext *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

static err make_connection(struct redis *r, struct attempt *a)
{
	bool ours = !a->connection; /* r->connecting is */
	err e = OK;

	if (a->connection && has_ended(a->connection)) {
		redisFree(a->connection);
		a->connection = NULL;
	}
	if (!a->connection)
		e = connect_to(r, a);
	if (!ours)
		return e;
	(void)pthread_mutex_lock(&r->lock);
	r->connecting = false;
	(void)pthread_cond_broadcast(&r->returned);
	(void)pthread_mutex_unlock(&r->lock);
	return e;
}

/* Scripts ------------------------------------------------------------------------------------- */

/* EVALSHA or EVAL, script, number of keys, keys, numbers. */
struct words {
	const char *argv[3 + REDIS_KEYS_MAX + REDIS_NUMBERS_MAX];
	size_t lengths[3 + REDIS_KEYS_MAX + REDIS_NUMBERS_MAX];
	char numbers[1 + REDIS_NUMBERS_MAX][24];
	int count;
};

static void add_word(struct words *w, span word)
{
	w->argv[w->count] = word.ptr;
	w->lengths[w->count++] = word.len;
}

static void add_number(struct words *w, char text[24], int64_t n)
{
	(void)snprintf(text, 24, "%lld", (long long)n);
	add_word(w, span_from(text));
}

static void write_words(struct words *w, const struct redis_call *c)
{
	size_t keys = 0;

	w->count = 0;
	while (keys < REDIS_KEYS_MAX && c->keys[keys].ptr)
		keys++;
	add_word(w, SPAN("EVALSHA"));
	add_word(w, span_from(c->script->sha1_));
	add_number(w, w->numbers[0], (int64_t)keys);
	for (size_t i = 0; i < keys; i++)
		add_word(w, c->keys[i]);
	for (size_t i = 0; i < c->numbers_count && i < REDIS_NUMBERS_MAX; i++)
		add_number(w, w->numbers[1 + i], c->numbers[i]);
}

static err run(struct attempt *a, const struct redis_call *c, redisReply **ret)
{
	struct words w;

	write_words(&w, c);
	err e = command(a, w.count, w.argv, w.lengths, "refused", ret);

	if (!e || !span_starts_with(span_from(a->outcome.detail), SPAN("NOSCRIPT")))
		return e;
	/* New to this Redis, which remembers it from now on. */
	a->outcome.failure = NULL;
	w.argv[0] = "EVAL";
	w.lengths[0] = strlen("EVAL");
	w.argv[1] = c->script->text_;
	w.lengths[1] = strlen(c->script->text_);
	return command(a, w.count, w.argv, w.lengths, "refused", ret);
}

static err read_numbers(struct attempt *a, const redisReply *reply, int64_t *ret, size_t count)
{
	bool good = reply->type == REDIS_REPLY_ARRAY && reply->elements == count;

	for (size_t i = 0; good && i < count; i++)
		good = reply->element[i]->type == REDIS_REPLY_INTEGER;
	if (!good)
		return failed(a, "answer", "the script's answer is of another form");
	for (size_t i = 0; i < count; i++)
		ret[i] = reply->element[i]->integer;
	return OK;
}

static err attempt(struct redis *r, const struct redis_call *c, int64_t *ret, size_t count,
	struct redis_outcome *ret_outcome)
{
	struct attempt a = {.ticket = 0};
	int64_t begun_us = clock_monotonic_us();
	redisReply *reply = NULL;
	bool taken = wait_for_place(r, &a);

	if (taken) {
		err e = make_connection(r, &a);

		if (!e)
			e = run(&a, c, &reply);
		if (!e)
			e = read_numbers(&a, reply, ret, count);
		freeReplyObject(reply);
		give_back(r, &a);
	}
	a.outcome.duration_us = clock_monotonic_us() - begun_us;
	if (r->observer && (taken || a.outcome.failure))
		r->observer(r->ctx, &a.outcome);
	if (!taken && !a.outcome.failure)
		(void)failed(&a, "open", "it did not answer a moment ago");
	if (ret_outcome)
		*ret_outcome = a.outcome;
	return a.outcome.failure ? ERR_UNAVAILABLE : OK;
}

/* Public -------------------------------------------------------------------------------------- */

err redis_call(struct redis *r, const struct redis_call *c, int64_t *ret, size_t count)
{
	return attempt(r, c, ret, count, NULL);
}

err redis_check(struct redis *r, struct redis_outcome *ret)
{
	struct redis_script script;
	int64_t answer;

	redis_script_init(&script,
		"redis.call('SET', KEYS[1], redis.call('TIME')[1], 'PX', 60000)\n"
		"redis.call('GET', KEYS[1])\n"
		"return {redis.call('DEL', KEYS[1])}\n");
	return attempt(r, &(struct redis_call){.script = &script, .keys = {SPAN("slipway:check")}},
		&answer, 1, ret);
}

enum breaker_state redis_state(struct redis *r)
{
	(void)pthread_mutex_lock(&r->lock);
	enum breaker_state state = breaker_state(&r->breaker);

	(void)pthread_mutex_unlock(&r->lock);
	return state;
}

void redis_script_init(struct redis_script *s, const char *text)
{
	struct checksum *sum = checksum_new(SPAN("sha1"));
	uint8_t digest[CHECKSUM_MAX_SIZE];
	struct buf hex;

	if (!sum)
		abort();
	checksum_add(sum, span_from(text));
	size_t len = checksum_end(sum, digest);

	checksum_free(sum);
	buf_init_fixed(&hex, s->sha1_, sizeof(s->sha1_));
	hex_encode(&hex, span_of(digest, len));
	s->text_ = text;
}

err redis_new(const struct redis_settings *settings, struct redis **ret)
{
	struct redis *r = calloc(1, sizeof(*r));
	pthread_condattr_t attributes;

	if (!r || pthread_mutex_init(&r->lock, NULL) || pthread_condattr_init(&attributes) ||
		pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) ||
		pthread_cond_init(&r->returned, &attributes))
		abort();
	(void)pthread_condattr_destroy(&attributes);
	breaker_init(&r->breaker, &rules);
	r->observer = settings->observer;
	r->ctx = settings->ctx;
	r->password_file = strdup(settings->password_file ? settings->password_file : "");
	err e = r->password_file ? redis_url_parse(span_from(settings->url), &r->url) : ERR_NOMEM;

	if (e) {
		redis_free(r);
		return e;
	}
	*ret = r;
	return OK;
}

void redis_free(struct redis *r)
{
	if (!r)
		return;
	while (r->idle_count)
		redisFree(r->idle[--r->idle_count]);
	wipe(&r->url, sizeof(r->url));
	free(r->password_file);
	(void)pthread_cond_destroy(&r->returned);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}
