/* Rows of roles. Hard rule: a stored role never shadows a built-in one. */
#include "account/role.h"

#include "account/account_queries.h"
#include "policy/policy.h"

#include "base/banned.h"

static const char *const built_in[] = {"admin", "user", "guest"};
static const char *const titles[] = {"Administrator", "User", "Guest"};

bool role_name_is_valid(span name)
{
	if (name.len == 0 || name.len > ROLE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return true;
}

static struct role built_in_role(size_t i)
{
	return (struct role){.name = span_from(built_in[i]),
		.title = span_from(titles[i]),
		.permissions = role_permissions(span_from(built_in[i])),
		.built_in = true};
}

static struct role read_role(struct db_rows *rows, struct arena *a)
{
	return (struct role){.name = db_text_in(rows, 0, a),
		.title = db_text_in(rows, 1, a),
		.permissions = db_text_in(rows, 2, a),
		.max_sessions = db_int(rows, 3),
		.created_at_us = db_int(rows, 4),
		.holders = db_int(rows, 5)};
}

err role_find(struct db_tx *tx, struct arena *a, span name, struct role *ret, bool *ret_found)
{
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
		if (span_is(name, built_in[i])) {
			*ret = built_in_role(i);
			*ret_found = true;
			return OK;
		}
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, role_select, DB_TEXT(name));

	if (!e)
		e = db_next(rows, &found);
	if (!e && found)
		*ret = read_role(rows, a);
	if (!e)
		*ret_found = found;
	return e;
}

err role_list(struct db_tx *tx, struct arena *a, struct role **ret, size_t *ret_count)
{
	struct role *list = arena_try_array(a, ROLES_MAX + ARRAY_LEN(built_in), sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
		list[count++] = built_in_role(i);
	err e = db_query(tx, &rows, role_list_sql);

	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		list[count++] = read_role(rows, a);
	}
	*ret = list;
	*ret_count = count;
	return e;
}

err role_insert(struct db_tx *tx, const struct role *r)
{
	return db_exec(tx, role_insert_sql, DB_TEXT(r->name), DB_TEXT(r->title),
		DB_TEXT(r->permissions), DB_INT(r->max_sessions), DB_INT(r->created_at_us));
}

err role_update(struct db_tx *tx, const struct role *r)
{
	return db_exec(tx, role_update_sql, DB_TEXT(r->title), DB_TEXT(r->permissions),
		DB_INT(r->max_sessions), DB_TEXT(r->name));
}

err role_require_factor(struct db_tx *tx, span name)
{
	return db_exec(tx, role_require_factor_sql, DB_TEXT(name));
}

err role_delete(struct db_tx *tx, span name)
{
	return db_exec(tx, role_delete_sql, DB_TEXT(name));
}

err role_holder_ids(struct db_tx *tx, struct arena *a, span name, span after, size_t limit,
	span **ret, size_t *ret_count)
{
	span *list = arena_try_array(a, limit, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(
		tx, &rows, role_holders, DB_TEXT(name), DB_TEXT(after), DB_INT((int64_t)limit));

	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		list[count++] = db_text_in(rows, 0, a);
	}
	*ret = list;
	*ret_count = count;
	return e;
}
