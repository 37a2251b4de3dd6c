/*
 * Settings from four layers: default, file, environment, command line; the later wins. Hard rule:
 * nothing is guessed. What is not understood stops the program with the place and the remedy.
 */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/rules.h"
#include "sys/files.h"

#include "base/banned.h"

struct value {
	const char *text;
	int64_t number;
	const char *source; /* NULL until something other than the default sets it */
};

struct conf {
	struct arena *memory; /* owns every text */
	struct value values[CONF_COUNT];
};

/* One load: where the message about a problem goes. */
struct loading {
	struct conf *conf;
	struct arena *answer;
	const char *problem;
};

const char *conf_name(enum setting s)
{
	return setting_table[s].name;
}

static err find_setting(span name, enum setting *ret)
{
	for (enum setting s = 0; s < CONF_COUNT; s++)
		if (span_is(name, setting_table[s].name)) {
			*ret = s;
			return OK;
		}
	return ERR_NOT_FOUND;
}

/* The named setting closest in spelling: same letters up to the shorter's length, for a hint. */
static const char *similar_name(span name)
{
	const char *best = NULL;
	size_t most = 3; /* fewer common letters would be chance */

	for (enum setting s = 0; s < CONF_COUNT; s++) {
		const char *candidate = setting_table[s].name;
		size_t common = 0;

		while (common < name.len && candidate[common] == name.ptr[common] &&
			candidate[common] != '\0')
			common++;
		if (common > most) {
			most = common;
			best = candidate;
		}
	}
	return best;
}

static err unknown_setting(struct loading *l, const char *source, span name)
{
	const char *hint = similar_name(name);

	l->problem = arena_printf(l->answer, "%s: there is no setting \"%.*s\"%s%s%s", source,
		SPAN_ARG(span_sub(name, 0, 100)), hint != NULL ? "; did you mean \"" : "",
		hint != NULL ? hint : "", hint != NULL ? "\"?" : "");
	return ERR_INVALID;
}

static err set_value(struct loading *l, enum setting s, span text, const char *source)
{
	struct value *v = &l->conf->values[s];
	char words[256];
	struct buf expected;
	err e;

	buf_init_fixed(&expected, words, sizeof(words));
	e = setting_check(s, text, &v->number, &expected);
	if (e != OK) {
		/* These URLs may hold a password, so their values are not repeated. */
		bool show = s != CONF_DATABASE && s != CONF_REDIS_URL;
		l->problem = arena_printf(l->answer, "%s: \"%s\" is %.*s, expected %s", source,
			conf_name(s), SPAN_ARG(show ? span_sub(text, 0, 200) : SPAN("not valid")),
			buf_str(&expected));
		return e;
	}
	v->text = arena_str(l->conf->memory, text);
	v->source = arena_strdup(l->conf->memory, source);
	return OK;
}

/* Cuts off a comment: '#' at the start or after white space (a URL may hold one elsewhere). */
static span without_comment(span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.ptr[i] == '#' &&
			(i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
			return span_sub(line, 0, i);
	return line;
}

static err read_line(struct loading *l, span line, const char *source)
{
	span rest = span_trim(without_comment(line)), name;
	enum setting s;

	if (rest.len == 0)
		return OK;
	if (span_find(rest, '=') == rest.len) {
		l->problem = arena_printf(l->answer, "%s: expected `name = value`", source);
		return ERR_INVALID;
	}
	(void)span_cut(&rest, '=', &name);
	name = span_trim(name);
	if (find_setting(name, &s) != OK)
		return unknown_setting(l, source, name);
	if (l->conf->values[s].source != NULL) {
		l->problem = arena_printf(l->answer, "%s: \"%s\" is already set at %s", source,
			conf_name(s), l->conf->values[s].source);
		return ERR_INVALID;
	}
	return set_value(l, s, span_trim(rest), source);
}

static err read_conf_file(struct loading *l, const char *file)
{
	size_t slash = span_rfind(span_from(file), '/');
	const char *name = file[slash] == '/' ? file + slash + 1 : file;
	AUTO(buf) text = {0};
	span rest, line;
	err e;

	buf_init(&text, CONF_FILE_MAX);
	e = file_read(file, &text);
	if (e == ERR_NOT_FOUND)
		return OK;
	if (e != OK) {
		l->problem = arena_printf(l->answer, "%s: cannot be read (%s)", file, err_name(e));
		return e;
	}
	rest = buf_span(&text);
	for (unsigned number = 1; span_cut(&rest, '\n', &line); number++) {
		e = read_line(l, line, arena_printf(l->conf->memory, "%s:%u", name, number));
		if (e != OK)
			return e;
	}
	return OK;
}

/* "login.attempts" is SLIPWAY_LOGIN_ATTEMPTS. */
static const char *environment_name(struct arena *a, enum setting s)
{
	char *name = arena_printf(a, "SLIPWAY_%s", conf_name(s));

	for (char *c = name; *c != '\0'; c++)
		*c = *c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	return name;
}

static err read_environment(struct loading *l)
{
	for (enum setting s = 0; s < CONF_COUNT; s++) {
		const char *name = environment_name(l->conf->memory, s);
		const char *value = getenv(name);
		err e = value != NULL ? set_value(l, s, span_from(value), name) : OK;

		if (e != OK)
			return e;
	}
	return OK;
}

static err read_override(struct loading *l, const char *override)
{
	span rest = span_from(override), name;
	enum setting s;

	if (strchr(override, '=') == NULL) {
		l->problem = arena_printf(
			l->answer, "command line: \"%.100s\": expected name=value", override);
		return ERR_INVALID;
	}
	(void)span_cut(&rest, '=', &name);
	if (find_setting(name, &s) != OK)
		return unknown_setting(l, "command line", name);
	return set_value(l, s, rest, "command line");
}

static err check_pairs(struct loading *l)
{
	const struct value *v = l->conf->values;
	bool certificate = v[CONF_TLS_CERTIFICATE].text[0] != '\0';
	bool key = v[CONF_TLS_KEY].text[0] != '\0';

	if (certificate == key)
		return OK;
	l->problem = arena_printf(l->answer, "%s: \"%s\" is set but \"%s\" is not",
		v[certificate ? CONF_TLS_CERTIFICATE : CONF_TLS_KEY].source,
		conf_name(certificate ? CONF_TLS_CERTIFICATE : CONF_TLS_KEY),
		conf_name(certificate ? CONF_TLS_KEY : CONF_TLS_CERTIFICATE));
	return ERR_INVALID;
}

static err read_layers(
	struct loading *l, const char *file, const char *const *overrides, size_t count)
{
	err e = OK;

	for (enum setting s = 0; s < CONF_COUNT && e == OK; s++) {
		e = set_value(l, s, span_from(setting_table[s].value), "default");
		l->conf->values[s].source = NULL;
	}
	if (e == OK && file != NULL)
		e = read_conf_file(l, file);
	if (e == OK)
		e = read_environment(l);
	for (size_t i = 0; i < count && e == OK; i++)
		e = read_override(l, overrides[i]);
	return e == OK ? check_pairs(l) : e;
}

err conf_load(struct arena *a, const char *file, const char *const *overrides, size_t count,
	struct conf **ret, const char **ret_problem)
{
	struct arena *memory = arena_new();
	struct loading l = {.conf = arena_alloc(memory, sizeof(struct conf)), .answer = a};
	err e;

	l.conf->memory = memory;
	e = read_layers(&l, file, overrides, count);
	if (e != OK) {
		conf_free(l.conf);
		*ret_problem = l.problem;
		return e;
	}
	*ret = l.conf;
	return OK;
}

void conf_free(struct conf *c)
{
	if (c != NULL)
		arena_free(c->memory); /* c itself lives there */
}

const char *conf_str(const struct conf *c, enum setting s)
{
	return c->values[s].text;
}

bool conf_bool(const struct conf *c, enum setting s)
{
	return c->values[s].number != 0;
}

int64_t conf_int(const struct conf *c, enum setting s)
{
	return c->values[s].number;
}

const char *conf_source(const struct conf *c, enum setting s)
{
	return c->values[s].source != NULL ? c->values[s].source : "default";
}

void conf_write_reference(struct buf *out)
{
	static const char *const types[] = {[STRING] = "text",
		[BOOL] = "flag",
		[INT] = "number",
		[SIZE] = "size",
		[DURATION] = "duration"};

	buf_add_str(
		out, "| Setting | Type | Default | Expected | Meaning |\n|---|---|---|---|---|\n");
	for (enum setting s = 0; s < CONF_COUNT; s++) {
		const struct setting_row *row = &setting_table[s];

		buf_addf(out, "| `%s` | %s | %s%s%s | ", row->name, types[row->type],
			row->value[0] != '\0' ? "`" : "", row->value,
			row->value[0] != '\0' ? "`" : "");
		setting_expected(s, out);
		buf_addf(out, " | %s |\n", row->help);
	}
}

void conf_write_template(struct buf *out)
{
	buf_add_str(out,
		"# Settings of Slipway. Lines `name = value`; commented out: the default.\n"
		"# `slipway serve` must be restarted (or get SIGHUP where that suffices).\n");
	for (enum setting s = 0; s < CONF_COUNT; s++) {
		const struct setting_row *row = &setting_table[s];

		buf_addf(out, "\n# %s\n#%s = %s\n", row->help, row->name, row->value);
	}
}
