#ifndef SLIPWAY_NET_REDIS_H
#define SLIPWAY_NET_REDIS_H

/*
 * A client of one Redis, for numbers that several processes count together: it runs scripts, which
 * are atomic there, with keys and numbers going in and numbers coming out. Over libhiredis; in the
 * clear, so the server is on this machine, in a network that is ours, or behind a TLS tunnel.
 *
 * A Redis that is down or hangs is not waited for: times are short, and behind a circuit breaker
 * (breaker.h) only a probe now and then pays for it. Whoever asks has an answer of their own for
 * ERR_UNAVAILABLE. Any thread; connections are kept, up to a bound, each lent to one call at a
 * time.
 */

#include "base/buf.h"
#include "net/breaker.h"

#define REDIS_KEYS_MAX    2
#define REDIS_NUMBERS_MAX 8
#define REDIS_DETAIL_SIZE 192

/* How a call went, for log and metrics. */
struct redis_outcome {
	const char *failure; /* NULL: it was answered; else constant: "timeout", "refused" … */
	char detail[REDIS_DETAIL_SIZE]; /* of the failure, for people; no secrets */
	int64_t duration_us;
	bool changed; /* whether Redis is asked at all */
};

struct redis_settings {
	const char *url;           /* conf/redis_url.h */
	const char *password_file; /* read at each connect, before that of the URL; "": none */
	/*
	 * Told of every call that reached for Redis, in the caller's thread; may be NULL. Calls
	 * that the open breaker kept from it are not told.
	 */
	void (*observer)(void *ctx, const struct redis_outcome *outcome);
	void *ctx;
};

struct redis;

/* Connects to nothing yet. ERR_INVALID for a URL that is none. Copies the strings, keeps ctx.
 * Gives. */
err redis_new(const struct redis_settings *settings, struct redis **ret) MUST_USE;
void redis_free(struct redis *r); /* accepts NULL; no call may be going on */
DEFINE_AUTO_PTR(redis)

/* A script in Lua. The text is kept and must not change. */
struct redis_script {
	const char *text_;
	char sha1_[41];
};
void redis_script_init(struct redis_script *s, const char *text);

struct redis_call {
	const struct redis_script *script;
	span keys[REDIS_KEYS_MAX]; /* KEYS[1] …; ptr NULL: no more */
	const int64_t *numbers;    /* ARGV[1] … */
	size_t numbers_count;
};

/*
 * Runs the script, whose answer must be an array of exactly `count` integers. ERR_UNAVAILABLE for
 * everything else: it may have run even so.
 */
err redis_call(struct redis *r, const struct redis_call *c, int64_t *ret, size_t count) MUST_USE;
/* Does what our scripts do, in a key "slipway:check": shows that they may. */
err redis_check(struct redis *r, struct redis_outcome *ret) MUST_USE;
enum breaker_state redis_state(struct redis *r);

#endif
