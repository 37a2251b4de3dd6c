/*
 * Devices in the database. Hard rule: read_row() knows the columns, nobody else does.
 */
#include "licence/licence.h"

#include "licence/licence_queries.h"

#include "base/banned.h"

err device_store_add(
	struct db_tx *tx, const struct device *d, const uint8_t fingerprint_hash[SHA256_SIZE])
{
	return db_exec(tx, device_add, DB_TEXT(d->id), DB_TEXT(d->licence_id),
		DB_BLOB(span_of(fingerprint_hash, SHA256_SIZE)), DB_TEXT(d->name), DB_TEXT(d->os),
		DB_TEXT(d->arch), DB_INT(d->created_at_us));
}

static void read_row(struct db_rows *rows, struct arena *a, struct device *ret)
{
	*ret = (struct device){
		.id = db_text_in(rows, 0, a),
		.licence_id = db_text_in(rows, 1, a),
		.name = db_text_in(rows, 2, a),
		.os = db_text_in(rows, 3, a),
		.arch = db_text_in(rows, 4, a),
		.state = span_is(db_text(rows, 5), "active") ? DEVICE_ACTIVE : DEVICE_REVOKED,
		.epoch = (uint64_t)db_int(rows, 6),
		.created_at_us = db_int(rows, 7),
		.last_seen_at_us = db_int(rows, 8),
		.account_id = db_text_in(rows, 9, a),
		.account = db_text_in(rows, 10, a),
		.product = db_text_in(rows, 11, a),
	};
}

static err read_one(struct db_rows *rows, struct arena *a, struct device *ret, bool *ret_found)
{
	bool found = false;
	err e = db_next(rows, &found);

	if (e)
		return e;
	if (found)
		read_row(rows, a, ret);
	*ret_found = found;
	return OK;
}

err device_store_find(
	struct db_tx *tx, struct arena *a, span id, struct device *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, device_find, DB_TEXT(id));

	return e ? e : read_one(rows, a, ret, ret_found);
}

err device_store_find_by_fingerprint(struct db_tx *tx, struct arena *a, span licence_id,
	const uint8_t fingerprint_hash[SHA256_SIZE], struct device *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, device_find_by_fingerprint, DB_TEXT(licence_id),
		DB_BLOB(span_of(fingerprint_hash, SHA256_SIZE)));

	return e ? e : read_one(rows, a, ret, ret_found);
}

err device_store_save(struct db_tx *tx, const struct device *d)
{
	return db_exec(tx, device_save, DB_TEXT(d->name), DB_TEXT(d->os), DB_TEXT(d->arch),
		DB_CSTR(d->state == DEVICE_ACTIVE ? "active" : "revoked"),
		DB_INT(d->last_seen_at_us), DB_TEXT(d->id));
}

err device_store_raise_epoch(struct db_tx *tx, span id, uint64_t *ret_epoch)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, device_raise_epoch, DB_TEXT(id));

	if (e)
		return e;
	*ret_epoch = (uint64_t)db_int(rows, 0);
	return OK;
}

err device_store_list(struct db_tx *tx, struct arena *a, span after, span licence_id,
	span account_id, size_t limit, struct device **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct device *list = arena_try_array(a, limit + 1, sizeof(*list));
	size_t count = 0;
	bool found = false;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, device_list, DB_TEXT(after), DB_TEXT(licence_id),
		DB_TEXT(account_id), DB_INT((int64_t)limit));

	while (!e && count < limit && !(e = db_next(rows, &found)) && found)
		read_row(rows, a, &list[count++]);
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}

err device_store_raise_epochs_of(
	struct db_tx *tx, struct arena *a, span licence_id, struct device **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct device *list = NULL;
	size_t count = 0, room = 0;
	bool found = false;
	err e = db_query(tx, &rows, device_raise_epochs_of, DB_TEXT(licence_id));

	while (!e && !(e = db_next(rows, &found)) && found) {
		if (count == room) {
			struct device *more =
				arena_try_array(a, room ? room * 2 : 16, sizeof(*more));

			if (!more)
				return ERR_NOMEM;
			for (size_t i = 0; i < count; i++)
				more[i] = list[i];
			list = more;
			room = room ? room * 2 : 16;
		}
		list[count++] = (struct device){
			.id = db_text_in(rows, 0, a), .epoch = (uint64_t)db_int(rows, 1)};
	}
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}
