/* Links in mails: confirming an address, choosing a new password. */
#include "service/mailbox.h"

#include "api/handlers.h"

#include "base/banned.h"

/* The same whatever became of it. */
static err answer_mail_is_coming(struct request *rq, err e)
{
	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_cstr(&rq->out, "status", "accepted");
	json_end(&rq->out);
	return OK;
}

err post_email(struct request *rq)
{
	return answer_mail_is_coming(rq, email_change_begin(&rq->task, request_text(rq, "email")));
}

err post_email_verification(struct request *rq)
{
	span email;
	err e = email_verify(&rq->task, request_text(rq, "token"), &email);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "email", email);
	json_end(&rq->out);
	return OK;
}

err post_password_reset(struct request *rq)
{
	return answer_mail_is_coming(
		rq, password_reset_begin(&rq->task, request_text(rq, "email")));
}

err post_password_reset_confirm(struct request *rq)
{
	return password_reset(&rq->task, request_text(rq, "token"), request_text(rq, "password"));
}
