/* Invitations: made and withdrawn by administrators, accepted by who got the mail. */
#include "service/invitations.h"

#include "api/handlers.h"
#include "api/write_account.h"

#include "base/banned.h"

/* link: empty, or what the caller must hand over. */
static void write_invitation(struct request *rq, const struct invitation *i, span link)
{
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", i->id);
	json_str(&rq->out, "email", i->email);
	json_str(&rq->out, "role", i->role);
	answer_text_or_null(rq, "organisation", i->org);
	answer_text_or_null(rq, "organisation_name", i->org_name);
	json_str(&rq->out, "invited_by", i->invited_by);
	answer_text_or_null(rq, "inviter", i->inviter);
	json_time(&rq->out, "created_at", i->created_at_us);
	json_time(&rq->out, "expires_at", i->expires_at_us);
	if (link.len)
		json_str(&rq->out, "link", link);
	json_end(&rq->out);
}

err post_invitation(struct request *rq)
{
	struct new_invitation n = {.email = request_text(rq, "email"),
		.role = request_text(rq, "role"),
		.organisation = request_text(rq, "organisation")};
	struct invitation i;
	span link;
	err e = invitation_create(&rq->task, &n, &i, &link);

	if (!e)
		write_invitation(rq, &i, link);
	return e;
}

err list_invitations(struct request *rq)
{
	size_t limit = (size_t)page_limit(rq), count;
	struct invitation *list;
	err e = invitation_page(&rq->task, page_cursor(rq), limit + 1, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < MIN(count, limit); i++)
		write_invitation(rq, &list[i], SPAN_EMPTY);
	page_end(rq, count > limit ? list[limit - 1].id : SPAN_EMPTY);
	return OK;
}

err delete_invitation(struct request *rq)
{
	return invitation_withdraw(&rq->task, rq->params[0]);
}

err post_acceptance(struct request *rq)
{
	struct issued_tokens tokens;
	bool cookie;
	err e = request_wants_cookie(rq, &cookie);

	if (!e)
		e = invitation_accept(&rq->task, request_text(rq, "token"),
			request_text(rq, "password"), cookie, &tokens);
	return e ? e : answer_session(rq, &tokens);
}
