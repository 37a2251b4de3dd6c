/* Hard rule: a rule gives nothing that its author does not have. */
#include "service/provider_members.h"

#include "account/account.h"
#include "account/role.h"
#include "federation/strict_json.h"
#include "net/foreign.h"
#include "service/accounts.h"

#include "base/banned.h"

#define TITLE_MAX     200
#define CLIENT_ID_MAX 255
#define WORDS_MAX     4096

static err invalid(struct task *t, const char *member, const char *why)
{
	return fail(t, ERR_INVALID, "invalid_member", "'%s' %s.", member, why);
}

/* Reading ---------------------------------------------------------------------------------------
 */

static void read_text(struct task *t, const json_t *members, const char *name, span *to)
{
	if (json_object_get(members, name))
		*to = arena_span(t->arena, member_text(members, name));
}

/* A list of words, with one space between. */
static err read_words(struct task *t, const json_t *members, const char *name, span *to)
{
	const json_t *list = json_object_get(members, name), *word;
	AUTO(buf) text = {0};
	size_t i;

	if (!list)
		return OK;
	buf_init(&text, WORDS_MAX);
	json_array_foreach(list, i, word)
	{
		const char *w = json_string_value(word);

		for (const char *c = w; *c; c++)
			if ((uint8_t)*c <= ' ' || (uint8_t)*c >= 0x7f || *c == '"' || *c == '\\')
				return invalid(t, name, "must hold words without spaces or quotes");
		if (*w)
			buf_addf(&text, "%s%s", buf_len(&text) ? " " : "", w);
	}
	if (buf_error(&text))
		return invalid(t, name, "is too long");
	*to = arena_span(t->arena, buf_span(&text));
	return OK;
}

static err read_rules(struct task *t, const json_t *members, struct provider_settings *s)
{
	const json_t *list = json_object_get(members, "rules"), *one;
	size_t i, count = json_array_size(list);

	if (!list)
		return OK;
	s->rules = arena_try_array(t->arena, count + 1, sizeof(*s->rules));
	if (!s->rules)
		return ERR_NOMEM;
	s->rules_count = count;
	json_array_foreach(list, i, one)
	{
		s->rules[i] = (struct mapping_rule){0};
		read_text(t, one, "group", &s->rules[i].group);
		read_text(t, one, "domain", &s->rules[i].domain);
		read_text(t, one, "role", &s->rules[i].role);
		read_text(t, one, "organisation", &s->rules[i].organisation);
	}
	return OK;
}

err provider_apply(struct task *t, const json_t *members, struct provider *p)
{
	struct provider_settings *s = &p->settings;
	struct {
		const char *name;
		span *to;
	} const texts[] = {
		{"name", &p->name},
		{"title", &p->title},
		{"client_id", &p->client_id},
		{"subject_claim", &s->subject_claim},
		{"email_claim", &s->email_claim},
		{"email_verified_claim", &s->email_verified_claim},
		{"groups_claim", &s->groups_claim},
		{"authorization_url", &s->authorization_url},
		{"token_url", &s->token_url},
		{"user_url", &s->user_url},
		{"emails_url", &s->emails_url},
	};
	err e;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		read_text(t, members, texts[i].name, texts[i].to);
	if (json_object_get(members, "client_auth"))
		p->post = span_is(member_text(members, "client_auth"), "post");
	if (json_object_get(members, "state"))
		p->disabled = span_is(member_text(members, "state"), "disabled");
	if (json_object_get(members, "trusted_factor"))
		s->trusted_factor = json_is_true(json_object_get(members, "trusted_factor"));
	e = read_words(t, members, "scopes", &s->scopes);
	if (!e)
		e = read_words(t, members, "domains", &s->domains);
	return e ? e : read_rules(t, members, s);
}

/* Checking --------------------------------------------------------------------------------------
 */

static err check_url(struct task *t, const char *name, span url, bool required)
{
	const char *problem;

	if (!url.len && !required)
		return OK;
	problem = url.len ? foreign_url_problem(t->service->foreign, arena_str(t->arena, url))
			  : "is missing";
	return problem ? invalid(t, name, problem) : OK;
}

static bool has_word(span list, const char *wanted)
{
	span word;

	while (span_cut(&list, ' ', &word))
		if (span_is(word, wanted))
			return true;
	return false;
}

static err check_urls(struct task *t, const struct provider *p)
{
	const struct provider_settings *s = &p->settings;
	err e = check_url(t, "issuer", p->issuer, true);

	if (p->oauth) {
		if (!e)
			e = check_url(t, "authorization_url", s->authorization_url, true);
		if (!e)
			e = check_url(t, "token_url", s->token_url, true);
		if (!e)
			e = check_url(t, "user_url", s->user_url, true);
		return e ? e : check_url(t, "emails_url", s->emails_url, false);
	}
	if (!e && span_contains(p->issuer, SPAN("?")))
		e = invalid(t, "issuer", "must not have a query");
	if (!e && (s->authorization_url.len || s->token_url.len || s->user_url.len ||
			  s->emails_url.len))
		e = invalid(t, "authorization_url",
			"and the other URLs are for the preset 'oauth'; here they are discovered");
	if (!e && !has_word(s->scopes, "openid"))
		e = invalid(t, "scopes", "must hold openid");
	if (!e && !span_is(s->subject_claim, "sub"))
		e = invalid(t, "subject_claim", "is sub with OpenID Connect");
	return e;
}

static err check_rule(struct db_tx *tx, struct task *t, struct mapping_rule *r)
{
	struct organisation o;
	struct role role;
	bool found = false;
	err e = role_find(tx, t->arena, r->role, &role, &found);

	if (e)
		return e;
	if (!found)
		return fail(t, ERR_INVALID, "unknown_role", "There is no role '%.*s'.",
			SPAN_ARG(r->role));
	if (r->domain.len && !domain_is_valid(r->domain))
		return invalid(t, "rules", "have a domain that is none");
	if (!r->organisation.len)
		return OK;
	e = organisation_find(tx, t->arena, r->organisation, &o, &found);
	if (e)
		return e;
	if (!found)
		return fail(t, ERR_INVALID, "unknown_organisation",
			"There is no organisation '%.*s'.", SPAN_ARG(r->organisation));
	r->organisation = o.id;
	return OK;
}

static err check_domains(struct task *t, span domains)
{
	span word;

	while (span_cut(&domains, ' ', &word))
		if (word.len && !domain_is_valid(word))
			return invalid(t, "domains", "must hold names of domains");
	return OK;
}

static err check_names(struct task *t, struct provider *p)
{
	if (!role_name_is_valid(p->name))
		return invalid(t, "name", "must be a-z first, then a-z, 0-9 and '-', at most 40");
	if (!p->title.len)
		p->title = p->name;
	if (p->title.len > TITLE_MAX)
		return invalid(t, "title", "is too long");
	if (!p->client_id.len || p->client_id.len > CLIENT_ID_MAX)
		return invalid(t, "client_id", "is missing or too long");
	for (size_t i = 0; i < p->client_id.len; i++)
		if ((uint8_t)p->client_id.ptr[i] <= ' ' || (uint8_t)p->client_id.ptr[i] >= 0x7f)
			return invalid(t, "client_id", "must not hold spaces");
	return OK;
}

err provider_check(struct db_tx *tx, struct task *t, struct provider *p)
{
	struct provider_settings *s = &p->settings;
	err e = check_names(t, p);

	if (!e)
		e = check_urls(t, p);
	if (!e)
		e = check_domains(t, s->domains);
	for (size_t i = 0; !e && i < s->rules_count; i++)
		e = check_rule(tx, t, &s->rules[i]);
	return e;
}
