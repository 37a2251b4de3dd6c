/* Hard rule: what stands in a row is read as it is; judging it is the chain's business. */
#include "audit/audit_store.h"

#include <string.h>

#include "audit/audit_queries.h"

#include "base/banned.h"

#define PATTERN_MAX 4096

static void copy_bytes(void *ret, size_t size, span bytes)
{
	memset(ret, 0, size);
	if (bytes.len == size)
		memcpy(ret, bytes.ptr, size);
}

static void read_entry(struct db_rows *rows, struct arena *a, struct audit_entry *ret)
{
	*ret = (struct audit_entry){
		.seq = db_int(rows, 0),
		.id = db_text_in(rows, 2, a),
		.at_us = db_int(rows, 3),
		.actor_kind = db_text_in(rows, 4, a),
		.actor = db_text_in(rows, 5, a),
		.action = db_text_in(rows, 6, a),
		.object = db_text_in(rows, 7, a),
		.outcome = db_text_in(rows, 8, a),
		.ip_prefix = db_text_in(rows, 9, a),
		.request_id = db_text_in(rows, 10, a),
		.detail = db_text_in(rows, 11, a),
	};
	copy_bytes(ret->hash, sizeof(ret->hash), db_blob(rows, 1));
}

static err read_entries(struct db_rows *rows, struct arena *a, size_t limit,
	struct audit_entry *ret, size_t *ret_count)
{
	size_t count = 0;
	err e = OK;
	bool row;

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_entry(rows, a, &ret[count++]);
	}
	*ret_count = count;
	return e;
}

err audit_append(struct db_tx *tx, const struct audit_entry *e)
{
	return db_exec(tx, audit_insert, DB_TEXT(e->id), DB_INT(e->at_us), DB_TEXT(e->actor_kind),
		DB_TEXT(e->actor), DB_TEXT(e->action), DB_TEXT(e->object), DB_TEXT(e->outcome),
		DB_TEXT(e->ip_prefix), DB_TEXT(e->request_id), DB_TEXT(e->detail));
}

/* `before` and `after` are patterns of LIKE already; the text between them is meant literally. */
static span pattern(struct arena *a, const char *before, span text, const char *after)
{
	AUTO(buf) out = {0};

	buf_init(&out, PATTERN_MAX);
	buf_add_str(&out, before);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%' || c == '_' || c == '\\')
			buf_add_byte(&out, '\\');
		buf_add_byte(&out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	buf_add_str(&out, after);
	return arena_span(a, buf_span(&out));
}

err audit_find_many(struct db_tx *tx, struct arena *a, const struct audit_search *s,
	struct audit_entry **ret, size_t *ret_count)
{
	struct audit_entry *list = arena_try_array(a, s->limit, sizeof(*list));
	span action = pattern(a, "", s->action, "%");
	span text = s->text.len ? pattern(a, "%", s->text, "%") : SPAN("%");
	int64_t beyond = s->beyond || s->oldest_first ? s->beyond : INT64_MAX;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query_values(tx,
		s->oldest_first ? &audit_search_oldest_first : &audit_search_newest_first,
		DB_ARGS_(DB_INT(beyond), DB_TEXT(action), DB_TEXT(s->actor), DB_TEXT(s->object),
			DB_TEXT(s->outcome), DB_INT(s->from_us),
			DB_INT(s->to_us ? s->to_us : INT64_MAX), DB_TEXT(text),
			DB_INT((int64_t)s->limit)),
		9, &rows);

	if (!e)
		e = read_entries(rows, a, s->limit, list, ret_count);
	if (!e)
		*ret = list;
	return e;
}

err audit_find_one(
	struct db_tx *tx, struct arena *a, span id_or_seq, struct audit_entry *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	size_t count = 0;
	int64_t seq;
	bool is_number = span_to_i64(id_or_seq, &seq) == OK;
	err e = is_number ? db_query(tx, &rows, audit_find_seq, DB_INT(seq))
			  : db_query(tx, &rows, audit_find, DB_TEXT(id_or_seq));

	if (!e)
		e = read_entries(rows, a, 1, ret, &count);
	*ret_found = count == 1;
	return e;
}

err audit_find_after(struct db_tx *tx, struct arena *a, int64_t after, size_t limit,
	struct audit_entry *ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, audit_after, DB_INT(after), DB_INT((int64_t)limit));

	return e ? e : read_entries(rows, a, limit, ret, ret_count);
}

err audit_find_unsealed(
	struct db_tx *tx, struct arena *a, size_t limit, struct audit_entry *ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, audit_unsealed, DB_INT((int64_t)limit));

	return e ? e : read_entries(rows, a, limit, ret, ret_count);
}

void audit_read_checkpoint(struct db_rows *rows, struct checkpoint *ret)
{
	span kid = db_text(rows, 4);

	*ret = (struct checkpoint){
		.seq = db_int(rows, 0), .incarnation = db_int(rows, 2), .at_us = db_int(rows, 3)};
	copy_bytes(ret->hash, sizeof(ret->hash), db_blob(rows, 1));
	copy_bytes(ret->signature, sizeof(ret->signature), db_blob(rows, 5));
	if (audit_kid_is_valid(kid))
		memcpy(ret->kid, kid.ptr, kid.len);
}

static err read_checkpoints(
	struct db_rows *rows, size_t limit, struct checkpoint *ret, size_t *ret_count)
{
	size_t count = 0;
	err e = OK;
	bool row;

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		audit_read_checkpoint(rows, &ret[count++]);
	}
	*ret_count = count;
	return e;
}

err audit_checkpoints_oldest_first(
	struct db_tx *tx, int64_t after, size_t limit, struct checkpoint *ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, audit_checkpoints_after, DB_INT(after), DB_INT((int64_t)limit));

	return e ? e : read_checkpoints(rows, limit, ret, ret_count);
}

err audit_checkpoints_newest_first(
	struct db_tx *tx, int64_t before, size_t limit, struct checkpoint *ret, size_t *ret_count)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(
		tx, &rows, audit_checkpoints_before, DB_INT(before), DB_INT((int64_t)limit));

	return e ? e : read_checkpoints(rows, limit, ret, ret_count);
}

err audit_read_head(struct db_tx *tx, struct checkpoint *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	size_t count = 0;
	err e = db_query(tx, &rows, audit_get_head);

	if (!e)
		e = read_checkpoints(rows, 1, ret, &count);
	if (!e && count == 0)
		*ret = (struct checkpoint){0}; /* the row was deleted: nothing is sealed, then */
	return e;
}

err audit_count_rows(struct db_tx *tx, int64_t *ret_all, int64_t *ret_sealed)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query(tx, &rows, audit_count);

	if (!e)
		e = db_next(rows, &row);
	if (e || !row)
		return e ? e : ERR_BUG;
	*ret_all = db_int(rows, 0);
	*ret_sealed = db_int(rows, 1);
	return OK;
}
