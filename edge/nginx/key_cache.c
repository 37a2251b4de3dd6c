/*
 * Parsed verification keys. Hard rule: the 65 bytes in the published state decide, each time: a key
 * that is gone or other there is gone or other here.
 */
#include "slipway.h"

#include "crypto/eckey.h"

#include "base/banned.h"

#define KEYS 16

struct entry {
	struct eckey *key; /* NULL: free */
	enum token_kind kind;
	size_t kid_len;
	char kid[TOKEN_KID_MAX];
	uint8_t point[ECKEY_PUBLIC_SIZE];
	uint64_t generation;
};

struct key_cache {
	struct entry entries[KEYS];
	size_t next; /* the one to be replaced */
	uint64_t generation;
};

struct key_cache *key_cache_new(void)
{
	return calloc(1, sizeof(struct key_cache));
}

void key_cache_free(struct key_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < KEYS; i++)
		eckey_free(c->entries[i].key);
	free(c);
}

static struct entry *find(struct key_cache *c, enum token_kind kind, span kid)
{
	for (size_t i = 0; i < KEYS; i++) {
		struct entry *e = &c->entries[i];

		if (e->key && e->kind == kind && span_eq(span_of(e->kid, e->kid_len), kid))
			return e;
	}
	return NULL;
}

static struct entry *parse(struct key_cache *c, struct entry *place, enum token_kind kind, span kid,
	const uint8_t *point)
{
	struct eckey *key;

	if (eckey_from_public(point, &key))
		return NULL;
	if (!place) {
		place = &c->entries[c->next];
		c->next = (c->next + 1) % KEYS;
	}
	eckey_free(place->key);
	*place = (struct entry){
		.key = key, .kind = kind, .kid_len = kid.len, .generation = ++c->generation};
	ngx_memcpy(place->kid, kid.ptr, kid.len);
	ngx_memcpy(place->point, point, ECKEY_PUBLIC_SIZE);
	return place;
}

const struct eckey *key_cache_get(struct key_cache *c, const struct state_view *v,
	enum token_kind kind, span kid, uint64_t *ret_generation)
{
	char memory[2 + TOKEN_KID_MAX + 1];
	struct buf name;
	span point;

	buf_init_fixed(&name, memory, sizeof(memory));
	state_key_signing(&name, kind, kid);
	if (buf_error(&name) || !state_find(v, buf_span(&name), &point) ||
		point.len != ECKEY_PUBLIC_SIZE)
		return NULL;
	struct entry *e = find(c, kind, kid);

	if (!e || ngx_memcmp(e->point, point.ptr, ECKEY_PUBLIC_SIZE) != 0)
		e = parse(c, e, kind, kid, (const uint8_t *)point.ptr);
	if (!e)
		return NULL;
	*ret_generation = e->generation;
	return e->key;
}
