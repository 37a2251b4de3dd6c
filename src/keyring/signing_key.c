/* Hard rule: a row and its record in the published state change in one transaction. */
#include "keyring/signing_key.h"

#include <string.h>

#include "keyring/keyring_queries.h"
#include "state/records.h"

#include "base/banned.h"

static const char *const kind_names[TOKEN_KINDS] = {
	[TOKEN_ACCESS] = "access",
	[TOKEN_DEVICE] = "device",
	[TOKEN_DOWNLOAD] = "download",
};

const char *signing_key_kind_name(enum token_kind kind)
{
	return kind_names[kind];
}

bool signing_key_kind(span name, enum token_kind *ret)
{
	for (int k = 0; k < TOKEN_KINDS; k++)
		if (span_is(name, kind_names[k])) {
			*ret = (enum token_kind)k;
			return true;
		}
	return false;
}

static err read_row(struct db_rows *rows, enum token_kind kind, struct signing_key *ret)
{
	span kid = db_text(rows, 0), point = db_blob(rows, 2), uri = db_text(rows, 5);

	if (kid.len > TOKEN_KID_MAX || point.len != ECKEY_PUBLIC_SIZE || uri.len > PKCS11_URI_MAX)
		return ERR_CORRUPT;
	*ret = (struct signing_key){
		.kind = kind, .created_at_us = db_int(rows, 3), .active_at_us = db_int(rows, 4)};
	memcpy(ret->kid, kid.ptr, kid.len);
	memcpy(ret->point, point.ptr, ECKEY_PUBLIC_SIZE);
	if (uri.len)
		memcpy(ret->pkcs11_uri, uri.ptr, uri.len);
	return OK;
}

err signing_key_list(struct db_tx *tx, struct signing_key ret[SIGNING_KEYS_MAX], size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	enum token_kind kind;
	size_t count = 0;
	err e = db_query(tx, &rows, signing_key_live);

	for (bool found; !e;) {
		e = db_next(rows, &found);
		if (e || !found)
			break;
		if (!signing_key_kind(db_text(rows, 1), &kind))
			continue; /* the feed's key signs no tokens */
		e = count == SIGNING_KEYS_MAX ? ERR_CORRUPT : read_row(rows, kind, &ret[count++]);
	}
	if (!e)
		*ret_count = count;
	return e;
}

static void state_key(const struct signing_key *k, char memory[STATE_KEY_MAX + 1], struct buf *ret)
{
	buf_init_fixed(ret, memory, STATE_KEY_MAX + 1);
	state_key_signing(ret, k->kind, span_from(k->kid));
}

err signing_key_insert(struct db_tx *tx, struct feed_batch *feed, const struct signing_key *k)
{
	span point = span_of(k->point, ECKEY_PUBLIC_SIZE);
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	err e = db_exec(tx, signing_key_add, DB_CSTR(k->kid), DB_CSTR(kind_names[k->kind]),
		DB_BLOB(point), DB_INT(k->created_at_us), DB_INT(k->active_at_us),
		DB_OPT_TEXT(span_from(k->pkcs11_uri)));

	if (e)
		return e;
	state_key(k, memory, &key);
	return feed_put(feed, buf_span(&key), point, 0);
}

err signing_key_retire(
	struct db_tx *tx, struct feed_batch *feed, const struct signing_key *k, int64_t now_us)
{
	char memory[STATE_KEY_MAX + 1];
	struct buf key;
	int64_t changed = 0;
	err e = db_change(tx, &changed, signing_key_set_retired, DB_INT(now_us), DB_CSTR(k->kid));

	if (e || !changed)
		return e;
	state_key(k, memory, &key);
	return feed_delete(feed, buf_span(&key), now_us);
}
