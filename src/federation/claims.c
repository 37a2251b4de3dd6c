/* Hard rule: what is not said in the expected form was not said. */
#include "federation/ask.h"

#include "base/time.h"
#include "federation/strict_json.h"

#include "base/banned.h"

#define GROUP_MAX 256

/* A claim by name; one with dots that is none itself is a path into objects. */
static const json_t *claim(const json_t *claims, span name)
{
	char memory[256];
	struct buf key;
	span part;

	buf_init_fixed(&key, memory, sizeof(memory));
	buf_add(&key, name);
	if (name.len == 0 || buf_error(&key))
		return NULL;
	if (json_object_get(claims, buf_str(&key)))
		return json_object_get(claims, buf_str(&key));
	while (claims && span_cut(&name, '.', &part)) {
		buf_clear(&key);
		buf_add(&key, part);
		claims = json_object_get(claims, buf_str(&key));
	}
	return claims;
}

static span text_of(const json_t *value)
{
	return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
				     : SPAN_EMPTY;
}

/* Some APIs number their users. */
static span subject_of(struct arena *a, const json_t *value)
{
	if (json_is_integer(value))
		return span_from(arena_printf(a, "%lld", (long long)json_integer_value(value)));
	return text_of(value);
}

/* Entra says "1", others true or "true". */
static bool is_true(const json_t *value)
{
	span text = text_of(value);

	return json_is_true(value) || span_is(text, "true") || span_is(text, "1") ||
	       (json_is_integer(value) && json_integer_value(value) == 1);
}

static void read_groups(struct arena *a, const json_t *value, struct vouched *v)
{
	size_t i, most = json_is_string(value) ? 1 : json_array_size(value);
	const json_t *element;
	span *groups = arena_try_array(a, most + 1, sizeof(*groups));

	v->groups = groups;
	if (!groups || most > PROVIDER_GROUPS_MAX)
		return;
	if (json_is_string(value))
		groups[v->groups_count++] = text_of(value);
	json_array_foreach(
		value, i, element) if (json_is_string(element) && text_of(element).len <= GROUP_MAX)
		groups[v->groups_count++] = text_of(element);
}

/* RFC 8176, and the authentication context classes that mean several factors. */
static bool had_second_factor(const json_t *claims)
{
	span acr = member_text(claims, "acr");

	return member_has(claims, "amr", SPAN("mfa")) || span_is(acr, "phr") ||
	       span_is(acr, "phrh") ||
	       span_is(acr, "http://schemas.openid.net/pape/policies/2007/06/multi-factor");
}

err vouched_from_claims(struct arena *a, const struct provider_settings *s, const json_t *claims,
	struct vouched *ret)
{
	struct vouched v = {
		.subject = subject_of(a, claim(claims, s->subject_claim)),
		.email = text_of(claim(claims, s->email_claim)),
		.email_verified = is_true(claim(claims, s->email_verified_claim)),
		.name = member_text(claims, "name"),
		.session = member_text(claims, "sid"),
		.second_factor = had_second_factor(claims),
	};

	if (v.subject.len == 0 || v.subject.len > SUBJECT_MAX_BYTES)
		return ERR_INVALID;
	if (v.session.len > SUBJECT_MAX_BYTES)
		v.session = SPAN_EMPTY;
	read_groups(a, claim(claims, s->groups_claim), &v);
	*ret = v;
	return OK;
}
