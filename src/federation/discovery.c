/* Hard rule: the document must name exactly the issuer it was asked for (Discovery, 4.3). */
#include "federation/discovery.h"

#include "federation/strict_json.h"

#include "base/banned.h"

const char *discovery_url(struct arena *a, span issuer)
{
	while (span_ends_with(issuer, SPAN("/")))
		issuer = span_sub(issuer, 0, issuer.len - 1);
	return arena_printf(a, "%.*s/.well-known/openid-configuration", SPAN_ARG(issuer));
}

/*
 * A URL that could stand in a Location header; whether it may be asked is decided when it is. A
 * fragment would swallow what is added to it.
 */
static bool is_url(span url)
{
	if (!span_starts_with(url, SPAN("https://")) && !span_starts_with(url, SPAN("http://")))
		return false;
	for (size_t i = 0; i < url.len; i++)
		if ((uint8_t)url.ptr[i] <= ' ' || (uint8_t)url.ptr[i] >= 0x7f || url.ptr[i] == '#')
			return false;
	return url.len <= DISCOVERY_URL_MAX;
}

/* Reads a URL. False when it is there and none, or not there and required. */
static bool read_url(
	struct arena *a, const json_t *document, const char *name, bool required, span *ret)
{
	span url = member_text(document, name);

	if (!json_object_get(document, name)) {
		*ret = SPAN_EMPTY;
		return !required;
	}
	*ret = arena_span(a, url);
	return is_url(url);
}

/* An endpoint is missing; or where the document says what it can, code and S256 are not among it.
 */
static const char *sign_in_problem(const json_t *d)
{
	if (!json_object_get(d, "authorization_endpoint"))
		return "the discovery document has no authorization_endpoint";
	if (!json_object_get(d, "token_endpoint"))
		return "the discovery document has no token_endpoint";
	if (json_object_get(d, "response_types_supported") &&
		!member_has(d, "response_types_supported", SPAN("code")))
		return "the provider does not offer the authorization code flow";
	if (json_object_get(d, "code_challenge_methods_supported") &&
		!member_has(d, "code_challenge_methods_supported", SPAN("S256")))
		return "the provider does not offer PKCE with S256";
	return NULL;
}

const char *discovery_parse(struct arena *a, span json, span issuer, struct discovery *ret)
{
	const json_t *d = json.len > DISCOVERY_MAX_BYTES ? NULL : strict_object(a, json);
	struct discovery out = {.issuer = arena_span(a, issuer)};
	span claimed = d ? member_text(d, "issuer") : SPAN_EMPTY;

	if (!d)
		return "the discovery document is not a JSON object";
	if (!span_eq(claimed, issuer))
		return arena_printf(a,
			"the discovery document names the issuer '%.*s' instead of '%.*s'",
			SPAN_ARG(span_sub(claimed, 0, 200)), SPAN_ARG(issuer));
	struct {
		const char *name;
		bool required;
		span *to;
	} const urls[] = {
		{"jwks_uri", true, &out.jwks_uri},
		{"authorization_endpoint", false, &out.authorization_endpoint},
		{"token_endpoint", false, &out.token_endpoint},
		{"userinfo_endpoint", false, &out.userinfo_endpoint},
		{"end_session_endpoint", false, &out.end_session_endpoint},
	};
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (!read_url(a, d, urls[i].name, urls[i].required, urls[i].to))
			return arena_printf(
				a, "the discovery document has no usable %s", urls[i].name);
	out.names_itself =
		json_is_true(json_object_get(d, "authorization_response_iss_parameter_supported"));
	out.sign_in_problem = sign_in_problem(d);
	*ret = out;
	return NULL;
}
