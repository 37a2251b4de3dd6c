/*
 * Rows of blobs and blocked digests. Hard rule: a row leaves 'removing' only by being deleted, and
 * nothing claims it meanwhile: so a file is never removed under somebody who was told it is there.
 */
#include "catalog/stored.h"

#include "catalog/catalog_queries.h"
#include "base/banned.h"

static const char *const state_names[BLOB_STATES] = {
	"quarantined", "verified", "damaged", "removing"};

err stored_claim(struct db_tx *tx, span sha256, uint64_t size, int64_t now_us)
{
	int64_t changed;
	err e = db_change(
		tx, &changed, blob_claim, DB_TEXT(sha256), DB_INT((int64_t)size), DB_INT(now_us));

	return !e && changed == 0 ? ERR_BUSY : e;
}

err stored_get(struct db_tx *tx, struct arena *a, span sha256, struct blob_row *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, blob_find_row, DB_TEXT(sha256));

	if (e)
		return e;
	*ret = (struct blob_row){
		.sha256 = db_text_in(rows, 0, a),
		.size = (uint64_t)db_int(rows, 1),
		.format = db_text_in(rows, 3, a),
		.detail = db_text_in(rows, 4, a),
		.claimed_at = db_int(rows, 5),
		.scrubbed_at = db_int(rows, 6),
	};
	for (int s = 0; s < BLOB_STATES; s++)
		if (span_is(db_text(rows, 2), state_names[s])) {
			ret->state = (enum blob_state)s;
			return OK;
		}
	return ERR_CORRUPT;
}

err stored_verify(
	struct db_tx *tx, span sha256, span format, span detail, int64_t now_us, bool *ret_healed)
{
	int64_t changed, lifted;
	err e = db_change(tx, &changed, blob_verify, DB_TEXT(format), DB_TEXT(detail),
		DB_INT(now_us), DB_TEXT(sha256));

	if (!e && changed == 0)
		e = ERR_NOT_FOUND;
	if (!e)
		e = db_change(tx, &lifted, digest_unblock, DB_TEXT(sha256), DB_CSTR("scrubber"));
	if (!e)
		*ret_healed = lifted > 0;
	return e;
}

static err read_digests(struct db_rows *rows, struct arena *a, span ret[100], size_t *ret_count)
{
	size_t count = 0;
	bool found;
	err e = OK;

	while (count < 100 && !(e = db_next(rows, &found)) && found)
		ret[count++] = db_text_in(rows, 0, a);
	if (!e)
		*ret_count = count;
	return e;
}

err stored_orphans(
	struct db_tx *tx, struct arena *a, int64_t before_us, span ret[100], size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, blob_orphans, DB_INT(before_us));

	return e ? e : read_digests(rows, a, ret, ret_count);
}

err stored_begin_removal(struct db_tx *tx, span sha256, int64_t before_us)
{
	int64_t changed;
	err e = db_change(tx, &changed, blob_begin_removal, DB_TEXT(sha256), DB_INT(before_us));

	return !e && changed == 0 ? ERR_CONFLICT : e;
}

err stored_end_removal(struct db_tx *tx, span sha256)
{
	return db_exec(tx, blob_forget, DB_TEXT(sha256));
}

err stored_begin_stray_removal(struct db_tx *tx, span sha256, uint64_t size, int64_t now_us)
{
	int64_t changed;
	err e = db_change(tx, &changed, blob_adopt_stray, DB_TEXT(sha256), DB_INT((int64_t)size),
		DB_INT(now_us));

	return !e && changed == 0 ? ERR_CONFLICT : e;
}

err stored_in_state(struct db_tx *tx, struct arena *a, enum blob_state state, span after,
	span ret[100], size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, blob_in_state, DB_CSTR(state_names[state]), DB_TEXT(after));

	return e ? e : read_digests(rows, a, ret, ret_count);
}

/* ---- scrubbing ---- */

err stored_due_for_scrub(struct db_tx *tx, struct arena *a, int64_t before_us, struct blob_row *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_get(tx, &rows, blob_due_for_scrub, DB_INT(before_us));

	if (e)
		return e;
	*ret = (struct blob_row){
		.sha256 = db_text_in(rows, 0, a), .size = (uint64_t)db_int(rows, 1)};
	return OK;
}

err stored_scrubbed(struct db_tx *tx, span sha256, bool damaged, int64_t now_us)
{
	err e = db_exec(tx, blob_scrubbed, DB_INT(now_us),
		DB_CSTR(state_names[damaged ? BLOB_DAMAGED : BLOB_VERIFIED]), DB_TEXT(sha256));

	if (!e && damaged)
		e = db_exec(tx, digest_block, DB_TEXT(sha256), DB_CSTR("scrubber"),
			DB_CSTR("damaged"), DB_INT(now_us));
	return e;
}

err stored_scrub_counts(struct db_tx *tx, int64_t before_us, struct scrub_counts *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	err e = db_query(tx, &rows, blob_scrub_counts, DB_INT(before_us));

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	if (!found)
		return ERR_BUG;
	*ret = (struct scrub_counts){
		.blobs = db_int(rows, 0),
		.bytes = db_int(rows, 1),
		.damaged = db_int(rows, 2),
		.due = db_int(rows, 3),
		.oldest_at = db_int(rows, 4),
	};
	return OK;
}

err stored_request_scrub(struct db_tx *tx, int64_t now_us)
{
	char number[24];
	struct buf text;

	buf_init_fixed(&text, number, sizeof(number));
	buf_add_i64(&text, now_us);
	return db_exec(tx, scrub_request_save, DB_TEXT(buf_span(&text)));
}

err stored_scrub_requested_at(struct db_tx *tx, int64_t *ret_us)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	int64_t at = 0;
	err e = db_query(tx, &rows, scrub_request_find);

	if (!e)
		e = db_next(rows, &found);
	if (!e && found && span_to_i64(db_text(rows, 0), &at))
		e = ERR_CORRUPT;
	if (!e)
		*ret_us = at;
	return e;
}

/* ---- blocked digests ---- */

err digest_set_block(struct db_tx *tx, span sha256, span reason, int64_t now_us)
{
	return db_exec(tx, digest_block, DB_TEXT(sha256), DB_CSTR("admin"), DB_TEXT(reason),
		DB_INT(now_us));
}

err digest_lift_block(struct db_tx *tx, span sha256, bool *ret_changed)
{
	int64_t changed;
	err e = db_change(tx, &changed, digest_unblock, DB_TEXT(sha256), DB_CSTR("admin"));

	if (!e)
		*ret_changed = changed > 0;
	return e;
}

static err block_reason(struct db_tx *tx, struct arena *a, span sha256, span *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	err e = db_query(tx, &rows, digest_block_reason, DB_TEXT(sha256));

	if (!e)
		e = db_next(rows, &found);
	if (!e)
		*ret = found ? db_text_in(rows, 0, a) : SPAN_EMPTY;
	return e;
}

/* How many withdrawn and how many live releases hold the digest. */
static err digest_holders(struct db_tx *tx, span sha256, int64_t *ret_withdrawn, int64_t *ret_live)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool found;
	err e = db_query(tx, &rows, digest_use, DB_TEXT(sha256));

	if (!e)
		e = db_next(rows, &found);
	if (!e) {
		*ret_withdrawn = found ? db_int(rows, 0) : 0;
		*ret_live = found ? db_int(rows, 1) : 0;
	}
	return e;
}

err digest_was_withdrawn(struct db_tx *tx, span sha256, bool *ret)
{
	int64_t withdrawn, live;
	err e = digest_holders(tx, sha256, &withdrawn, &live);

	if (!e)
		*ret = withdrawn > 0;
	return e;
}

err digest_verdict(struct db_tx *tx, struct arena *a, span sha256, span *ret_reason)
{
	int64_t withdrawn, live;
	span reason;
	err e = block_reason(tx, a, sha256, &reason);

	if (!e)
		e = digest_holders(tx, sha256, &withdrawn, &live);
	if (e)
		return e;
	if (!reason.len && withdrawn > 0 && live == 0)
		reason = SPAN("release_withdrawn");
	*ret_reason = reason;
	return OK;
}
