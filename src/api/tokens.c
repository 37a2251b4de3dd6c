/* Revocation. */
#include "api/handlers.h"

#include "service/revoke.h"

#include "base/banned.h"

err delete_tokens(struct request *rq)
{
	struct revocation r = {.token = request_text(rq, "token"),
		.jti = request_text(rq, "jti"),
		.download_id = request_text(rq, "download_id"),
		.device_id = request_text(rq, "device_id"),
		.account = request_text(rq, "account_id")};
	unsigned named = (r.token.len > 0) + (r.jti.len > 0) + (r.download_id.len > 0) +
			 (r.device_id.len > 0) + (r.account.len > 0);

	if (named != 1)
		return fail(&rq->task, ERR_INVALID, "subject_missing",
			"Name what to revoke: one of token, jti, download_id, device_id and "
			"account_id.");
	return revoke(&rq->task, &r);
}
