/*
 * Dispatch by method and path template. Hard rule: the path is split first and decoded afterwards,
 * exactly once, so that an encoded slash never makes a segment of its own.
 */
#include "api/router.h"

#include "api/schemas.h"
#include "policy/policy.h"
#include "token/token.h"

#include "base/banned.h"

/* Compares one template with a path; gives the parameters and the literal characters it has. */
static bool template_fits(
	span template, span path, span params[ROUTE_PARAMS_MAX], size_t *ret_literal)
{
	span want, got;
	size_t literal = 0, count = 0;

	while (span_cut(&template, '/', &want)) {
		if (!span_cut(&path, '/', &got))
			return false;
		if (span_starts_with(want, SPAN("{"))) {
			if (got.len == 0 || count == ROUTE_PARAMS_MAX)
				return false;
			params[count++] = got;
		} else if (!span_eq(want, got)) {
			return false;
		} else {
			literal += want.len;
		}
	}
	if (path.ptr)
		return false;
	*ret_literal = literal;
	return true;
}

static bool method_fits(const struct route *r, span method)
{
	return span_is(method, r->method);
}

static const struct route *find_method(span method, span path, struct route_match *m)
{
	const struct route *best = NULL;
	size_t best_literal = 0, literal;
	span params[ROUTE_PARAMS_MAX] = {0};

	for (size_t i = 0; i < routes_count; i++) {
		if (!template_fits(span_from(routes[i].path), path, params, &literal))
			continue;
		m->path_known = true;
		if (!method_fits(&routes[i], method) || (best && literal <= best_literal))
			continue;
		best = &routes[i];
		best_literal = literal;
		for (size_t p = 0; p < ROUTE_PARAMS_MAX; p++)
			m->params[p] = params[p];
	}
	return best;
}

void router_find(span method, span path, struct route_match *ret)
{
	*ret = (struct route_match){0};
	ret->route = find_method(method, path, ret);
	if (!ret->route && span_is(method, "HEAD"))
		ret->route = find_method(SPAN("GET"), path, ret);
}

void router_allow(span path, struct buf *out)
{
	static const char *const methods[] = {
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	struct route_match m;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		router_find(span_from(methods[i]), path, &m);
		if (m.route || (m.path_known && span_is(SPAN("OPTIONS"), methods[i])))
			buf_addf(out, "%s%s", buf_len(out) ? ", " : "", methods[i]);
	}
}

/* Checking the table -------------------------------------------------------------------------- */

struct check {
	struct buf *out;
	const struct route *route;
	bool failed;
};

static void PRINTF_LIKE(2, 3) problem(struct check *c, const char *format, ...)
{
	va_list args;

	buf_addf(c->out, "%s %s: ", c->route->method ? c->route->method : "?",
		c->route->path ? c->route->path : "?");
	va_start(args, format);
	buf_vaddf(c->out, format, args);
	va_end(args);
	buf_add_byte(c->out, '\n');
	c->failed = true;
}

static void check_field(struct check *c, const struct field *f)
{
	bool bounded = f->type == FIELD_BOOL || f->type == FIELD_TIME || f->type == FIELD_OBJECT ||
		       f->most > f->least || (f->type == FIELD_STRING && f->choices);

	if (!bounded)
		problem(c, "member '%s' has no upper limit", f->name);
	if (f->type == FIELD_JSON)
		problem(c, "member '%s' of a request cannot be just any JSON", f->name);
	if (!f->help)
		problem(c, "member '%s' has no help", f->name);
	if ((f->type == FIELD_OBJECT || f->type == FIELD_OBJECTS) != (f->fields != NULL))
		problem(c, "member '%s': fields belong to objects", f->name);
}

/* Objects may nest once: a member of a member of a body. */
static void check_fields(struct check *c, const struct field *fields, bool query)
{
	for (const struct field *f = fields; f && f->type != FIELD_END; f++) {
		check_field(c, f);
		if (query && f->type >= FIELD_STRINGS)
			problem(c, "parameter '%s' cannot be an array or object", f->name);
		for (const struct field *g = f->fields; g && g->type != FIELD_END; g++) {
			check_field(c, g);
			if (g->fields)
				problem(c, "member '%s.%s' nests too deep", f->name, g->name);
		}
	}
}

static bool permission_is_known(const char *p)
{
	return span_is(span_from(p), ALLOW_ANYONE) || span_is(span_from(p), ALLOW_SIGNED_IN) ||
	       span_is(span_from(p), ALLOW_INTERNAL) || permission_exists(span_from(p));
}

static bool method_is_known(const char *m)
{
	return m && token_list_has(SPAN("GET HEAD POST PUT PATCH DELETE OPTIONS"), span_from(m));
}

static void check_route(struct check *c)
{
	const struct route *r = c->route;

	if (!method_is_known(r->method))
		problem(c, "unknown method");
	if (!r->permission || !permission_is_known(r->permission))
		problem(c, "no known permission: nobody could be let in");
	if (!r->handler == !r->sink)
		problem(c, "needs a handler or a sink, not both");
	if (r->sink && r->body)
		problem(c, "a sink takes the body raw");
	if (r->body && r->method && span_is(span_from(r->method), "GET"))
		problem(c, "GET has no body");
	if (r->form && !r->body)
		problem(c, "a form has parameters");
	for (const struct field *f = r->form ? r->body : NULL; f && f->type != FIELD_END; f++)
		if (f->type != FIELD_STRING)
			problem(c, "parameter '%s' of a form must be a string", f->name);
	if (r->status != 200 && r->status != 201 && r->status != 202 && r->status != 204 &&
		r->status != 303)
		problem(c, "status %d is no success", r->status);
	if (!r->summary || !*r->summary)
		problem(c, "no summary");
	if (r->answer && !schema_exists(span_from(r->answer)))
		problem(c, "no schema '%s'", r->answer);
	if (!r->answer && r->status == 200 && r->method && !span_is(span_from(r->method), "HEAD"))
		problem(c, "200 needs an answer");
	check_fields(c, r->query, true);
	check_fields(c, r->body, false);
}

err route_table_check(const struct route *table, size_t count, struct buf *problems)
{
	struct check c = {.out = problems};

	for (size_t i = 0; i < count; i++) {
		c.route = &table[i];
		if (!table[i].path || table[i].path[0] != '/') {
			problem(&c, "no path");
			continue;
		}
		check_route(&c);
		for (size_t j = 0; j < i; j++)
			if (table[j].path && span_is(span_from(table[j].path), table[i].path) &&
				table[i].method && table[j].method &&
				span_is(span_from(table[j].method), table[i].method))
				problem(&c, "stands twice");
	}
	return c.failed ? ERR_INVALID : OK;
}
