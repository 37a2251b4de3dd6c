/*
 * The OpenAPI document, from the route table and the schemas. Hard rule: nothing is described here
 * that dispatch and validation do not read from the same rows.
 */
#include "api/openapi.h"

#include <string.h>

#include "api/schemas.h"
#include "policy/policy.h"

#include "base/banned.h"

static bool is(const char *a, const char *b)
{
	return span_is(span_from(a), b);
}

/* A JSON Schema type; optional members of answers may be null. */
static void write_type(struct json_writer *w, const char *type, bool nullable)
{
	if (!nullable) {
		json_cstr(w, "type", type);
		return;
	}
	json_begin_array(w, "type");
	json_cstr(w, NULL, type);
	json_cstr(w, NULL, "null");
	json_end(w);
}

static void write_choices(struct json_writer *w, const char *choices, bool nullable)
{
	span rest = span_from(choices), word;

	json_begin_array(w, "enum");
	while (span_cut(&rest, ' ', &word))
		json_str(w, NULL, word);
	if (nullable)
		json_nil(w, NULL);
	json_end(w);
}

static void write_string(struct json_writer *w, const struct field *f, bool nullable)
{
	write_type(w, "string", nullable);
	if (f->choices) {
		write_choices(w, f->choices, nullable);
		return;
	}
	if (f->least)
		json_i64(w, "minLength", f->least);
	if (f->most)
		json_i64(w, "maxLength", f->most);
}

static void write_object(struct json_writer *w, const struct field *fields, bool answer);

static void write_array(struct json_writer *w, const struct field *f, bool answer)
{
	write_type(w, "array", !f->required);
	if (f->least)
		json_i64(w, "minItems", f->least);
	if (f->most)
		json_i64(w, "maxItems", f->most);
	json_begin_object(w, "items");
	if (f->type == FIELD_OBJECTS) {
		write_object(w, f->fields, answer);
	} else {
		json_cstr(w, "type", "string");
		if (f->choices)
			write_choices(w, f->choices, false);
		else if (!answer)
			json_i64(w, "maxLength", STRINGS_ELEMENT_MAX);
	}
	json_end(w);
}

/* The members of a schema object for one field, without its braces. Nesting ends with the tables.
 */
static void write_field(struct json_writer *w, const struct field *f, bool answer, bool nullable)
{
	switch (f->type) {
	case FIELD_STRING:
		write_string(w, f, nullable);
		break;
	case FIELD_INT:
		write_type(w, "integer", nullable);
		if (f->most > f->least) {
			json_i64(w, "minimum", f->least);
			json_i64(w, "maximum", f->most);
		}
		break;
	case FIELD_BOOL:
		write_type(w, "boolean", nullable);
		break;
	case FIELD_TIME:
		write_type(w, "string", nullable);
		json_cstr(w, "format", "date-time");
		break;
	case FIELD_STRINGS:
	case FIELD_OBJECTS:
		write_array(w, f, answer);
		break;
	case FIELD_OBJECT:
		write_object(w, f->fields, answer);
		break;
	case FIELD_FOREIGN:
		write_type(w, "object", nullable);
		break;
	case FIELD_JSON:
	case FIELD_END:
		break;
	}
	if (f->help)
		json_cstr(w, "description", f->help);
}

static void write_required(struct json_writer *w, const struct field *fields)
{
	bool any = false;

	for (const struct field *f = fields; f->type != FIELD_END; f++) {
		if (!f->required)
			continue;
		if (!any)
			json_begin_array(w, "required");
		any = true;
		json_cstr(w, NULL, f->name);
	}
	if (any)
		json_end(w);
}

/* The members of a schema object for an object. Requests refuse what is not listed. */
static void write_object(struct json_writer *w, const struct field *fields, bool answer)
{
	json_cstr(w, "type", "object");
	json_begin_object(w, "properties");
	for (const struct field *f = fields; f->type != FIELD_END; f++) {
		json_begin_object(w, f->name);
		write_field(w, f, answer, !f->required);
		json_end(w);
	}
	json_end(w);
	write_required(w, fields);
	json_bool(w, "additionalProperties", false);
}

/* Parameters ---------------------------------------------------------------------------------- */

static void write_path_parameters(struct json_writer *w, const char *path)
{
	span rest = span_from(path), segment;

	while (span_cut(&rest, '/', &segment)) {
		if (!span_starts_with(segment, SPAN("{")))
			continue;
		json_begin_object(w, NULL);
		json_str(w, "name", span_sub(segment, 1, segment.len - 2));
		json_cstr(w, "in", "path");
		json_bool(w, "required", true);
		json_begin_object(w, "schema");
		json_cstr(w, "type", "string");
		json_end(w);
		json_end(w);
	}
}

static void write_parameters(struct json_writer *w, const struct route *r)
{
	json_begin_array(w, "parameters");
	write_path_parameters(w, r->path);
	for (const struct field *f = r->query; f && f->type != FIELD_END; f++) {
		json_begin_object(w, NULL);
		json_cstr(w, "name", f->name);
		json_cstr(w, "in", "query");
		json_bool(w, "required", f->required);
		json_cstr(w, "description", f->help);
		json_begin_object(w, "schema");
		write_field(w, f, false, false);
		json_end(w);
		json_end(w);
	}
	json_end(w);
}

/* Bodies and answers --------------------------------------------------------------------------- */

static void write_reference(struct json_writer *w, const char *kind, span name)
{
	char text[200];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	buf_addf(&b, "#/components/%s/%.*s", kind, SPAN_ARG(name));
	json_str(w, "$ref", buf_span(&b));
}

static void write_request_body(struct json_writer *w, const struct route *r)
{
	bool required = false;

	if (!r->body && !r->sink)
		return;
	for (const struct field *f = r->body; f && f->type != FIELD_END; f++)
		required |= f->required;
	json_begin_object(w, "requestBody");
	json_bool(w, "required", required || r->sink);
	json_begin_object(w, "content");
	json_begin_object(w, r->form   ? "application/x-www-form-urlencoded"
			     : r->body ? "application/json"
				       : "application/octet-stream");
	json_begin_object(w, "schema");
	if (r->body)
		write_object(w, r->body, false);
	json_end(w);
	json_end(w);
	json_end(w);
	json_end(w);
}

static void write_page(struct json_writer *w, span name)
{
	json_cstr(w, "type", "object");
	json_begin_object(w, "properties");
	json_begin_object(w, "items");
	json_cstr(w, "type", "array");
	json_begin_object(w, "items");
	write_reference(w, "schemas", name);
	json_end(w);
	json_end(w);
	json_begin_object(w, "next_cursor");
	write_type(w, "string", true);
	json_cstr(w, "description", "`cursor` of the next page; null on the last one");
	json_end(w);
	json_end(w);
	json_begin_array(w, "required");
	json_cstr(w, NULL, "items");
	json_cstr(w, NULL, "next_cursor");
	json_end(w);
	json_bool(w, "additionalProperties", false);
}

static void write_answer(struct json_writer *w, const char *answer)
{
	span name = span_from(answer);
	bool media = span_contains(name, SPAN("/")), page = span_ends_with(name, SPAN("[]"));

	json_begin_object(w, "content");
	json_begin_object(w, media ? answer : "application/json");
	json_begin_object(w, "schema");
	if (media)
		json_cstr(w, "type", is(answer, "application/json") ? "object" : "string");
	else if (page)
		write_page(w, span_sub(name, 0, name.len - 2));
	else
		write_reference(w, "schemas", name);
	json_end(w);
	json_end(w);
	json_end(w);
}

static void write_failure(struct json_writer *w, const struct route *r, const char *status)
{
	json_begin_object(w, status);
	write_reference(w, "responses", r->form ? SPAN("oauth_error") : SPAN("problem"));
	json_end(w);
}

static void write_answers(struct json_writer *w, const struct route *r)
{
	char status[8];
	struct buf b;
	bool open = is(r->permission, ALLOW_ANYONE);
	bool input = r->body || r->query || r->sink || span_contains(span_from(r->path), SPAN("{"));

	buf_init_fixed(&b, status, sizeof(status));
	buf_addf(&b, "%d", r->status);
	json_begin_object(w, "responses");
	json_begin_object(w, buf_str(&b));
	json_cstr(w, "description", "Success");
	if (r->answer)
		write_answer(w, r->answer);
	json_end(w);
	if (input)
		write_failure(w, r, "400");
	write_failure(w, r, "401");
	if (!open)
		write_failure(w, r, "403");
	if (span_contains(span_from(r->path), SPAN("{")))
		write_failure(w, r, "404");
	if (r->body && !r->form)
		write_failure(w, r, "415");
	write_failure(w, r, "default");
	json_end(w);
}

/* Operations ----------------------------------------------------------------------------------- */

/* "get_admin_products_product": the method and the words of the path behind the version. */
static void write_operation_id(struct json_writer *w, const struct route *r)
{
	char text[200];
	struct buf b;
	span path = span_from(r->path);

	if (span_starts_with(path, SPAN("/api/v1/")))
		path = span_from_offset(path, sizeof("/api/v1") - 1);
	buf_init_fixed(&b, text, sizeof(text));
	for (const char *p = r->method; *p; p++)
		buf_add_byte(&b, (char)(*p | 0x20));
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];

		if (c == '/' || c == '-')
			buf_add_byte(&b, '_');
		else if (c != '{' && c != '}' && c != '.')
			buf_add_byte(&b, c);
	}
	json_str(w, "operationId", buf_span(&b));
}

/* The first word of the path that names a resource. */
static void write_tag(struct json_writer *w, const struct route *r)
{
	span rest = span_from(r->path), segment, tag = SPAN("server");

	if (span_cut(&rest, '/', &segment) && span_starts_with(rest, SPAN("api/v1/"))) {
		rest = span_from_offset(rest, sizeof("api/v1/") - 1);
		while (span_cut(&rest, '/', &tag) && span_is(tag, "admin"))
			;
	}
	json_begin_array(w, "tags");
	json_str(w, NULL, tag);
	json_end(w);
}

static void write_security(struct json_writer *w, const struct route *r)
{
	json_begin_array(w, "security");
	if (is(r->permission, ALLOW_ANYONE) || is(r->permission, ALLOW_INTERNAL)) {
		json_begin_object(w, NULL);
		json_end(w);
	}
	if (!is(r->permission, ALLOW_INTERNAL)) {
		json_begin_object(w, NULL);
		json_begin_array(w, "bearer");
		json_end(w);
		json_end(w);
	}
	json_end(w);
}

/* What narrows a caller's permissions and is kept to here. */
static void write_scopes(struct json_writer *w, const struct route *r)
{
	json_begin_array(w, "x-scopes");
	if (r->scopes & SCOPE_PRODUCT)
		json_cstr(w, NULL, "product");
	if (r->scopes & SCOPE_ORGANISATION)
		json_cstr(w, NULL, "organisation");
	json_end(w);
}

static void write_operation(struct json_writer *w, const struct route *r)
{
	char method[16];
	struct buf b;

	buf_init_fixed(&b, method, sizeof(method));
	for (const char *p = r->method; *p; p++)
		buf_add_byte(&b, (char)(*p | 0x20));
	json_begin_object(w, buf_str(&b));
	write_operation_id(w, r);
	write_tag(w, r);
	json_cstr(w, "summary", r->summary);
	json_cstr(w, "x-permission", r->permission);
	json_bool(w, "x-device-token", r->device);
	json_bool(w, "x-step-up", r->step_up);
	write_scopes(w, r);
	write_security(w, r);
	write_parameters(w, r);
	write_request_body(w, r);
	write_answers(w, r);
	json_end(w);
}

static void write_paths(struct json_writer *w)
{
	json_begin_object(w, "paths");
	for (size_t i = 0; i < routes_count; i++) {
		bool first = true;

		for (size_t j = 0; j < i; j++)
			first &= !is(routes[j].path, routes[i].path);
		if (!first)
			continue;
		json_begin_object(w, routes[i].path);
		for (size_t j = i; j < routes_count; j++)
			if (is(routes[j].path, routes[i].path))
				write_operation(w, &routes[j]);
		json_end(w);
	}
	json_end(w);
}

static void write_problem_response(struct json_writer *w)
{
	json_begin_object(w, "responses");
	json_begin_object(w, "problem");
	json_cstr(w, "description",
		"A problem document (RFC 9457). 401 carries WWW-Authenticate, "
		"429 and 503 may carry Retry-After.");
	json_begin_object(w, "content");
	json_begin_object(w, "application/problem+json");
	json_begin_object(w, "schema");
	write_reference(w, "schemas", SPAN("problem"));
	json_end(w);
	json_end(w);
	json_end(w);
	json_end(w);
	json_begin_object(w, "oauth_error");
	json_cstr(w, "description", "An error of RFC 6749, section 5.2");
	json_begin_object(w, "content");
	json_begin_object(w, "application/json");
	json_begin_object(w, "schema");
	write_reference(w, "schemas", SPAN("oauth_error"));
	json_end(w);
	json_end(w);
	json_end(w);
	json_end(w);
	json_end(w);
}

static void write_components(struct json_writer *w)
{
	json_begin_object(w, "components");
	json_begin_object(w, "schemas");
	for (size_t i = 0; i < schemas_count; i++) {
		json_begin_object(w, schemas[i].name);
		json_cstr(w, "description", schemas[i].help);
		write_object(w, schemas[i].fields, true);
		json_end(w);
	}
	json_end(w);
	write_problem_response(w);
	json_begin_object(w, "securitySchemes");
	json_begin_object(w, "bearer");
	json_cstr(w, "type", "http");
	json_cstr(w, "scheme", "bearer");
	json_cstr(w, "description",
		"An access token (from /api/v1/auth/login) or an API key "
		"(slk_…). Operations with x-device-token also take device "
		"tokens. x-permission names the permission that is needed, x-step-up those "
		"that want a recent proof of who one is, x-scopes what narrows permissions "
		"(to products, to one's own organisation) and is kept to: elsewhere they "
		"count for nothing.");
	json_end(w);
	json_end(w);
	json_end(w);
}

void openapi_write(struct json_writer *w)
{
	json_begin_object(w, NULL);
	json_cstr(w, "openapi", "3.1.0");
	json_begin_object(w, "info");
	json_cstr(w, "title", "Slipway");
	json_cstr(w, "version", SLIPWAY_VERSION);
	json_cstr(w, "description",
		"Hosts installation packages, hands them to those entitled to them, and keeps "
		"their clients up to date. Errors are problem documents; `code` is for programs. "
		"Lists page by `cursor`. Every answer carries X-Request-Id.");
	json_end(w);
	write_paths(w);
	write_components(w);
	json_end(w);
}
