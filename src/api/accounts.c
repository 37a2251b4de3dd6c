/* Accounts, administered. */
#include "api/handlers.h"

#include "api/browser.h"
#include "api/write_account.h"
#include "service/accounts.h"

#include "base/banned.h"

void write_account(struct request *rq, const struct account *a)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", a->id);
	json_str(&rq->out, "email", a->email);
	json_str(&rq->out, "role", a->role);
	answer_text_or_null(rq, "organisation", a->org);
	answer_text_or_null(rq, "organisation_name", a->org_name);
	json_cstr(&rq->out, "state", a->disabled ? "disabled" : "active");
	json_time(&rq->out, "created_at", a->created_at_us);
	answer_time(rq, "last_login_at", a->last_login_at_us);
	answer_time(rq, "verified_at", a->verified_at_us);
	json_end(&rq->out);
}

err post_account(struct request *rq)
{
	struct new_account n = {.email = request_text(rq, "email"),
		.role = request_text(rq, "role"),
		.password = request_text(rq, "password"),
		.organisation = request_text(rq, "organisation")};
	struct account account;
	err e = account_create(&rq->task, &n, &account);

	if (!e)
		write_account(rq, &account);
	return e;
}

err list_accounts(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct account *list;
	err e = account_page(&rq->task, page_cursor(rq), limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_account(rq, &list[i]);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err get_account(struct request *rq)
{
	struct account account;
	err e = account_get(&rq->task, rq->params[0], &account);

	if (!e)
		write_account(rq, &account);
	return e;
}

err patch_account(struct request *rq)
{
	struct account_change c = {.set_email = request_text(rq, "email").len > 0,
		.set_role = request_text(rq, "role").len > 0,
		.set_password = request_text(rq, "password").len > 0,
		.set_organisation = request_has(rq, "organisation"),
		.set_state = request_text(rq, "state").len > 0,
		.email = request_text(rq, "email"),
		.role = request_text(rq, "role"),
		.password = request_text(rq, "password"),
		.organisation = request_text(rq, "organisation"),
		.disabled = span_is(request_text(rq, "state"), "disabled")};
	struct account account;
	err e = account_change(&rq->task, rq->params[0], &c, &account);

	if (!e)
		write_account(rq, &account);
	return e;
}

static bool with_licences(struct request *rq)
{
	return span_is(request_text(rq, "licences"), "delete");
}

err delete_account(struct request *rq)
{
	return account_remove(&rq->task, rq->params[0], with_licences(rq));
}

err delete_me(struct request *rq)
{
	err e = account_remove(&rq->task, SPAN_EMPTY, with_licences(rq));

	if (!e && rq->caller.cookie) {
		answer_no_session_cookie(rq);
		answer_header(rq, "Clear-Site-Data", SPAN("\"cache\", \"cookies\", \"storage\""));
	}
	return e;
}
