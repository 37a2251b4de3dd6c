/* Settings of providers: presets, their text in the database, rules. Pure. */
#include "federation/provider.h"

#include "base/json.h"
#include "federation/strict_json.h"

#include "base/banned.h"

#define DOMAIN_MAX 253

/* Presets ---------------------------------------------------------------------------------------
 */

struct preset {
	span name;
	struct provider provider;
};

#define OPENID_SCOPES SPAN_INIT("openid email profile")
#define EMAIL_CLAIMS                                                                               \
	.subject_claim = SPAN_INIT("sub"), .email_claim = SPAN_INIT("email"),                      \
	.email_verified_claim = SPAN_INIT("email_verified")

static const struct preset presets[] = {
	{SPAN_INIT("oidc"), {.settings = {.scopes = OPENID_SCOPES,
				     EMAIL_CLAIMS,
				     .groups_claim = SPAN_INIT("groups")}}},
	{SPAN_INIT("oauth"),
		{.oauth = true, .settings = {EMAIL_CLAIMS, .groups_claim = SPAN_INIT("groups")}}},
	/* A Workspace account says its domain in `hd`; that is the nearest Google has to a group.
	 */
	{SPAN_INIT("google"), {.issuer = SPAN_INIT("https://accounts.google.com"),
				      .settings = {.scopes = OPENID_SCOPES,
					      EMAIL_CLAIMS,
					      .groups_claim = SPAN_INIT("hd")}}},
	/*
	 * Entra lets a tenant's administrator write any address into a profile; only xms_edov says
	 * that its domain belongs to the tenant.
	 */
	{SPAN_INIT("entra"), {.settings = {.scopes = OPENID_SCOPES,
				      .subject_claim = SPAN_INIT("sub"),
				      .email_claim = SPAN_INIT("email"),
				      .email_verified_claim = SPAN_INIT("xms_edov"),
				      .groups_claim = SPAN_INIT("groups")}}},
	{SPAN_INIT("okta"), {.settings = {.scopes = SPAN_INIT("openid email profile groups"),
				     EMAIL_CLAIMS,
				     .groups_claim = SPAN_INIT("groups")}}},
	{SPAN_INIT("keycloak"), {.settings = {.scopes = OPENID_SCOPES,
					 EMAIL_CLAIMS,
					 .groups_claim = SPAN_INIT("groups")}}},
	{SPAN_INIT("github"),
		{.oauth = true,
			.issuer = SPAN_INIT("https://github.com/login/oauth"),
			.settings = {.scopes = SPAN_INIT("read:user user:email"),
				.subject_claim = SPAN_INIT("id"),
				.email_claim = SPAN_INIT("email"),
				.email_verified_claim = SPAN_INIT("email_verified"),
				.groups_claim = SPAN_INIT("groups"),
				.authorization_url =
					SPAN_INIT("https://github.com/login/oauth/authorize"),
				.token_url =
					SPAN_INIT("https://github.com/login/oauth/access_token"),
				.user_url = SPAN_INIT("https://api.github.com/user"),
				.emails_url = SPAN_INIT("https://api.github.com/user/emails")}}},
};

err provider_preset(span name, struct provider *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (span_eq(presets[i].name, name)) {
			*ret = presets[i].provider;
			return OK;
		}
	return ERR_NOT_FOUND;
}

/* Text ------------------------------------------------------------------------------------------
 */

/* The members that are texts, by name. */
struct text_member {
	const char *name;
	size_t offset;
};
#define MEMBER(type, name)                                                                         \
	{                                                                                          \
#name, offsetof(struct type, name)                                                 \
	}
static const struct text_member texts[] = {
	MEMBER(provider_settings, scopes),
	MEMBER(provider_settings, subject_claim),
	MEMBER(provider_settings, email_claim),
	MEMBER(provider_settings, email_verified_claim),
	MEMBER(provider_settings, groups_claim),
	MEMBER(provider_settings, authorization_url),
	MEMBER(provider_settings, token_url),
	MEMBER(provider_settings, user_url),
	MEMBER(provider_settings, emails_url),
	MEMBER(provider_settings, domains),
};
static const struct text_member rule_texts[] = {
	MEMBER(mapping_rule, group),
	MEMBER(mapping_rule, domain),
	MEMBER(mapping_rule, role),
	MEMBER(mapping_rule, organisation),
};

static void write_texts(
	struct json_writer *w, const void *from, const struct text_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		span text = *(const span *)((const char *)from + members[i].offset);

		if (text.len)
			json_str(w, members[i].name, text);
	}
}

static void read_texts(struct arena *a, const json_t *from, void *to,
	const struct text_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		*(span *)((char *)to + members[i].offset) =
			arena_span(a, member_text(from, members[i].name));
}

void provider_settings_format(const struct provider_settings *s, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	write_texts(&w, s, texts, ARRAY_LEN(texts));
	json_bool(&w, "trusted_factor", s->trusted_factor);
	json_begin_array(&w, "rules");
	for (size_t i = 0; i < s->rules_count; i++) {
		json_begin_object(&w, NULL);
		write_texts(&w, &s->rules[i], rule_texts, ARRAY_LEN(rule_texts));
		json_end(&w);
	}
	json_end(&w);
	json_end(&w);
}

err provider_settings_parse(struct arena *a, span json, struct provider_settings *ret)
{
	const json_t *o = strict_object(a, json), *rules = json_object_get(o, "rules"), *rule;
	size_t i, count = json_array_size(rules);

	if (!o || count > PROVIDER_RULES_MAX)
		return ERR_CORRUPT;
	*ret = (struct provider_settings){
		.trusted_factor = json_is_true(json_object_get(o, "trusted_factor"))};
	read_texts(a, o, ret, texts, ARRAY_LEN(texts));
	ret->rules = arena_try_array(a, count ? count : 1, sizeof(*ret->rules));
	if (!ret->rules)
		return ERR_NOMEM;
	json_array_foreach(rules, i, rule)
		read_texts(a, rule, &ret->rules[i], rule_texts, ARRAY_LEN(rule_texts));
	ret->rules_count = count;
	return OK;
}

/* Rules -----------------------------------------------------------------------------------------
 */

bool domain_is_valid(span domain)
{
	if (domain.len == 0 || domain.len > DOMAIN_MAX || domain.ptr[0] == '.' ||
		domain.ptr[domain.len - 1] == '.')
		return false;
	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return true;
}

static span domain_of(span email)
{
	size_t at = span_rfind(email, '@');

	return span_from_offset(email, at + 1);
}

bool domains_have(span domains, span email)
{
	span domain = domain_of(email), word;

	while (span_cut(&domains, ' ', &word))
		if (word.len && span_eq_nocase(word, domain))
			return true;
	return false;
}

static bool fits(const struct mapping_rule *r, const struct vouched *v)
{
	if (r->domain.len && !(v->email_verified && domains_have(r->domain, v->email)))
		return false;
	if (r->group.len == 0)
		return true;
	for (size_t i = 0; i < v->groups_count; i++)
		if (span_eq(v->groups[i], r->group))
			return true;
	return false;
}

const struct mapping_rule *provider_rule_for(
	const struct provider_settings *s, const struct vouched *v)
{
	for (size_t i = 0; i < s->rules_count; i++)
		if (fits(&s->rules[i], v))
			return &s->rules[i];
	return NULL;
}
