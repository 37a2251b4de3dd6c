/*
 * What the command line says, as requests.
 */
#include "cli/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

#include "base/banned.h"

#define URL_MAX  8000
#define FORM_MAX 32768 /* has room for a token of a CI provider */
#define PAGE     200
#define LIMIT    50

const char *request_path(struct cli *cli, const char *pattern)
{
	AUTO(buf) out = {0};
	span rest = span_from(pattern);

	buf_init(&out, URL_MAX);
	while (rest.len > 0) {
		size_t open = span_find(rest, '{'), close = span_find(rest, '}');
		char *name;

		buf_add(&out, span_sub(rest, 0, open));
		if (open == rest.len)
			break;
		name = arena_str(cli->arena, span_sub(rest, open + 1, close - open - 1));
		percent_encode(&out, span_from(cli_text(cli, name)));
		rest = span_from_offset(rest, close + 1);
	}
	return arena_str(cli->arena, buf_span(&out));
}

const char *request_under(struct cli *cli, const char *path, const char *id)
{
	AUTO(buf) out = {0};

	buf_init(&out, URL_MAX);
	buf_addf(&out, "%s/", path);
	percent_encode(&out, span_from(id));
	return arena_str(cli->arena, buf_span(&out));
}

const char *request_form(struct cli *cli, const char *const (*pairs)[2], size_t count)
{
	AUTO(buf) out = {0};
	const char *text;

	buf_init(&out, FORM_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!pairs[i][1])
			continue;
		buf_addf(&out, "%s%s=", buf_len(&out) ? "&" : "", pairs[i][0]);
		percent_encode(&out, span_from(pairs[i][1]));
	}
	text = arena_str(cli->arena, buf_span(&out));
	buf_wipe(&out);
	return text;
}

static json_t *json_of(const struct cli_value *v)
{
	uint64_t number;

	switch (v->option->kind) {
	case VALUE_FLAG:
		return json_true();
	case VALUE_COUNT: /* checked when the command line was read */
		if (span_to_u64(span_from(v->text), INT64_MAX, &number) != OK)
			return NULL;
		return json_integer((json_int_t)number);
	default:
		return json_string(v->text);
	}
}

json_t *request_body(struct cli *cli)
{
	json_t *body = json_object();

	for (size_t i = 0; i < cli->values_count_; i++) {
		const struct cli_value *v = &cli->values_[i];
		json_t *value = v->option->member ? json_of(v) : NULL, *list;

		if (!value)
			continue;
		if (!(v->option->flags & OPTION_MANY)) {
			json_object_set_new(body, v->option->member, value);
			continue;
		}
		list = json_object_get(body, v->option->member);
		if (!list) {
			list = json_array();
			json_object_set_new(body, v->option->member, list);
		}
		json_array_append_new(list, value);
	}
	return body;
}

const char *request_query(struct cli *cli, const char *path)
{
	AUTO(buf) out = {0};

	buf_init(&out, URL_MAX);
	buf_add_str(&out, path);
	for (size_t i = 0; i < cli->values_count_; i++) {
		const struct cli_value *v = &cli->values_[i];

		if (!v->option->member)
			continue;
		buf_add_byte(&out, span_contains(buf_span(&out), SPAN("?")) ? '&' : '?');
		buf_addf(&out, "%s=", v->option->member);
		percent_encode(&out, span_from(v->option->kind == VALUE_FLAG ? "true" : v->text));
	}
	return arena_str(cli->arena, buf_span(&out));
}

/* One page; its items are appended to `items`. *ret_cursor is NULL after the last. */
static err fetch_page(
	struct cli *cli, const char *path, uint64_t limit, json_t *items, const char **cursor)
{
	AUTO(buf) url = {0};
	json_t *page;
	err e;

	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s%climit=%llu", path, strchr(path, '?') ? '&' : '?',
		(unsigned long long)limit);
	if (*cursor) {
		buf_add_str(&url, "&cursor=");
		percent_encode(&url, span_from(*cursor));
	}
	e = session_call(cli, "GET", buf_str(&url), NULL, &page);
	if (e != OK)
		return e;
	*cursor = NULL;
	if (json_array_extend(items, json_object_get(page, "items")) != 0)
		e = cli_fail(cli, ERR_CORRUPT, "answer", "the server's answer is no list");
	else if (json_is_string(json_object_get(page, "next_cursor")))
		*cursor = arena_strdup(
			cli->arena, json_string_value(json_object_get(page, "next_cursor")));
	json_decref(page);
	return e;
}

/* Page by page, up to limit items. *ret_cursor: NULL when that was all. */
static err fetch(
	struct cli *cli, const char *path, uint64_t limit, json_t **ret, const char **ret_cursor)
{
	json_t *items = json_array();
	const char *cursor = NULL;
	err e;

	do {
		uint64_t missing = limit - json_array_size(items);

		e = fetch_page(cli, path, MIN(missing, PAGE), items, &cursor);
	} while (e == OK && cursor && json_array_size(items) < limit);
	if (e != OK) {
		json_decref(items);
		return e;
	}
	*ret = items;
	*ret_cursor = cursor;
	return OK;
}

err request_all(struct cli *cli, const char *path, json_t **ret)
{
	const char *cursor;

	return fetch(cli, path, UINT64_MAX, ret, &cursor);
}

err request_list(struct cli *cli, const char *path, json_t **ret)
{
	uint64_t limit = cli_count(cli, "limit", LIMIT);
	json_t *items = NULL, *list;
	const char *cursor = NULL;
	err e = fetch(cli, path, limit ? limit : UINT64_MAX, &items, &cursor);

	if (e != OK)
		return e;
	list = json_object();
	json_object_set_new(list, "items", items);
	json_object_set_new(list, "next_cursor", cursor ? json_string(cursor) : json_null());
	*ret = list;
	return OK;
}

err command_answer(struct cli *cli, json_t *value)
{
	err e = !value ? OK : cli->json ? view_json(cli, value) : view_object(cli, value);

	json_decref(value);
	return e;
}

err command_create(struct cli *cli, const char *pattern, const char *alias)
{
	json_t *body = request_body(cli), *answer;
	err e = session_call(cli, "POST", request_path(cli, pattern), body, &answer);

	json_decref(body);
	if (e != OK)
		return e;
	if (alias && cli->json)
		json_object_set(answer, alias, json_object_get(answer, "id"));
	return command_answer(cli, answer);
}

err command_show(struct cli *cli, const char *pattern)
{
	json_t *answer;
	err e = session_call(
		cli, "GET", request_query(cli, request_path(cli, pattern)), NULL, &answer);

	return e == OK ? command_answer(cli, answer) : e;
}

err command_list(struct cli *cli, const char *pattern, const struct view *views, size_t count,
	const char *none)
{
	json_t *list;
	err e = request_list(cli, request_query(cli, request_path(cli, pattern)), &list);

	if (e != OK)
		return e;
	return command_show_list(cli, list, views, count, none);
}

err command_show_list(
	struct cli *cli, json_t *list, const struct view *views, size_t count, const char *none)
{
	err e;

	if (cli->json)
		return command_answer(cli, list);
	e = view_table(cli, json_object_get(list, "items"), views, count, none);
	if (e == OK && json_is_string(json_object_get(list, "next_cursor")))
		fprintf(cli->out, "… and more: --limit %llu\n",
			(unsigned long long)cli_count(cli, "limit", LIMIT) * 4);
	json_decref(list);
	return e;
}

err command_act(struct cli *cli, const char *method, const char *pattern, const char *done)
{
	json_t *body = request_body(cli), *answer;
	err e = session_call(cli, method, request_path(cli, pattern),
		json_object_size(body) ? body : NULL, &answer);

	json_decref(body);
	if (e != OK)
		return e;
	if (!answer && !cli->json)
		fprintf(cli->out, "%s\n", done);
	return command_answer(cli, answer);
}
