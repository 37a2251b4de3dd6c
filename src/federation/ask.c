/*
 * Hard rule: whatever the provider's answers hold goes through the same checks whether the provider
 * is one we trust or not; a secret of ours appears in no failure.
 */
#include "federation/ask.h"

#include "base/encode.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "federation/strict_json.h"
#include "net/foreign.h"

#include "base/banned.h"

#define ANSWER_MAX   65536
#define FORM_MAX     16384
#define LOGOUT_EVENT "http://schemas.openid.net/event/backchannel-logout"

static err failed(struct asking *ask, err e, const char *reason, const char *problem)
{
	ask->failure = (struct ask_failure){reason, problem};
	return e;
}

static err discover(struct asking *ask, const struct provider *p, struct discovery *ret)
{
	const char *problem = NULL;
	err e = issuer_discover(
		ask->issuers, ask->arena, p->issuer, false, ask->now_us, ret, &problem);

	if (!e && ret->sign_in_problem) {
		problem = ret->sign_in_problem;
		e = ERR_UNAVAILABLE;
	}
	return e ? failed(ask, e, "provider_unavailable", problem) : OK;
}

/* Away ------------------------------------------------------------------------------------------
 */

static void add_parameter(struct buf *b, const char *name, span value)
{
	buf_addf(b, "%s%s=", buf_len(b) ? "&" : "", name);
	percent_encode(b, value);
}

static void add_challenge(struct buf *b, span verifier)
{
	uint8_t hash[SHA256_SIZE];
	char memory[64];
	struct buf text;

	sha256(verifier, hash);
	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(hash, sizeof(hash)));
	add_parameter(b, "code_challenge", buf_span(&text));
	add_parameter(b, "code_challenge_method", SPAN("S256"));
}

err ask_authorization_url(struct asking *ask, const struct round_trip *trip, const char **ret)
{
	const struct provider *p = trip->provider;
	span endpoint = p->settings.authorization_url;
	struct discovery d;
	AUTO(buf) query = {0};
	err e = p->oauth ? OK : discover(ask, p, &d);

	if (e)
		return e;
	if (!p->oauth)
		endpoint = d.authorization_endpoint;
	buf_init(&query, FORM_MAX);
	add_parameter(&query, "response_type", SPAN("code"));
	add_parameter(&query, "client_id", p->client_id);
	add_parameter(&query, "redirect_uri", trip->redirect_uri);
	add_parameter(&query, "scope", p->settings.scopes);
	add_parameter(&query, "state", trip->state);
	if (!p->oauth)
		add_parameter(&query, "nonce", trip->nonce);
	add_challenge(&query, trip->verifier);
	*ret = arena_printf(ask->arena, "%.*s%c%s", SPAN_ARG(endpoint),
		span_contains(endpoint, SPAN("?")) ? '&' : '?', buf_str(&query));
	return buf_error(&query);
}

/* Back ------------------------------------------------------------------------------------------
 */

/* What a request was answered with, if it was answered well: JSON. any: an array will do. */
static err answered(struct asking *ask, const struct foreign_request *rq, const char *what,
	bool any, json_t **ret)
{
	struct http_answer answer;
	json_t *said;
	err e;

	http_answer_init(&answer);
	e = foreign_send(ask->foreign, rq, &answer);
	said = json_loadb(
		buf_str(&answer.body), buf_len(&answer.body), JSON_REJECT_DUPLICATES, NULL);
	json_die_with(ask->arena, said);
	if (!e && answer.status == 200 && (json_is_object(said) || (any && json_is_array(said)))) {
		*ret = said;
		e = OK;
	} else if (answer.status >= 400 && answer.status < 500) {
		span code = member_text(said, "error");

		e = failed(ask, ERR_DENIED, "provider_refused",
			arena_printf(ask->arena, "%s: %d %.*s", what, answer.status,
				SPAN_ARG(span_sub(code, 0, 100))));
	} else {
		e = failed(ask, ERR_UNAVAILABLE, "provider_unavailable",
			arena_printf(ask->arena, "%s: %.*s", what,
				SPAN_ARG(span_sub(buf_span(&answer.detail), 0, 200))));
	}
	http_answer_done(&answer);
	return e;
}

/* An OAuth client's name or secret in HTTP Basic is percent-encoded first (RFC 6749, 2.3.1). */
static const char *encoded(struct arena *a, span text)
{
	AUTO(buf) b = {0};

	buf_init(&b, FORM_MAX);
	percent_encode(&b, text);
	return arena_strdup(a, buf_str(&b));
}

static err exchange(struct asking *ask, const struct round_trip *trip, span endpoint, span secret,
	span code, json_t **ret)
{
	static const struct http_header accept = {"Accept", SPAN_INIT("application/json")};
	const struct provider *p = trip->provider;
	struct foreign_request rq = {.url = arena_str(ask->arena, endpoint),
		.headers = &accept,
		.headers_count = 1,
		.body_max = ANSWER_MAX};
	bool basic = secret.len && !p->post;
	struct buf form;

	buf_init(&form, FORM_MAX);
	add_parameter(&form, "grant_type", SPAN("authorization_code"));
	add_parameter(&form, "code", code);
	add_parameter(&form, "redirect_uri", trip->redirect_uri);
	add_parameter(&form, "code_verifier", trip->verifier);
	if (!basic)
		add_parameter(&form, "client_id", p->client_id);
	if (!basic && secret.len)
		add_parameter(&form, "client_secret", secret);
	if (basic) {
		rq.user = encoded(ask->arena, p->client_id);
		rq.password = encoded(ask->arena, secret);
	}
	rq.body = buf_span(&form);
	err e = buf_error(&form)
			? failed(ask, ERR_DENIED, "provider_refused", "the code is too long")
			: answered(ask, &rq, "token endpoint", false, ret);

	buf_wipe(&form);
	return e;
}

static err get(struct asking *ask, span url, span access_token, bool any, json_t **ret)
{
	struct http_header headers[] = {{"Accept", SPAN_INIT("application/json")},
		{"Authorization", span_from(arena_printf(
					  ask->arena, "Bearer %.*s", SPAN_ARG(access_token)))}};
	struct foreign_request rq = {.url = arena_str(ask->arena, url),
		.headers = headers,
		.headers_count = ARRAY_LEN(headers),
		.body_max = ANSWER_MAX};

	return answered(ask, &rq, "user information", any, ret);
}

/* The ID token -----------------------------------------------------------------------------------
 */

static err token_invalid(struct asking *ask, enum foreign_verdict v)
{
	return failed(ask, ERR_DENIED, "token_invalid",
		arena_printf(
			ask->arena, "%s: %s", foreign_verdict_name(v), foreign_verdict_text(v)));
}

/* Left half of the hash of the access token (Core, 3.1.3.6), by the algorithm's own function. */
static bool fits_access_token(const json_t *claims, span algorithm, span access_token)
{
	bool long_one = span_is(algorithm, "EdDSA") || span_is(algorithm, "Ed25519");
	span claimed = member_text(claims, "at_hash");
	uint8_t hash[SHA512_SIZE];
	char memory[64];
	struct buf text;

	if (!json_object_get(claims, "at_hash"))
		return true;
	(long_one ? sha512 : sha256)(access_token, hash);
	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(hash, (long_one ? SHA512_SIZE : SHA256_SIZE) / 2));
	return ct_equal(claimed, buf_span(&text));
}

/* Core, 3.1.3.7: with several audiences, or where it stands, azp must be us. */
static bool authorized_party_is_us(const json_t *claims, span client_id)
{
	const json_t *azp = json_object_get(claims, "azp");

	if (azp)
		return span_eq(member_text(claims, "azp"), client_id);
	return json_array_size(json_object_get(claims, "aud")) <= 1;
}

static err verify(struct asking *ask, span issuer, span audience, const char *types,
	bool sub_optional, span token, json_t **ret)
{
	struct foreign_expected expected = {issuer, audience, types, sub_optional};
	enum foreign_verdict verdict = FOREIGN_OK;
	const char *problem = NULL;
	err e = issuer_verify(
		ask->issuers, ask->arena, token, &expected, ask->now_us, ret, &verdict, &problem);

	if (e == ERR_DENIED)
		return token_invalid(ask, verdict);
	return e ? failed(ask, e, "provider_unavailable", problem) : OK;
}

static err read_id_token(
	struct asking *ask, const struct round_trip *trip, const json_t *tokens, json_t **ret)
{
	const struct provider *p = trip->provider;
	span token = member_text(tokens, "id_token");
	json_t *claims;
	err e = verify(ask, p->issuer, p->client_id, "JWT", false, token, &claims);

	if (e)
		return e;
	if (!authorized_party_is_us(claims, p->client_id))
		return token_invalid(ask, FOREIGN_WRONG_AUDIENCE);
	if (!ct_equal(member_text(claims, "nonce"), trip->nonce))
		return token_invalid(ask, FOREIGN_WRONG_NONCE);
	if (!fits_access_token(claims, foreign_token_algorithm(ask->arena, token),
		    member_text(tokens, "access_token")))
		return token_invalid(ask, FOREIGN_WRONG_HASH);
	*ret = claims;
	return OK;
}

static err no_subject(struct asking *ask)
{
	return failed(ask, ERR_DENIED, "token_invalid", "missing_claim: there is no subject");
}

/*
 * What the ID token leaves out is asked for; sub must be the same (Core, 5.3.2), and what the ID
 * token says stands.
 */
static err complete_claims(
	struct asking *ask, const struct discovery *d, const json_t *tokens, json_t *claims)
{
	json_t *info;
	err e = get(ask, d->userinfo_endpoint, member_text(tokens, "access_token"), false, &info);

	if (e)
		return e;
	if (!span_eq(member_text(info, "sub"), member_text(claims, "sub")))
		return failed(ask, ERR_DENIED, "token_invalid",
			"the user information is of another subject than the ID token");
	return json_object_update_missing(claims, info) ? ERR_NOMEM : OK;
}

static err who_by_id_token(struct asking *ask, const struct round_trip *trip, span secret,
	span code, struct vouched *ret)
{
	const struct provider *p = trip->provider;
	const struct provider_settings *s = &p->settings;
	json_t *tokens, *claims = NULL;
	struct discovery d;
	err e = discover(ask, p, &d);

	if (!e)
		e = exchange(ask, trip, d.token_endpoint, secret, code, &tokens);
	if (!e)
		e = read_id_token(ask, trip, tokens, &claims);
	if (!e && vouched_from_claims(ask->arena, s, claims, ret))
		e = no_subject(ask);
	if (e)
		return e;
	bool whole = ret->email.len && (s->groups_claim.len == 0 || ret->groups_count);

	if (!whole && d.userinfo_endpoint.len && member_text(tokens, "access_token").len) {
		e = complete_claims(ask, &d, tokens, claims);
		if (!e && vouched_from_claims(ask->arena, s, claims, ret))
			e = no_subject(ask);
	}
	ret->id_token = member_text(tokens, "id_token");
	return e;
}

/* Without ID token -------------------------------------------------------------------------------
 */

/* The primary address of a list of {email, primary, verified}. */
static void read_emails(const json_t *list, struct vouched *v)
{
	const json_t *one;
	size_t i;

	v->email = SPAN_EMPTY;
	v->email_verified = false;
	json_array_foreach(list, i, one) if (json_is_true(json_object_get(one, "primary")))
	{
		v->email = member_text(one, "email");
		v->email_verified = json_is_true(json_object_get(one, "verified"));
	}
}

static err who_by_api(struct asking *ask, const struct round_trip *trip, span secret, span code,
	struct vouched *ret)
{
	const struct provider_settings *s = &trip->provider->settings;
	json_t *tokens, *user, *emails;
	span access;
	err e = exchange(ask, trip, s->token_url, secret, code, &tokens);

	if (e)
		return e;
	access = member_text(tokens, "access_token");
	/* GitHub refuses a code with status 200. */
	if (access.len == 0)
		return failed(ask, ERR_DENIED, "provider_refused",
			arena_printf(ask->arena, "token endpoint: %.*s",
				SPAN_ARG(span_sub(member_text(tokens, "error"), 0, 100))));
	e = get(ask, s->user_url, access, false, &user);
	if (!e && vouched_from_claims(ask->arena, s, user, ret))
		e = no_subject(ask);
	if (e || s->emails_url.len == 0)
		return e;
	e = get(ask, s->emails_url, access, true, &emails);
	if (!e)
		read_emails(emails, ret);
	return e;
}

err ask_who(struct asking *ask, const struct round_trip *trip, span secret, span code,
	struct vouched *ret)
{
	struct vouched v;
	err e = (trip->provider->oauth ? who_by_api : who_by_id_token)(ask, trip, secret, code, &v);

	if (!e)
		*ret = v;
	return e;
}

/* Logout tokens ----------------------------------------------------------------------------------
 */

err ask_logout(struct asking *ask, const struct provider *p, span token, json_t **ret_claims)
{
	json_t *claims;
	span jti;
	err e = p->oauth ? failed(ask, ERR_DENIED, "token_invalid", "there are no logout tokens")
			 : verify(ask, p->issuer, p->client_id, "logout+jwt JWT", true, token,
				   &claims);

	if (e)
		return e;
	jti = member_text(claims, "jti");
	if (!json_is_object(json_object_get(json_object_get(claims, "events"), LOGOUT_EVENT)) ||
		json_object_get(claims, "nonce"))
		return token_invalid(ask, FOREIGN_WRONG_EVENT);
	if (jti.len == 0 || jti.len > SUBJECT_MAX_BYTES ||
		(!member_text(claims, "sid").len && !member_text(claims, "sub").len))
		return token_invalid(ask, FOREIGN_MISSING_CLAIM);
	*ret_claims = claims;
	return OK;
}

err ask_test(struct asking *ask, const struct provider *p, size_t *ret_keys)
{
	struct discovery d;
	const char *problem = NULL;
	err e;

	*ret_keys = 0;
	if (p->oauth)
		return OK;
	e = issuer_discover(ask->issuers, ask->arena, p->issuer, true, ask->now_us, &d, &problem);
	if (!e && d.sign_in_problem)
		return failed(ask, ERR_UNAVAILABLE, "provider_unavailable", d.sign_in_problem);
	if (!e)
		e = issuer_count_keys(
			ask->issuers, ask->arena, p->issuer, ask->now_us, ret_keys, &problem);
	if (e)
		return failed(ask, e, "provider_unavailable", problem);
	return *ret_keys
		       ? OK
		       : failed(ask, ERR_UNAVAILABLE, "provider_unavailable",
				 "the key set has no key that can be used (RS256, PS256, ES256, EdDSA)");
}
