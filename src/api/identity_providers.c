/* Identity providers, administered; and the caller's identities there. */
#include "service/identity_providers.h"

#include "api/handlers.h"
#include "api/server_url.h"

#include "base/banned.h"

static void write_rule(struct request *rq, const struct mapping_rule *r)
{
	json_begin_object(&rq->out, NULL);
	answer_text_or_null(rq, "group", r->group);
	answer_text_or_null(rq, "domain", r->domain);
	json_str(&rq->out, "role", r->role);
	answer_text_or_null(rq, "organisation", r->organisation);
	json_end(&rq->out);
}

/* What has to be entered at the provider. */
static void write_our_urls(struct request *rq, const struct provider *p)
{
	const char *base = arena_printf(rq->task.arena, "%.*s/api/v1/auth/oidc/%.*s",
		SPAN_ARG(server_base_url(rq)), SPAN_ARG(p->name));

	json_cstr(&rq->out, "redirect_uri", arena_printf(rq->task.arena, "%s/callback", base));
	json_cstr(&rq->out, "backchannel_logout_uri",
		p->oauth ? NULL : arena_printf(rq->task.arena, "%s/backchannel-logout", base));
}

static void write_provider(struct request *rq, const struct provider *p)
{
	const struct provider_settings *s = &p->settings;
	struct json_writer *w = &rq->out;

	json_begin_object(w, NULL);
	json_str(w, "id", p->id);
	json_str(w, "name", p->name);
	json_str(w, "title", p->title);
	json_cstr(w, "kind", p->oauth ? "oauth" : "oidc");
	json_str(w, "issuer", p->issuer);
	json_str(w, "client_id", p->client_id);
	json_bool(w, "has_client_secret", p->client_secret.len > 0);
	json_cstr(w, "client_auth", p->post ? "post" : "basic");
	json_cstr(w, "state", p->disabled ? "disabled" : "active");
	answer_words(rq, "scopes", s->scopes);
	json_str(w, "subject_claim", s->subject_claim);
	json_str(w, "email_claim", s->email_claim);
	json_str(w, "email_verified_claim", s->email_verified_claim);
	json_str(w, "groups_claim", s->groups_claim);
	answer_text_or_null(rq, "authorization_url", s->authorization_url);
	answer_text_or_null(rq, "token_url", s->token_url);
	answer_text_or_null(rq, "user_url", s->user_url);
	answer_text_or_null(rq, "emails_url", s->emails_url);
	answer_words(rq, "domains", s->domains);
	json_bool(w, "trusted_factor", s->trusted_factor);
	json_begin_array(w, "rules");
	for (size_t i = 0; i < s->rules_count; i++)
		write_rule(rq, &s->rules[i]);
	json_end(w);
	write_our_urls(rq, p);
	answer_time(rq, "created_at", p->created_at_us);
	answer_time(rq, "updated_at", p->updated_at_us);
	json_end(w);
}

err post_identity_provider(struct request *rq)
{
	struct provider p;
	err e = provider_create(&rq->task, rq->body, &p);

	if (!e)
		write_provider(rq, &p);
	return e;
}

err patch_identity_provider(struct request *rq)
{
	struct provider p;
	err e = provider_change(&rq->task, rq->params[0], rq->body, &p);

	if (!e)
		write_provider(rq, &p);
	return e;
}

err get_identity_provider(struct request *rq)
{
	struct provider p;
	err e = provider_get(&rq->task, rq->params[0], &p);

	if (!e)
		write_provider(rq, &p);
	return e;
}

err delete_identity_provider(struct request *rq)
{
	return provider_remove(&rq->task, rq->params[0]);
}

err list_identity_providers(struct request *rq)
{
	struct provider *list;
	size_t count;
	err e = provider_all(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++)
		write_provider(rq, &list[i]);
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err post_identity_provider_test(struct request *rq)
{
	struct provider_trial trial;
	err e = provider_try(&rq->task, rq->params[0], &trial);

	if (e)
		return e;
	json_begin_object(&rq->out, NULL);
	json_bool(&rq->out, "ok", !trial.problem);
	json_cstr(&rq->out, "problem", trial.problem);
	json_i64(&rq->out, "keys", (int64_t)trial.keys);
	json_end(&rq->out);
	return OK;
}

/* What the page for signing in shows. */
err list_sign_in_providers(struct request *rq)
{
	struct provider *list;
	size_t count;
	err e = provider_all(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++) {
		if (list[i].disabled)
			continue;
		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "name", list[i].name);
		json_str(&rq->out, "title", list[i].title);
		json_cstr(&rq->out, "kind", list[i].oauth ? "oauth" : "oidc");
		json_end(&rq->out);
	}
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err list_own_identities(struct request *rq)
{
	struct identity *list;
	size_t count;
	err e = identities_own(&rq->task, &list, &count);

	if (e)
		return e;
	page_begin(rq);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&rq->out, NULL);
		json_str(&rq->out, "id", list[i].id);
		json_str(&rq->out, "provider", list[i].provider_name);
		json_str(&rq->out, "provider_title", list[i].provider_title);
		json_str(&rq->out, "subject", list[i].subject);
		answer_text_or_null(rq, "email", list[i].email);
		answer_time(rq, "created_at", list[i].created_at_us);
		answer_time(rq, "last_used_at", list[i].last_used_at_us);
		json_end(&rq->out);
	}
	page_end(rq, SPAN_EMPTY);
	return OK;
}

err delete_own_identity(struct request *rq)
{
	return identity_unlink(&rq->task, rq->params[0]);
}
