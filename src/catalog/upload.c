/*
 * Rows of uploads. Where the bytes of an unfinished one stand is not in the database: the size of
 * its file in the upload area is the one truth (blob/upload_area.h).
 */
#include "catalog/upload.h"

#include "catalog/catalog_queries.h"
#include "base/banned.h"

#define NO_LENGTH INT64_C(-1)

static err count_unfinished(struct db_tx *tx, span account_id, int64_t *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	err e = db_query(tx, &rows, upload_unfinished_count, DB_TEXT(account_id));

	if (!e)
		e = db_next(rows, &found);
	if (!e)
		*ret = found ? db_int(rows, 0) : 0;
	return e;
}

err upload_add(struct db_tx *tx, const struct upload *u)
{
	int64_t unfinished;
	err e = count_unfinished(tx, u->account_id, &unfinished);

	if (!e && unfinished >= UPLOADS_UNFINISHED_MAX)
		e = ERR_LIMIT;
	if (e)
		return e;
	return db_exec(tx, upload_insert, DB_TEXT(u->id), DB_TEXT(u->account_id),
		DB_INT(u->has_length ? (int64_t)u->length : NO_LENGTH), DB_TEXT(u->filename),
		DB_TEXT(u->sha256_expected), DB_OPT_TEXT(u->sha256), DB_INT(u->created_at),
		DB_INT(u->expires_at));
}

err upload_get(struct db_tx *tx, struct arena *a, span id, struct upload *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, upload_find_row, DB_TEXT(id));

	if (e)
		return e;
	bool has_length = db_int(rows, 2) != NO_LENGTH;

	*ret = (struct upload){
		.id = db_text_in(rows, 0, a),
		.account_id = db_text_in(rows, 1, a),
		.has_length = has_length,
		.length = has_length ? (uint64_t)db_int(rows, 2) : 0,
		.filename = db_text_in(rows, 3, a),
		.sha256_expected = db_text_in(rows, 4, a),
		.sha256 = db_text_in(rows, 5, a),
		.created_at = db_int(rows, 6),
		.expires_at = db_int(rows, 7),
		.format = db_text_in(rows, 8, a),
		.detail = db_text_in(rows, 9, a),
	};
	return OK;
}

err upload_set_finished(struct db_tx *tx, span id, span sha256, uint64_t length, int64_t expires_at)
{
	return db_exec(tx, upload_finish, DB_TEXT(sha256), DB_INT((int64_t)length),
		DB_INT(expires_at), DB_TEXT(id));
}

err upload_delete(struct db_tx *tx, span id)
{
	return db_exec(tx, upload_remove, DB_TEXT(id));
}

err upload_list_expired(
	struct db_tx *tx, struct arena *a, int64_t now_us, span ret[100], size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	size_t count = 0;
	bool found;
	err e = db_query(tx, &rows, upload_expired, DB_INT(now_us));

	while (!e && count < 100 && !(e = db_next(rows, &found)) && found)
		ret[count++] = db_text_in(rows, 0, a);
	if (!e)
		*ret_count = count;
	return e;
}
