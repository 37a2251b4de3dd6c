/* Rows of invitations. Hard rule: an invitation never goes without its ticket. */
#include "account/invitation.h"

#include "account/account.h"
#include "account/account_queries.h"
#include "account/ticket.h"

#include "base/banned.h"

static void read_invitation(struct db_rows *rows, struct arena *a, struct invitation *ret)
{
	*ret = (struct invitation){
		.id = db_text_in(rows, 0, a),
		.email = db_text_in(rows, 1, a),
		.role = db_text_in(rows, 2, a),
		.org = db_text_in(rows, 3, a),
		.invited_by = db_text_in(rows, 4, a),
		.created_at_us = db_int(rows, 5),
		.expires_at_us = db_int(rows, 6),
		.org_name = db_text_in(rows, 7, a),
		.inviter = db_text_in(rows, 8, a),
	};
}

err invitation_delete_to(struct db_tx *tx, struct arena *a, span email)
{
	span id = SPAN_EMPTY;
	bool row = false;
	err e;
	{
		AUTO_PTR(db_rows) rows = NULL;

		e = db_query(tx, &rows, invitation_delete_of_email, DB_TEXT(email_key(a, email)));
		if (!e)
			e = db_next(rows, &row);
		if (!e && row)
			id = db_text_in(rows, 0, a);
	}
	return e || !row ? e : ticket_withdraw(tx, TICKET_INVITATION, id);
}

err invitation_insert(struct db_tx *tx, struct arena *a, const struct invitation *i)
{
	err e = invitation_delete_to(tx, a, i->email);

	return e ? e
		 : db_exec(tx, invitation_insert_sql, DB_TEXT(i->id), DB_TEXT(i->email),
			   DB_TEXT(email_key(a, i->email)), DB_TEXT(i->role), DB_OPT_TEXT(i->org),
			   DB_TEXT(i->invited_by), DB_INT(i->created_at_us),
			   DB_INT(i->expires_at_us));
}

static err find_by(struct db_tx *tx, struct arena *a, const struct db_statement *select, span key,
	struct invitation *ret, bool *ret_found)
{
	bool found = false;
	AUTO_PTR(db_rows) rows = NULL;
	err e = db_query(tx, &rows, *select, DB_TEXT(key));

	if (!e)
		e = db_next(rows, &found);
	if (e)
		return e;
	if (found)
		read_invitation(rows, a, ret);
	*ret_found = found;
	return OK;
}

err invitation_find(
	struct db_tx *tx, struct arena *a, span id, struct invitation *ret, bool *ret_found)
{
	return find_by(tx, a, &invitation_select, id, ret, ret_found);
}

err invitation_find_to(
	struct db_tx *tx, struct arena *a, span email, struct invitation *ret, bool *ret_found)
{
	return find_by(tx, a, &invitation_select_by_email, email_key(a, email), ret, ret_found);
}

err invitation_list(struct db_tx *tx, struct arena *a, span after, span org, size_t limit,
	int64_t now_us, struct invitation **ret, size_t *ret_count)
{
	struct invitation *list = arena_try_array(a, limit, sizeof(*list));
	size_t count = 0;
	bool row = false;
	AUTO_PTR(db_rows) rows = NULL;

	if (!list)
		return ERR_NOMEM;
	err e = db_query(tx, &rows, invitation_list_sql, DB_TEXT(after), DB_INT(now_us),
		DB_TEXT(org), DB_INT((int64_t)limit));

	while (!e && count < limit) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		read_invitation(rows, a, &list[count++]);
	}
	if (e)
		return e;
	*ret = list;
	*ret_count = count;
	return OK;
}

err invitation_delete(struct db_tx *tx, span id)
{
	err e = ticket_withdraw(tx, TICKET_INVITATION, id);

	return e ? e : db_exec(tx, invitation_delete_sql, DB_TEXT(id));
}

err invitation_expire(struct db_tx *tx, int64_t now_us)
{
	return db_exec(tx, invitation_expire_sql, DB_INT(now_us));
}
