/* Rows of accounts and organisations. Hard rule: all of their SQL is called from here. */
#include "account/account.h"

#include "account/account_queries.h"
#include "account/epoch.h"
#include "account/ticket.h"
#include "account/factor.h"
#include "account/session.h"
#include "policy/policy.h"
#include "state/records.h"

#include "base/banned.h"

static void read_account(struct db_rows *rows, struct arena *a, struct account *ret)
{
	*ret = (struct account){
		.id = db_text_in(rows, 0, a),
		.email = db_text_in(rows, 1, a),
		.role = db_text_in(rows, 2, a),
		.org = db_text_in(rows, 3, a),
		.password_hash = db_text_in(rows, 4, a),
		.disabled = !span_is(db_text(rows, 5), "active"),
		.epoch = (uint64_t)db_int(rows, 6),
		.created_at_us = db_int(rows, 7),
		.last_login_at_us = db_int(rows, 8),
		.factor_required = db_int(rows, 9) != 0,
		.factors = (unsigned)db_int(rows, 10),
		.permissions = db_text_in(rows, 11, a),
		.max_sessions = db_int(rows, 12),
		.verified_at_us = db_int(rows, 13),
		.org_name = db_text_in(rows, 14, a),
	};
	if (role_permissions(ret->role).len)
		ret->permissions = role_permissions(ret->role);
}

err account_insert(struct db_tx *tx, struct arena *a, const struct account *account)
{
	return db_exec(tx, account_insert_sql, DB_TEXT(account->id), DB_TEXT(account->email),
		DB_TEXT(email_key(a, account->email)), DB_TEXT(account->role),
		DB_OPT_TEXT(account->org), DB_TEXT(account->password_hash),
		DB_INT(account->created_at_us), DB_INT(account->factor_required),
		DB_OPT_INT(account->verified_at_us));
}

static err one_account(struct db_rows *rows, struct arena *a, struct account *ret, bool *ret_found)
{
	bool found;
	err e = db_next(rows, &found);

	if (e)
		return e;
	if (found)
		read_account(rows, a, ret);
	*ret_found = found;
	return OK;
}

err account_find(struct db_tx *tx, struct arena *a, span id, struct account *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, account_select, DB_TEXT(id));

	return e ? e : one_account(rows, a, ret, ret_found);
}

err account_find_by_email(
	struct db_tx *tx, struct arena *a, span email, struct account *ret, bool *ret_found)
{
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, account_select_by_email, DB_TEXT(email_key(a, email)));

	return e ? e : one_account(rows, a, ret, ret_found);
}

err account_list(struct db_tx *tx, struct arena *a, span after, span org, size_t limit,
	struct account **ret, size_t *ret_count)
{
	struct account *list = arena_try_array(a, limit, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(
		tx, &rows, account_list_sql, DB_TEXT(after), DB_TEXT(org), DB_INT((int64_t)limit));

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_account(rows, a, &list[count++]);
	}
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}

err account_delete(struct db_tx *tx, span id)
{
	const struct db_statement *const own[] = {&account_delete_sessions, &account_delete_keys,
		&account_delete_tickets, &account_delete_places, &account_delete_row};
	err e = factor_delete_all(tx, id);

	for (size_t i = 0; i < ARRAY_LEN(own) && !e; i++)
		e = db_exec(tx, *own[i], DB_TEXT(id));
	return e;
}

err account_update(struct db_tx *tx, struct arena *a, const struct account *account)
{
	return db_exec(tx, account_update_sql, DB_TEXT(account->email),
		DB_TEXT(email_key(a, account->email)), DB_TEXT(account->role),
		DB_OPT_TEXT(account->org), DB_CSTR(account->disabled ? "disabled" : "active"),
		DB_OPT_INT(account->verified_at_us), DB_INT(account->factor_required),
		DB_TEXT(account->id));
}

err account_set_password(struct db_tx *tx, span id, span password_hash)
{
	return db_exec(tx, account_set_password_sql, DB_TEXT(password_hash), DB_TEXT(id));
}

err account_set_login(struct db_tx *tx, span id, int64_t now_us)
{
	return db_exec(tx, account_set_login_sql, DB_INT(now_us), DB_TEXT(id));
}

err account_count_other_admins(struct db_tx *tx, span id, int64_t *ret)
{
	bool row;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, account_count_admins, DB_TEXT(id));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

static void add_new_words(struct buf *list, span words)
{
	span word;

	while (span_cut(&words, ' ', &word))
		if (word.len && !token_list_has(buf_span(list), word))
			buf_addf(list, "%s%.*s", buf_len(list) ? " " : "", SPAN_ARG(word));
}

err account_entitlements(struct db_tx *tx, struct arena *a, span id, int64_t now_us, span *ret)
{
	bool row = false;
	AUTO(buf) list = {0};
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, account_entitlements_sql, DB_TEXT(id), DB_INT(now_us));

	buf_init(&list, TOKEN_DECODED_MAX);
	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		add_new_words(&list, db_text(rows, 0));
	}
	/* More codes than a token can hold: the first ones; grants ask the database anyway. */
	if (!e)
		*ret = arena_span(a, buf_span(&list));
	return e;
}

/* Ending credentials -------------------------------------------------------------------------- */

err account_make_tokens_stale(struct db_tx *tx, struct feed_batch *feed, span id, int64_t now_us)
{
	uint64_t epoch;
	{
		bool row = false;
		AUTO_PTR(db_rows) rows = NULL;
		err e = db_query(tx, &rows, account_raise_epoch, DB_TEXT(id));

		if (!e)
			e = db_next(rows, &row);
		if (e)
			return e;
		if (!row)
			return ERR_NOT_FOUND;
		epoch = (uint64_t)db_int(rows, 0);
	}
	return epoch_put(feed, id, epoch, now_us + EPOCH_KEPT_US);
}

struct raised {
	struct raised *next;
	span device;
	uint64_t epoch;
};

static err raise_devices(struct db_tx *tx, struct arena *a, span account, struct raised **ret)
{
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, account_raise_device_epochs, DB_TEXT(account));

	*ret = NULL;
	while (!e) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		struct raised *r = arena_alloc(a, sizeof(*r));

		*r = (struct raised){*ret, db_text_in(rows, 0, a), (uint64_t)db_int(rows, 1)};
		*ret = r;
	}
	return e;
}

err account_end_credentials(
	struct db_tx *tx, struct feed_batch *feed, span id, const char *reason, int64_t now_us)
{
	AUTO_PTR(arena) a = arena_new();
	struct raised *devices = NULL;
	err e = account_make_tokens_stale(tx, feed, id, now_us);

	if (!e)
		e = raise_devices(tx, a, id, &devices);
	for (; !e && devices; devices = devices->next)
		/* For good: device tokens live as long as a setting says. */
		e = epoch_put(feed, devices->device, devices->epoch, 0);
	if (!e)
		e = session_end_of_account(tx, feed, a, id, reason, now_us);
	/*
	 * What waits was begun with what no longer counts: a sign-in by its password, a change of
	 * address by a session that may have been a thief's, a reset by a mail that somebody read.
	 */
	if (!e)
		e = ticket_withdraw(tx, TICKET_SECOND_FACTOR, id);
	if (!e)
		e = ticket_withdraw(tx, TICKET_EMAIL_VERIFICATION, id);
	return e ? e : ticket_withdraw(tx, TICKET_PASSWORD_RESET, id);
}

/* Organisations -------------------------------------------------------------------------------- */

err organisation_insert(struct db_tx *tx, const struct organisation *o)
{
	return db_exec(tx, organisation_insert_sql, DB_TEXT(o->id), DB_TEXT(o->name),
		DB_INT(o->created_at_us));
}

static void read_organisation(struct db_rows *rows, struct arena *a, struct organisation *ret)
{
	*ret = (struct organisation){
		db_text_in(rows, 0, a), db_text_in(rows, 1, a), db_int(rows, 2)};
}

err organisation_find(struct db_tx *tx, struct arena *a, span id_or_name, struct organisation *ret,
	bool *ret_found)
{
	const struct db_statement *select = span_starts_with(id_or_name, SPAN("org_"))
						    ? &organisation_select
						    : &organisation_select_by_name;
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, *select, DB_TEXT(id_or_name));

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	if (found)
		read_organisation(rows, a, ret);
	*ret_found = found;
	return OK;
}

err organisation_rename(struct db_tx *tx, span id, span name)
{
	return db_exec(tx, organisation_rename_sql, DB_TEXT(name), DB_TEXT(id));
}

err organisation_count(struct db_tx *tx, span id, int64_t *ret)
{
	bool row;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, organisation_count_sql, DB_TEXT(id));

	if (!e)
		e = db_next(rows, &row);
	if (!e)
		*ret = row ? db_int(rows, 0) : 0;
	return e;
}

err organisation_delete(struct db_tx *tx, span id)
{
	return db_exec(tx, organisation_delete_sql, DB_TEXT(id));
}

err organisation_list(struct db_tx *tx, struct arena *a, span after, size_t limit,
	struct organisation **ret, size_t *ret_count)
{
	struct organisation *list = arena_try_array(a, limit, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, organisation_list_sql, DB_TEXT(after), DB_INT((int64_t)limit));

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_organisation(rows, a, &list[count++]);
	}
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}
