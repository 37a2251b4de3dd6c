/* Hard rule: a name enters Redis only as a keyed hash. */
#include "account/limit.h"

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "sys/metrics.h"

#include "base/banned.h"

#define SHORT_KEY 16 /* bytes: no two subjects meet by chance */

void limit_place_init(struct limit_place *p)
{
	*p = (struct limit_place){.redis = NULL};
	random_bytes(p->secret, sizeof(p->secret));
}

void limit_place_share(struct limit_place *p, const struct limit_sharing *s)
{
	p->redis = s->redis;
	p->callers_clock = s->callers_clock;
	memcpy(p->secret, s->key, sizeof(p->secret));
}

void limit_key(
	const struct limit_place *p, const char *kind, span name, uint8_t ret[LIMIT_KEY_SIZE])
{
	uint8_t inner[SHA256_SIZE];

	hmac_sha256(span_of(p->secret, sizeof(p->secret)), span_from(kind), inner);
	hmac_sha256(span_of(inner, sizeof(inner)), name, ret);
}

/* Another one each time, or a memory that was lost would be given the name it had before. */
static int64_t new_memory(void)
{
	uint64_t n;

	random_bytes(&n, sizeof(n));
	return (int64_t)(n >> 12 | 1); /* what a double holds exactly: Lua has nothing else */
}

err limit_ask(const struct limit_place *p, const struct limit_question *q, struct limit_answer *ret)
{
	int64_t in[3 + LIMIT_NUMBERS] = {p->callers_clock ? q->now_us : 0, new_memory(), q->memory};
	int64_t out[LIMIT_NUMBERS];
	char key[64];
	struct buf text;

	if (!p->redis)
		return ERR_UNAVAILABLE;
	memcpy(in + 3, q->in, sizeof(q->in));
	buf_init_fixed(&text, key, sizeof(key));
	buf_addf(&text, "slipway:%s:", q->what);
	base64url_encode(&text, span_of(q->key, SHORT_KEY));
	const struct redis_call call = {.script = q->script,
		.keys = {buf_span(&text), SPAN("slipway:memory")},
		.numbers = in,
		.numbers_count = 3 + q->in_count};
	err e = redis_call(p->redis, &call, out, 1 + q->out_count);

	if (e || out[0] <= 0) {
		metric_add(METRIC_LIMITS_HERE, q->what, 1);
		return ERR_UNAVAILABLE;
	}
	ret->memory = out[0];
	memcpy(ret->out, out + 1, sizeof(ret->out));
	return OK;
}
