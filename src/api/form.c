/*
 * Form-encoded bodies and the errors of RFC 6749. Hard rule: a parameter that stands twice is
 * refused, so that nobody before or behind us can read another one of the two.
 */
#include "api/form.h"

#include "api/validate.h"
#include "base/encode.h"
#include "token/token.h"

#include "base/banned.h"

bool content_is_form(span type)
{
	span media;

	return span_cut(&type, ';', &media) &&
	       span_eq_nocase(span_trim(media), SPAN("application/x-www-form-urlencoded"));
}

/* '+' is a space here, unlike anywhere else in a URL. */
static err decode(span text, struct buf *out)
{
	AUTO(buf) spaced = {0};

	buf_init(&spaced, FORM_VALUE_MAX);
	for (size_t i = 0; i < text.len; i++)
		buf_add_byte(&spaced, text.ptr[i] == '+' ? ' ' : text.ptr[i]);
	err e = buf_error(&spaced);

	if (!e)
		e = percent_decode(out, buf_span(&spaced));
	buf_wipe(&spaced);
	return e ? e : buf_error(out);
}

static err invalid(struct task *t, const char *text)
{
	return fail(t, ERR_INVALID, "invalid_request", "%s", text);
}

static err add_parameter(
	struct task *t, const struct field *fields, span pair, json_t *seen, json_t *out)
{
	span name;
	AUTO(buf) key = {0};
	AUTO(buf) value = {0};
	err e;

	if (!span_cut(&pair, '=', &name) || !pair.ptr)
		return invalid(t, "The body is not form-encoded: a parameter has no '='.");
	buf_init(&key, FORM_VALUE_MAX);
	buf_init(&value, FORM_VALUE_MAX);
	if (decode(name, &key) || decode(pair, &value) || !span_is_utf8(buf_span(&key)) ||
		buf_len(&key) == 0 || span_find(buf_span(&key), '\0') < buf_len(&key))
		return invalid(t, "The body is not form-encoded, or a parameter is too long.");
	if (json_object_get(seen, buf_str(&key)))
		return invalid(t, "A parameter stands twice.");
	if (json_object_size(seen) == FORM_PARAMETERS_MAX)
		return invalid(t, "There are too many parameters.");
	if (json_object_set_new(seen, buf_str(&key), json_true()))
		return ERR_NOMEM;
	e = buf_len(&value) ? validate_parameter(t, fields, buf_span(&key), buf_span(&value), out)
			    : OK;
	buf_wipe(&value);
	return e;
}

err validate_form(struct task *t, const struct field *fields, span text, json_t **ret)
{
	json_t *seen = json_object(), *out = json_object();
	err e = seen && out ? OK : ERR_NOMEM;
	span pair;

	while (!e && text.len && span_cut(&text, '&', &pair))
		e = add_parameter(t, fields, pair, seen, out);
	if (!e)
		e = validate_required(t, fields, out);
	json_decref(seen);
	if (e)
		json_decref(out);
	else
		*ret = out;
	return e;
}

/* The words of RFC 6749, 6750, 7009 and 8628 that our failures have as reasons. */
static const struct {
	const char *error;
	int status;
} words[] = {
	{"invalid_request", 400},
	{"invalid_client", 401},
	{"invalid_grant", 400},
	{"invalid_scope", 400},
	{"invalid_target", 400},
	{"unsupported_grant_type", 400},
	{"unsupported_token_type", 400},
	{"authorization_pending", 400},
	{"slow_down", 400},
	{"expired_token", 400},
	{"access_denied", 400},
};

static const char *error_of(struct exchange *x)
{
	struct task *t = &x->rq.task;

	for (size_t i = 0; t->reason && i < ARRAY_LEN(words); i++)
		if (span_is(span_from(t->reason), words[i].error)) {
			x->rq.status = words[i].status;
			return words[i].error;
		}
	x->rq.status = problem_status(x);
	if (x->rq.status >= 500)
		return x->outcome == ERR_BUSY || x->outcome == ERR_UNAVAILABLE
			       ? "temporarily_unavailable"
			       : "server_error";
	if (x->outcome == ERR_UNAUTHENTICATED)
		return "invalid_token";
	if (x->outcome == ERR_LIMIT)
		return "temporarily_unavailable";
	if (x->outcome == ERR_DENIED)
		return span_is(span_from(t->reason ? t->reason : ""), "permission_missing")
			       ? "insufficient_scope"
			       : "access_denied";
	return "invalid_request";
}

void oauth_error_write(struct exchange *x)
{
	struct json_writer *w = &x->rq.out;
	const char *error = error_of(x);

	x->content_type = "application/json";
	buf_clear(&x->rq.out_text);
	json_writer_init(w, &x->rq.out_text);
	json_begin_object(w, NULL);
	json_cstr(w, "error", error);
	if (x->rq.task.detail)
		json_cstr(w, "error_description", x->rq.task.detail);
	json_end(w);
}
