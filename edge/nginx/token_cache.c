/*
 * Verified tokens by their text, in sets of four, in memory of a fixed size. Hard rule: only what a
 * signature has proved is kept here. Whether it still counts is not known here: the mark says for
 * which content of the published state verify.c has found out.
 */
#include "slipway.h"

#include "crypto/secret.h"

#include "base/banned.h"

#define WAYS       4
#define SLOT_BYTES 2048

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
	uint64_t used; /* tick of the last use; 0: free */
	struct token_mark mark;
	int64_t iat, nbf, exp;
	uint64_t subject_epoch, global_epoch;
	uint16_t lengths[ARRAY_LEN(texts)];
	uint16_t total; /* of these */
	uint16_t token_len;
	uint8_t kind;
	char text[]; /* of the claims, then the token */
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

/*
 * The set of a token: of its last bytes, which are those of a signature and so as good as drawn.
 * Only tokens with a good signature get in, so nobody chooses which set he fills.
 */
static struct slot *set_of(struct token_cache *c, span token)
{
	uint64_t hash = 0;

	for (size_t i = token.len > 12 ? token.len - 12 : 0; i < token.len; i++)
		hash = (hash + (u_char)token.ptr[i]) * UINT64_C(0x9e3779b97f4a7c15);
	size_t set = (hash >> 32) & (c->sets - 1);

	/* slots are aligned: SLOT_BYTES is a power of two, and the memory is calloc's */
	return (struct slot *)(void *)(c->slots + set * WAYS * SLOT_BYTES);
}

static struct slot *slot_at(struct slot *set, size_t way)
{
	return (struct slot *)(void *)((char *)set + way * SLOT_BYTES);
}

/* What is signed is no secret; the signature is, and time must not tell how much of it is right. */
static bool holds(const struct slot *s, span token)
{
	span held = span_of(s->text + s->total, s->token_len);
	size_t dot = span_rfind(token, '.');

	return s->used && held.len == token.len &&
	       span_eq(span_sub(held, 0, dot), span_sub(token, 0, dot)) &&
	       ct_equal(span_from_offset(held, dot), span_from_offset(token, dot));
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

struct token_mark *token_cache_find(
	struct token_cache *c, span token, ngx_pool_t *pool, struct token_claims *ret)
{
	struct slot *set = set_of(c, token);

	for (size_t way = 0; way < WAYS; way++) {
		struct slot *s = slot_at(set, way);

		if (!holds(s, token))
			continue;
		s->used = ++c->tick;
		return load(s, pool, ret) ? &s->mark : NULL;
	}
	return NULL;
}

/* The one to give up: the same token, a free or dead one, else the least recently used. */
static struct slot *victim(struct token_cache *c, span token, int64_t now_s)
{
	struct slot *set = set_of(c, token), *oldest = set;

	for (size_t way = 0; way < WAYS; way++) {
		struct slot *s = slot_at(set, way);

		if (holds(s, token))
			return s;
		if (s->used && s->exp + TOKEN_LEEWAY_S <= now_s)
			s->used = 0;
		if (s->used < oldest->used)
			oldest = s;
	}
	return oldest;
}

void token_cache_put(struct token_cache *c, span token, const struct token_claims *claims,
	struct token_mark mark, int64_t now_s)
{
	struct token_claims copy = *claims;
	size_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		total += text_of(&copy, i)->len;
	if (total + token.len > TEXT_BYTES)
		return; /* unusually many entitlements: verified each time */
	struct slot *s = victim(c, token, now_s);
	char *text = s->text;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		span from = *text_of(&copy, i);

		s->lengths[i] = (uint16_t)from.len;
		text = (char *)ngx_cpymem(text, from.ptr, from.len);
	}
	ngx_memcpy(text, token.ptr, token.len);
	s->total = (uint16_t)total;
	s->token_len = (uint16_t)token.len;
	s->used = ++c->tick;
	s->mark = mark;
	s->kind = (uint8_t)claims->kind;
	s->iat = claims->iat;
	s->nbf = claims->nbf;
	s->exp = claims->exp;
	s->subject_epoch = claims->subject_epoch;
	s->global_epoch = claims->global_epoch;
}
