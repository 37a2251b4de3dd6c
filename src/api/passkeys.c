/*
 * Passkeys: the JSON forms of WebAuthn (Level 3 section 5.1.8 to 5.1.10, as browsers have them) on
 * one side, bytes on the other.
 */
#include "api/passkeys.h"

#include "account/passkey.h"
#include "api/server_url.h"
#include "api/handlers.h"
#include "api/write_account.h"
#include "base/encode.h"
#include "service/passkeys.h"

#include "base/banned.h"

#define RP_NAME     "Slipway"
#define HANDLE_MAX  64 /* bytes of a user handle (section 5.4.3) */
#define MEMBER_PATH "%s.%s"

/* Reading ----------------------------------------------------------------------------------------
 */

struct member {
	const char *name;
	size_t most; /* bytes */
	bool optional;
	span *ret;
};

static err bad_member(struct request *rq, const char *path, const struct member *m)
{
	return fail(&rq->task, ERR_INVALID, "invalid_value",
		"'" MEMBER_PATH "' must be 1 to %zu bytes in Base64url, a string.", path, m->name,
		m->most);
}

static err read_member(
	struct request *rq, const json_t *object, const char *path, const struct member *m)
{
	const json_t *value = json_object_get(object, m->name);
	span text = span_of(json_string_value(value), json_string_length(value));

	*m->ret = SPAN_EMPTY;
	if (m->optional && (!value || json_is_null(value)))
		return OK;
	if (text.len == 0 || base64url_decoded_len(text.len) > m->most)
		return bad_member(rq, path, m);
	size_t len = 0;
	char *bytes = arena_alloc(rq->task.arena, m->most);

	if (base64url_decode(text, bytes, m->most, &len))
		return bad_member(rq, path, m);
	*m->ret = span_of(bytes, len);
	return OK;
}

static err read_members(struct request *rq, const json_t *object, const char *path,
	const struct member *list, size_t count)
{
	err e = OK;

	for (size_t i = 0; i < count && !e; i++)
		e = read_member(rq, object, path, &list[i]);
	return e;
}

/* id and rawId are one thing twice; which of them counts must not matter. */
static err read_credential(
	struct request *rq, const json_t *credential, const char *path, span *ret_id)
{
	span raw;
	const struct member members[] = {
		{"id", PASSKEY_CREDENTIAL_MAX, false, ret_id},
		{"rawId", PASSKEY_CREDENTIAL_MAX, false, &raw},
	};
	const char *type = json_string_value(json_object_get(credential, "type"));
	err e = read_members(rq, credential, path, members, ARRAY_LEN(members));

	if (!e && !span_eq(*ret_id, raw))
		return fail(&rq->task, ERR_INVALID, "invalid_value",
			"'%s.id' and '%s.rawId' must be the same.", path, path);
	if (!e && !span_is(span_from(type), "public-key"))
		return fail(&rq->task, ERR_INVALID, "invalid_value",
			"'%s.type' must be public-key.", path);
	return e;
}

static span text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return span_of(json_string_value(value), json_string_length(value));
}

err read_passkey_answer(
	struct request *rq, const json_t *object, const char *path, struct passkey_answer *ret)
{
	const json_t *credential = json_object_get(object, "credential");
	const struct member members[] = {
		{"clientDataJSON", PASSKEY_CLIENT_DATA_MAX, false, &ret->client_data},
		{"authenticatorData", PASSKEY_OBJECT_MAX, false, &ret->authenticator_data},
		{"signature", PASSKEY_SIGNATURE_MAX, false, &ret->signature},
		{"userHandle", HANDLE_MAX, true, &ret->user},
	};
	const char *response = arena_printf(rq->task.arena, "%s.response", path);

	*ret = (struct passkey_answer){
		.ticket = text_of(object, "ticket"), .origin = server_origin(rq)};
	err e = read_credential(rq, credential, path, &ret->credential_id);

	return e ? e
		 : read_members(rq, json_object_get(credential, "response"), response, members,
			   ARRAY_LEN(members));
}

static err read_new(struct request *rq, struct new_passkey *ret)
{
	span id;
	const json_t *credential = request_json(rq, "credential");
	const struct member members[] = {
		{"clientDataJSON", PASSKEY_CLIENT_DATA_MAX, false, &ret->client_data},
		{"attestationObject", PASSKEY_OBJECT_MAX, false, &ret->attestation_object},
	};

	*ret = (struct new_passkey){.ticket = request_text(rq, "ticket"),
		.name = request_text(rq, "name"),
		.origin = server_origin(rq)};
	err e = read_credential(rq, credential, "credential", &id);

	return e ? e
		 : read_members(rq, json_object_get(credential, "response"), "credential.response",
			   members, ARRAY_LEN(members));
}

/* Options ----------------------------------------------------------------------------------------
 */

static void write_bytes(struct request *rq, const char *name, span bytes)
{
	AUTO(buf) text = {0};

	buf_init(&text, 2048);
	base64url_encode(&text, bytes);
	json_str(&rq->out, name, buf_span(&text));
}

static void write_known(struct request *rq, const char *name, const struct passkey_challenge *c)
{
	json_begin_array(&rq->out, name);
	for (size_t i = 0; i < c->count; i++) {
		json_begin_object(&rq->out, NULL);
		json_cstr(&rq->out, "type", "public-key");
		write_bytes(rq, "id", c->known[i].credential_id);
		json_end(&rq->out);
	}
	json_end(&rq->out);
}

/* PublicKeyCredentialCreationOptionsJSON, but for the members of both kinds of options. */
static void write_creation(struct request *rq, const struct passkey_challenge *c)
{
	static const int algorithms[] = PASSKEY_ALGORITHMS;
	struct json_writer *w = &rq->out;

	json_begin_object(w, "rp");
	json_str(w, "id", passkey_rp_id(server_origin(rq)));
	json_cstr(w, "name", RP_NAME);
	json_end(w);
	json_begin_object(w, "user");
	write_bytes(rq, "id", c->account);
	json_str(w, "name", c->email);
	json_str(w, "displayName", c->email);
	json_end(w);
	json_begin_array(w, "pubKeyCredParams");
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		json_begin_object(w, NULL);
		json_cstr(w, "type", "public-key");
		json_i64(w, "alg", algorithms[i]);
		json_end(w);
	}
	json_end(w);
	write_known(rq, "excludeCredentials", c);
	json_begin_object(w, "authenticatorSelection");
	json_cstr(w, "residentKey", "preferred");
	json_cstr(w, "userVerification", "preferred");
	json_end(w);
	json_cstr(w, "attestation", "none");
}

/* PublicKeyCredentialRequestOptionsJSON, likewise. */
static void write_request(
	struct request *rq, enum passkey_use use, const struct passkey_challenge *c)
{
	json_str(&rq->out, "rpId", passkey_rp_id(server_origin(rq)));
	if (use != PASSKEY_SIGN_IN)
		write_known(rq, "allowCredentials", c);
	json_cstr(&rq->out, "userVerification", use == PASSKEY_SIGN_IN ? "required" : "preferred");
}

static err answer_options(struct request *rq, enum passkey_use use, span mfa_token)
{
	struct json_writer *w = &rq->out;
	struct passkey_challenge c;
	err e = passkey_begin(&rq->task, use, mfa_token, &c);

	if (e)
		return e;
	json_begin_object(w, NULL);
	json_str(w, "ticket", c.ticket);
	answer_time(rq, "expires_at", rq->task.now_us + PASSKEY_CHALLENGE_US);
	json_begin_object(w, "options");
	json_str(w, "challenge", c.challenge);
	json_i64(w, "timeout", PASSKEY_CHALLENGE_US / 1000);
	if (use == PASSKEY_ENROL)
		write_creation(rq, &c);
	else
		write_request(rq, use, &c);
	json_end(w);
	json_end(w);
	return OK;
}

/* Handlers ---------------------------------------------------------------------------------------
 */

err post_passkey_options(struct request *rq)
{
	return answer_options(rq, PASSKEY_ENROL, SPAN_EMPTY);
}

err post_passkey_sign_in_options(struct request *rq)
{
	span mfa_token = request_text(rq, "mfa_token");

	return answer_options(
		rq, mfa_token.len ? PASSKEY_SECOND_FACTOR : PASSKEY_SIGN_IN, mfa_token);
}

err post_step_up_options(struct request *rq)
{
	return answer_options(rq, PASSKEY_STEP_UP, SPAN_EMPTY);
}

err post_passkey(struct request *rq)
{
	struct json_writer *w = &rq->out;
	struct new_passkey n;
	struct factor f;
	struct recovery_codes codes = {0};
	err e = read_new(rq, &n);

	if (!e)
		e = passkey_add(&rq->task, &n, &f, &codes);
	if (e)
		return problem_recovery_codes(rq, e, &codes);
	json_begin_object(w, NULL);
	json_str(w, "id", f.id);
	json_cstr(w, "kind", "passkey");
	json_str(w, "name", f.name);
	answer_time(rq, "created_at", f.created_at_us);
	write_recovery_codes(rq, &codes);
	json_end(w);
	return OK;
}

err delete_passkey(struct request *rq)
{
	return factor_remove(&rq->task, FACTOR_PASSKEY, rq->params[0]);
}

err post_passkey_sign_in(struct request *rq)
{
	struct passkey_answer answer;
	struct issued_tokens tokens;
	bool cookie;
	err e = request_wants_cookie(rq, &cookie);

	if (!e)
		e = read_passkey_answer(rq, rq->body, "credential", &answer);
	if (!e)
		e = passkey_sign_in(&rq->task, &answer, cookie, &tokens);
	return e ? e : answer_session(rq, &tokens);
}
