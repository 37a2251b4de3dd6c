/*
 * Download records in the database. Hard rule: read_row() knows the columns, nobody else does.
 */
#include "event/download_store.h"

#include "event/event_queries.h"

#include "base/banned.h"

err download_store_add(struct db_tx *tx, const struct download *d)
{
	return db_exec(tx, download_add, DB_TEXT(d->id), DB_OPT_TEXT(d->package_id),
		DB_TEXT(d->release_id), DB_OPT_TEXT(d->account_id), DB_OPT_TEXT(d->device_id),
		DB_OPT_TEXT(d->licence_id), DB_TEXT(d->filename), DB_INT((int64_t)d->size),
		DB_INT(d->granted_at_us), DB_INT(d->expires_at_us), DB_TEXT(d->country),
		DB_TEXT(d->referrer), DB_TEXT(d->client_os), DB_TEXT(d->client_device),
		DB_TEXT(d->client_version));
}

static err read_row(struct db_rows *rows, struct arena *a, struct download *ret)
{
	*ret = (struct download){
		.id = db_text_in(rows, 0, a),
		.package_id = db_text_in(rows, 1, a),
		.release_id = db_text_in(rows, 2, a),
		.account_id = db_text_in(rows, 3, a),
		.device_id = db_text_in(rows, 4, a),
		.licence_id = db_text_in(rows, 5, a),
		.renewals = db_int(rows, 6),
		.filename = db_text_in(rows, 7, a),
		.size = (uint64_t)db_int(rows, 8),
		.granted_at_us = db_int(rows, 10),
		.expires_at_us = db_int(rows, 11),
		.first_byte_at_us = db_int(rows, 12),
		.last_byte_at_us = db_int(rows, 13),
		.requests = db_int(rows, 14),
		.ranges = db_text_in(rows, 15, a),
		.bytes = (uint64_t)db_int(rows, 16),
		.bytes_sent = (uint64_t)db_int(rows, 17),
		.country = db_text_in(rows, 18, a),
		.referrer = db_text_in(rows, 19, a),
		.client_os = db_text_in(rows, 20, a),
		.client_device = db_text_in(rows, 21, a),
		.client_version = db_text_in(rows, 22, a),
		.report = db_text_in(rows, 23, a),
		.reported_at_us = db_int(rows, 24),
		.duration_ms = db_int(rows, 25),
		.error = db_text_in(rows, 26, a),
	};
	return download_state_from_name(db_text(rows, 9), &ret->state) ? OK : ERR_CORRUPT;
}

static err read_row_with_names(struct db_rows *rows, struct arena *a, struct download *ret)
{
	err e = read_row(rows, a, ret);

	ret->product = db_text_in(rows, 27, a);
	ret->version = db_text_in(rows, 28, a);
	ret->platform = db_text_in(rows, 29, a);
	ret->account = db_text_in(rows, 30, a);
	return e;
}

err download_store_show(struct db_tx *tx, span id, struct arena *a, struct download *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, download_show, DB_TEXT(id));

	return e ? e : read_row_with_names(rows, a, ret);
}

err download_store_get(struct db_tx *tx, span id, struct arena *a, struct download *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, download_find, DB_TEXT(id));

	return e ? e : read_row(rows, a, ret);
}

err download_store_save_transfer(struct db_tx *tx, const struct download *d)
{
	return db_exec(tx, download_save_transfer, DB_CSTR(download_state_name(d->state)),
		DB_OPT_INT(d->first_byte_at_us), DB_OPT_INT(d->last_byte_at_us),
		DB_INT(d->requests), DB_TEXT(d->ranges), DB_INT((int64_t)d->bytes),
		DB_INT((int64_t)d->bytes_sent), DB_TEXT(d->country), DB_TEXT(d->client_os),
		DB_TEXT(d->client_device), DB_TEXT(d->client_version), DB_INT(d->duration_ms),
		DB_TEXT(d->id));
}

err download_store_save_report(struct db_tx *tx, const struct download *d)
{
	return db_exec(tx, download_save_report, DB_CSTR(download_state_name(d->state)),
		DB_TEXT(d->report), DB_OPT_INT(d->reported_at_us), DB_INT(d->duration_ms),
		DB_TEXT(d->error), DB_TEXT(d->referrer), DB_TEXT(d->client_os),
		DB_TEXT(d->client_device), DB_TEXT(d->client_version), DB_TEXT(d->id));
}

err download_store_save_renewal(struct db_tx *tx, const struct download *d)
{
	int64_t changed = 0;
	err e = db_change(tx, &changed, download_save_renewal, DB_INT(d->renewals),
		DB_INT(d->expires_at_us), DB_TEXT(d->id), DB_INT(d->renewals - 1));

	if (e)
		return e;
	return changed == 1 ? OK : ERR_CONFLICT;
}

/* Above every id: they are lower-case. */
#define AFTER_ALL SPAN("~")

err download_store_list(struct db_tx *tx, const struct download_filter *f, struct arena *a,
	struct download **ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	struct download *list = arena_try_array(a, (size_t)f->limit, sizeof(*list));
	size_t count = 0;
	bool found = false;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, download_list, DB_TEXT(f->before.len ? f->before : AFTER_ALL),
		DB_TEXT(f->account), DB_TEXT(f->state), DB_TEXT(f->package), DB_TEXT(f->product),
		DB_INT(f->limit));

	while (!e && !(e = db_next(rows, &found)) && found)
		e = read_row_with_names(rows, a, &list[count++]);
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}
