/* Second factors: at sign-in, as fresh proof, and one's own. */
#include "service/second_factor.h"

#include "api/handlers.h"
#include "api/passkeys.h"
#include "api/qr_code.h"
#include "api/write_account.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define CODES_TEXT_MAX 512

/* Exactly one of the members that can answer. */
static err read_answer(struct request *rq, struct factor_answer *ret)
{
	const json_t *passkey = request_json(rq, "passkey");
	struct passkey_answer *p;

	*ret = (struct factor_answer){request_text(rq, "otp"), request_text(rq, "recovery_code")};
	if ((ret->otp.len > 0) + (ret->recovery_code.len > 0) + json_is_object(passkey) != 1)
		return fail(&rq->task, ERR_INVALID, "missing_member",
			"Send 'otp', 'recovery_code' or 'passkey', one of them.");
	if (!json_is_object(passkey))
		return OK;
	ret->passkey = p = arena_alloc(rq->task.arena, sizeof(*p));
	return read_passkey_answer(rq, passkey, "passkey.credential", p);
}

err post_second_factor(struct request *rq)
{
	struct factor_answer answer;
	struct issued_tokens tokens;
	err e = read_answer(rq, &answer);

	if (!e)
		e = second_factor_sign_in(
			&rq->task, request_text(rq, "mfa_token"), &answer, &tokens);
	return e ? e : answer_session(rq, &tokens);
}

err post_step_up(struct request *rq)
{
	struct factor_answer answer = {0};
	span password = request_text(rq, "password");
	err e = password.len ? OK : read_answer(rq, &answer);

	return e ? e : step_up(&rq->task, password, &answer);
}

static void write_factor(struct request *rq, const struct factor *f)
{
	struct json_writer *w = &rq->out;

	json_begin_object(w, NULL);
	json_str(w, "id", f->id);
	json_cstr(w, "kind", f->kind == FACTOR_TOTP ? "totp" : "passkey");
	json_str(w, "name", f->name);
	answer_time(rq, "created_at", f->created_at_us);
	answer_time(rq, "last_used_at", f->last_used_at_us);
	json_end(w);
}

err get_factors(struct request *rq)
{
	struct json_writer *w = &rq->out;
	struct factors f;
	err e = factors_own(&rq->task, &f);

	if (e)
		return e;
	json_begin_object(w, NULL);
	json_begin_array(w, "factors");
	for (size_t i = 0; i < f.count; i++)
		write_factor(rq, &f.list[i]);
	json_end(w);
	json_i64(w, "recovery_codes", f.recovery_codes);
	json_bool(w, "required", f.required);
	json_end(w);
	return OK;
}

err post_totp(struct request *rq)
{
	struct totp_enrolment enrolment;
	err e = totp_begin(&rq->task, &enrolment);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_str(&rq->out, "id", enrolment.id);
	json_str(&rq->out, "secret", enrolment.secret);
	json_str(&rq->out, "uri", enrolment.uri);
	e = qr_code_member(&rq->out, "qr_svg", enrolment.uri);
	json_end(&rq->out);
	return e;
}

void write_recovery_codes(struct request *rq, struct recovery_codes *codes)
{
	json_begin_array(&rq->out, "recovery_codes");
	for (size_t i = 0; i < codes->count; i++)
		json_cstr(&rq->out, NULL, codes->text[i]);
	json_end(&rq->out);
	wipe(codes, sizeof(*codes));
}

err problem_recovery_codes(struct request *rq, err e, struct recovery_codes *codes)
{
	AUTO(buf) words = {0};

	buf_init(&words, CODES_TEXT_MAX);
	for (size_t i = 0; rq->task.stored && i < codes->count; i++)
		buf_addf(&words, i ? " %s" : "%s", codes->text[i]);
	if (buf_len(&words) && !buf_error(&words))
		problem_words(rq, "recovery_codes", arena_span(rq->task.arena, buf_span(&words)));
	buf_wipe(&words);
	wipe(codes, sizeof(*codes));
	return e;
}

static void write_codes(struct request *rq, struct recovery_codes *codes)
{
	json_begin_object(&rq->out, NULL);
	write_recovery_codes(rq, codes);
	json_end(&rq->out);
}

err post_totp_confirm(struct request *rq)
{
	struct recovery_codes codes = {0};
	err e = totp_confirm(&rq->task, request_text(rq, "otp"), &codes);

	if (e)
		return problem_recovery_codes(rq, e, &codes);
	write_codes(rq, &codes);
	return OK;
}

err delete_totp(struct request *rq)
{
	return factor_remove(&rq->task, FACTOR_TOTP, rq->params[0]);
}

err post_recovery_codes(struct request *rq)
{
	struct recovery_codes codes;
	err e = recovery_codes_renew(&rq->task, &codes);

	if (!e)
		write_codes(rq, &codes);
	return e;
}

err delete_account_factors(struct request *rq)
{
	return factors_reset(&rq->task, rq->params[0]);
}
