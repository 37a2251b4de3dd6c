#ifndef SLIPWAY_ACCOUNT_LIMIT_H
#define SLIPWAY_ACCOUNT_LIMIT_H

/*
 * What throttle.c and quota.c have in common. Each has a table in this process and one rule by
 * which it counts; the same rule is a script (throttle.lua, quota.lua) for a Redis in which several
 * nodes count together. With Redis the table is a mirror: what Redis answers is written into it.
 * While Redis does not answer, the table goes on from there by itself; what it counts then is not
 * of any `memory` of Redis, and is put together with what Redis knows as soon as that is back, as
 * is all that the table knows when Redis has lost its memory.
 */

#include "net/redis.h"

/* Before anything is counted. Keeps redis. */
struct limit_sharing {
	struct redis *redis;
	const uint8_t
		*key; /* 32 bytes, the same on all nodes: in Redis subjects are hashed with it */
	bool callers_clock; /* for tests: time is what the caller says, not what Redis says */
};

/* Where is counted: a part of throttle and quotas. */
struct limit_place {
	uint8_t secret[32];
	struct redis *redis; /* NULL: in this process only */
	bool callers_clock;
};

/* A place in this process. */
void limit_place_init(struct limit_place *p);
void limit_place_share(struct limit_place *p, const struct limit_sharing *s);

#define LIMIT_KEY_SIZE 32
/* Nobody who lacks the secret can tell whose key it is, or aim at another one. */
void limit_key(
	const struct limit_place *p, const char *kind, span name, uint8_t ret[LIMIT_KEY_SIZE]);

#define LIMIT_NUMBERS 4
struct limit_question {
	const struct redis_script *script;
	const char *what; /* "throttle", "quota": constant */
	const uint8_t *key;
	int64_t now_us;
	int64_t memory; /* of the count that is known; 0: of none */
	int64_t in[LIMIT_NUMBERS];
	size_t in_count, out_count;
};
struct limit_answer {
	int64_t memory;
	int64_t out[LIMIT_NUMBERS - 1];
};
/* Runs the script. ERR_UNAVAILABLE: it is to be counted here; always so without Redis. */
err limit_ask(const struct limit_place *p, const struct limit_question *q,
	struct limit_answer *ret) MUST_USE;

extern const char throttle_lua[], throttle_less_lua[], quota_lua[];

#endif
