/* Mail: whether it can be sent. */
#include "api/handlers.h"

#include "service/mail.h"

#include "base/banned.h"

err post_mail_test(struct request *rq)
{
	return mail_send_test(&rq->task, request_text(rq, "address"));
}
