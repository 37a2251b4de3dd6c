/*
 * Answers to update checks that were given before. Most are a pure function of the published state
 * and of what the key holds; hard rule: those that are not (a rollout asks who the client is) are
 * not kept here. Direct-mapped, of fixed size, one per worker.
 */
#include "slipway.h"

#include "base/banned.h"

#define SLOTS      512 /* a power of two */
#define SLOT_BYTES 2048

struct slot {
	uint16_t key_len, head_len, offered_len, package_len; /* key_len 0: free */
	uint32_t next_check_s;
	enum update_reason reason;
	char bytes[SLOT_BYTES - 16]; /* key, head, offered, package */
};

struct answer_cache {
	struct slot slots[SLOTS];
};

struct answer_cache *answer_cache_new(void)
{
	return calloc(1, sizeof(struct answer_cache));
}

void answer_cache_free(struct answer_cache *c)
{
	free(c);
}

static struct slot *slot_of(struct answer_cache *c, span key)
{
	union {
		const char *from;
		u_char *to;
	} bytes = {.from = key.ptr}; /* only read */

	return &c->slots[ngx_murmur_hash2(bytes.to, key.len) & (SLOTS - 1)];
}

bool answer_cache_find(struct answer_cache *c, span key, struct slipway_answer *ret)
{
	const struct slot *s = slot_of(c, key);
	const char *at = s->bytes + s->key_len;

	if (!s->key_len || !span_eq(span_of(s->bytes, s->key_len), key))
		return false;
	ret->reason = s->reason;
	ret->next_check_s = s->next_check_s;
	ret->head = span_of(at, s->head_len);
	ret->offered = span_of(at + s->head_len, s->offered_len);
	ret->package = span_of(at + s->head_len + s->offered_len, s->package_len);
	return true;
}

void answer_cache_put(struct answer_cache *c, span key, const struct slipway_answer *a)
{
	struct slot *s = slot_of(c, key);
	char *at = s->bytes;

	if (key.len + a->head.len + a->offered.len + a->package.len > sizeof(s->bytes))
		return;
	s->key_len = (uint16_t)key.len;
	s->head_len = (uint16_t)a->head.len;
	s->offered_len = (uint16_t)a->offered.len;
	s->package_len = (uint16_t)a->package.len;
	s->reason = a->reason;
	s->next_check_s = a->next_check_s;
	at = (char *)ngx_cpymem(at, key.ptr, key.len);
	at = (char *)ngx_cpymem(at, a->head.ptr, a->head.len);
	at = (char *)ngx_cpymem(at, a->offered.ptr, a->offered.len);
	ngx_memcpy(at, a->package.ptr, a->package.len);
}
