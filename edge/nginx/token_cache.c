/*
 * Verified tokens by the SHA-256 of their text, in sets of four, in memory of a fixed size. Hard
 * rule: only what a signature has proved is kept here, and nothing else is concluded from it:
 * times, keys and revocations are looked at for each request.
 */
#include "slipway.h"

#include "base/banned.h"

#define WAYS       4
#define SLOT_BYTES 1024

/* The members of the claims that are text; stored one after the other in this order. */
static const size_t texts[] = {
#define TEXT(member) offsetof(struct token_claims, member)
	TEXT(kid),
	TEXT(iss),
	TEXT(sub),
	TEXT(aud),
	TEXT(jti),
	TEXT(client_id),
	TEXT(role),
	TEXT(org),
	TEXT(session),
	TEXT(account),
	TEXT(device),
	TEXT(licence),
	TEXT(product),
	TEXT(permissions),
	TEXT(entitlements),
	TEXT(download),
	TEXT(epoch_subject),
	TEXT(digest),
	TEXT(release),
	TEXT(package),
	TEXT(filename),
	TEXT(uri),
	TEXT(ip_prefix),
	TEXT(rate_class),
	TEXT(edge),
#undef TEXT
};

struct slot {
	uint8_t digest[32];
	uint64_t used;       /* tick of the last use; 0: free */
	uint64_t generation; /* of the key that verified it */
	int64_t iat, nbf, exp;
	uint64_t subject_epoch, global_epoch;
	uint16_t lengths[ARRAY_LEN(texts)];
	uint16_t total;
	uint8_t kind;
	char text[];
};

#define TEXT_BYTES (SLOT_BYTES - offsetof(struct slot, text))

struct token_cache {
	char *slots;
	size_t sets; /* a power of two */
	uint64_t tick;
};

struct token_cache *token_cache_new(size_t bytes)
{
	struct token_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sets = 1;
	while (c->sets * 2 * WAYS * SLOT_BYTES <= bytes)
		c->sets *= 2;
	/* memory is taken from the system as slots are written */
	c->slots = calloc(c->sets, (size_t)WAYS * SLOT_BYTES);
	if (!c->slots) {
		free(c);
		return NULL;
	}
	return c;
}

void token_cache_free(struct token_cache *c)
{
	if (!c)
		return;
	free(c->slots);
	free(c);
}

static struct slot *slot_at(struct token_cache *c, const uint8_t digest[32], size_t way)
{
	size_t set = ((size_t)digest[0] | (size_t)digest[1] << 8 | (size_t)digest[2] << 16) &
		     (c->sets - 1);

	/* slots are aligned: SLOT_BYTES is a power of two, and the memory is calloc's */
	return (struct slot *)(void *)(c->slots + (set * WAYS + way) * SLOT_BYTES);
}

static span *text_of(struct token_claims *claims, size_t i)
{
	return (span *)(void *)((char *)claims + texts[i]);
}

static bool load(const struct slot *s, ngx_pool_t *pool, struct token_claims *ret)
{
	char *text = ngx_pnalloc(pool, s->total ? s->total : 1);

	if (!text)
		return false;
	ngx_memcpy(text, s->text, s->total);
	*ret = (struct token_claims){.kind = (enum token_kind)s->kind,
		.iat = s->iat,
		.nbf = s->nbf,
		.exp = s->exp,
		.subject_epoch = s->subject_epoch,
		.global_epoch = s->global_epoch};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		*text_of(ret, i) = span_of(text, s->lengths[i]);
		text += s->lengths[i];
	}
	return true;
}

bool token_cache_find(struct token_cache *c, const uint8_t digest[32], ngx_pool_t *pool,
	struct token_claims *ret, uint64_t *ret_generation)
{
	for (size_t way = 0; way < WAYS; way++) {
		struct slot *s = slot_at(c, digest, way);

		if (!s->used || ngx_memcmp(s->digest, digest, 32) != 0)
			continue;
		s->used = ++c->tick;
		*ret_generation = s->generation;
		return load(s, pool, ret);
	}
	return false;
}

/* The one to give up: the same token, a free or dead one, else the least recently used. */
static struct slot *victim(struct token_cache *c, const uint8_t digest[32], int64_t now_s)
{
	struct slot *oldest = slot_at(c, digest, 0);

	for (size_t way = 0; way < WAYS; way++) {
		struct slot *s = slot_at(c, digest, way);

		if (s->used && ngx_memcmp(s->digest, digest, 32) == 0)
			return s;
		if (s->used && s->exp + TOKEN_LEEWAY_S <= now_s)
			s->used = 0;
		if (s->used < oldest->used)
			oldest = s;
	}
	return oldest;
}

void token_cache_put(struct token_cache *c, const uint8_t digest[32],
	const struct token_claims *claims, uint64_t generation, int64_t now_s)
{
	struct token_claims copy = *claims;
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		total += text_of(&copy, i)->len;
	if (total > TEXT_BYTES)
		return; /* unusually many entitlements: verified each time */
	struct slot *s = victim(c, digest, now_s);
	char *text = s->text;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		span from = *text_of(&copy, i);

		s->lengths[i] = (uint16_t)from.len;
		text = (char *)ngx_cpymem(text, from.ptr, from.len);
	}
	ngx_memcpy(s->digest, digest, 32);
	s->total = (uint16_t)total;
	s->used = ++c->tick;
	s->generation = generation;
	s->kind = (uint8_t)claims->kind;
	s->iat = claims->iat;
	s->nbf = claims->nbf;
	s->exp = claims->exp;
	s->subject_epoch = claims->subject_epoch;
	s->global_epoch = claims->global_epoch;
}
