/* A fresh proof of who is there, for what is dangerous. */
#include "cli/proof.h"

#include <string.h>

#include "cli/secret_input.h"
#include "cli/session.h"

#include "base/banned.h"

#define TYPED_MAX 1024

bool is_app_code(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return text.len == 6;
}

static err send_proof(struct cli *cli, const char *member, const struct buf *typed)
{
	json_t *body = json_pack("{s:s%}", member, buf_str(typed), buf_len(typed));
	json_t *answer = NULL;
	err e = body ? session_call(cli, "POST", "/auth/step-up", body, &answer)
		     : cli_fail(cli, ERR_INVALID, "password", "what was typed is no UTF-8 text");

	json_decref(body);
	json_decref(answer);
	return e;
}

err proof_give(struct cli *cli)
{
	AUTO(buf) typed = {0};
	err e;

	buf_init(&typed, TYPED_MAX);
	cli_forgive(cli);
	e = secret_input(cli, NULL,
		"This needs a fresh proof. Code of the second factor, or password: ", false,
		&typed);
	if (e)
		return e;
	e = send_proof(cli, is_app_code(buf_span(&typed)) ? "otp" : "password", &typed);
	/* No password is enough for this account: then it was a recovery code. */
	if (e && cli->code && !strcmp(cli->code, "factor_needed")) {
		cli_forgive(cli);
		e = send_proof(cli, "recovery_code", &typed);
	}
	buf_wipe(&typed);
	return e;
}
