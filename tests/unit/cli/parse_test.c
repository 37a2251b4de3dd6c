#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

static const struct option globals[] = {
	{"server", "URL", VALUE_TEXT, 0, "the server", .env = "CLI_TEST_SERVER"},
	{"json", NULL, VALUE_FLAG, 0, "JSON"},
	{0},
};

static const struct option create_arguments[] = {
	{"name", "NAME", VALUE_TEXT, OPTION_REQUIRED, "the name"},
	{0},
};

static const struct option create_options[] = {
	{"channel", "CHANNEL", VALUE_TEXT, OPTION_MANY, "channels", .choices = "stable beta dev"},
	{"seats", "N", VALUE_COUNT, 0, "devices"},
	{"until", "TIME", VALUE_TIME, 0, "end"},
	{"notes", "FILE", VALUE_FILE, 0, "notes"},
	{"draft", NULL, VALUE_FLAG, 0, "keep it"},
	{0},
};

static const struct option file_arguments[] = {
	{"file", "FILE", VALUE_PATH, OPTION_REQUIRED | OPTION_MANY, "files"},
	{0},
};

static const struct option file_options[] = {
	{"product", "P", VALUE_TEXT, OPTION_REQUIRED, "the product"},
	{0},
};

static err never(struct cli *cli UNUSED)
{
	return ERR_BUG;
}

static const struct command rows[] = {
	{.path = "product create",
		.summary = "create a product",
		.arguments = create_arguments,
		.options = create_options,
		.run = never},
	{.path = "product list", .summary = "list products", .run = never},
	{.path = "publish",
		.summary = "publish files",
		.arguments = file_arguments,
		.options = file_options,
		.run = never},
	{.path = "secret", .summary = "not shown", .run = never, .hidden = true},
};

static const struct command_table table = {rows, ARRAY_LEN(rows)};
static const struct command_table *const tables[] = {&table};
static const struct program program = {"prog", "does things", "About.", globals, tables, 1};

struct run {
	struct cli cli;
	struct parsed parsed;
	struct arena *arena;
	err e;
};

/* Parses the words of line, which are separated by one space. */
static void parse(struct run *r, const char *line)
{
	static struct cli_value values[CLI_MAX_VALUES];
	char *argv[32];
	int argc = 1;
	span rest = span_from(line), word;

	*r = (struct run){.arena = arena_new()};
	r->cli = (struct cli){.program = &program,
		.arena = r->arena,
		.values_ = values,
		.out = stdout,
		.errors = stderr,
		.now_us = INT64_C(1767225600000000)};
	argv[0] = arena_strdup(r->arena, "prog");
	while (*line && span_cut(&rest, ' ', &word))
		argv[argc++] = arena_str(r->arena, word);
	r->e = program_parse(&r->cli, argc, argv, &r->parsed);
}

static void refusals(void **state UNUSED)
{
	static const struct {
		const char *line, *detail, *hint;
	} cases[] = {
		{"", "no command given", "prog --help"},
		{"product", "\"product\" is a group of commands", "prog product --help"},
		{"prodcut list", "\"prodcut\" is no command", "did you mean \"prog product\"?"},
		{"product lst", "\"lst\" is no command of prog product", "\"prog product list\"?"},
		{"publsih", "\"publsih\" is no command", "did you mean \"prog publish\"?"},
		{"xyzzy", "\"xyzzy\" is no command", "prog --help"},
		{"product create", "NAME is missing: the name", "--help"},
		{"product create a b", "unexpected argument \"b\"", "--help"},
		{"product create a --chanel beta", "unknown option --chanel",
			"did you mean --channel?"},
		{"--channel beta product create a", "stand after its name", "--help"},
		{"product create a --channel", "--channel needs a value: CHANNEL", "--help"},
		{"product create a --channel betta", "is none of: stable beta dev",
			"mean \"beta\"?"},
		{"product create a --seats -1", "\"-1\" is no whole number", "--help"},
		{"product create a --seats 1 --seats 2", "--seats is given twice", "--help"},
		{"product create a --until tomorrow", "is no time", "--help"},
		{"product create a --notes /nonexistent/n", "No such file", "--help"},
		{"product create a --draft=yes", "--draft takes no value", "--help"},
		{"product create --server= a", "--server: the value is empty", "--help"},
		{"product create -x a", "unknown option -x", "--help"},
		{"publish --product p", "FILE is missing", "--help"},
		{"publish f", "--product P is missing: the product", "--help"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		parse(&r, cases[i].line);
		assert_row(r.e == ERR_INVALID, cases[i].line);
		assert_row(strstr(r.cli.detail, cases[i].detail), r.cli.detail);
		assert_row(strstr(r.cli.hint, cases[i].hint), r.cli.hint);
		assert_string_equal(r.cli.code, "usage");
		arena_free(r.arena);
	}
}

static void values(void **state UNUSED)
{
	struct run r;
	size_t count;
	const char *const *channels;

	parse(&r, "--server=https://a product --json create --channel stable x --channel=beta "
		  "--seats 3 --until 30d --draft");
	assert_ok(r.e);
	assert_string_equal(r.cli.command->path, "product create");
	assert_string_equal(cli_text(&r.cli, "name"), "x");
	assert_string_equal(cli_text(&r.cli, "server"), "https://a");
	channels = cli_texts(&r.cli, "channel", &count);
	assert_int_equal(count, 2);
	assert_string_equal(channels[1], "beta");
	assert_int_equal(cli_count(&r.cli, "seats", 0), 3);
	assert_string_equal(cli_text(&r.cli, "until"), "2026-01-31T00:00:00Z");
	assert_true(cli_flag(&r.cli, "draft"));
	assert_true(r.cli.json);
	assert_null(cli_text(&r.cli, "notes"));
	assert_int_equal(cli_count(&r.cli, "notes", 7), 7);
	arena_free(r.arena);
	parse(&r, "publish --product p -- --a b");
	assert_ok(r.e);
	channels = cli_texts(&r.cli, "file", &count);
	assert_int_equal(count, 2);
	assert_string_equal(channels[0], "--a");
	assert_false(r.cli.json);
	arena_free(r.arena);
}

static void environment(void **state UNUSED)
{
	struct run r;

	assert_int_equal(setenv("CLI_TEST_SERVER", "https://env", 1), 0);
	parse(&r, "product list");
	assert_ok(r.e);
	assert_string_equal(cli_text(&r.cli, "server"), "https://env");
	arena_free(r.arena);
	parse(&r, "product list --server https://line");
	assert_ok(r.e);
	assert_string_equal(cli_text(&r.cli, "server"), "https://line");
	arena_free(r.arena);
	assert_int_equal(unsetenv("CLI_TEST_SERVER"), 0);
}

static void help_topics(void **state UNUSED)
{
	static const struct {
		const char *line, *topic;
	} cases[] = {
		{"--help", ""},
		{"help", ""},
		{"-h product", "product"},
		{"product --help", "product"},
		{"help product create", "product create"},
		{"product create --help --nonsense", "product create"},
		{"product create --channel beta -h", "product create"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		parse(&r, cases[i].line);
		assert_row(r.e == OK && r.parsed.what == PARSED_HELP, cases[i].line);
		assert_string_equal(r.parsed.topic, cases[i].topic);
		arena_free(r.arena);
	}
}

static void complete(const char *line, struct buf *out)
{
	const char *words[16];
	AUTO_PTR(arena) a = arena_new();
	size_t count = 0;
	span rest = span_from(line), word;

	while (span_cut(&rest, ' ', &word))
		words[count++] = arena_str(a, word);
	struct cli cli = {.program = &program, .arena = a};

	cli.values_ = arena_alloc(a, 16 * sizeof(*cli.values_));
	completion_list(&cli, words, count, out);
}

static void completion(void **state UNUSED)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{"", "product\ta group of commands\npublish\tpublish files\n"},
		{"pub", "publish\tpublish files\n"},
		{"sec", ""},
		{"product ", "create\tcreate a product\nlist\tlist products\n"},
		{"product create --ch", "--channel\tchannels\n"},
		{"product create x --channel b", "beta\tchannels\n"},
		{"--server u product l", "list\tlist products\n"},
		{"product create --notes ", ":files\n"},
		{"publish ", ":files\n--product\tthe product\n"},
		{"product list --se", "--server\tthe server\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf) out = {0};

		buf_init(&out, 1 << 16);
		complete(cases[i].line, &out);
		if (!span_is(buf_span(&out), cases[i].want))
			print_error("got: %s\n", buf_str(&out));
		assert_row(span_is(buf_span(&out), cases[i].want), cases[i].line);
	}
}

static void help_fits(void **state UNUSED)
{
	static const char *const topics[] = {
		"", "product", "product create", "product list", "publish"};

	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		AUTO(buf) out = {0};
		span rest, line;

		buf_init(&out, 1 << 16);
		help_write(&program, topics[i], 60, &out);
		assert_ok(buf_error(&out));
		assert_null(strstr(buf_str(&out), "not shown"));
		rest = buf_span(&out);
		while (span_cut(&rest, '\n', &line))
			assert_row(text_width(line) <= 60, topics[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals),
		cmocka_unit_test(values),
		cmocka_unit_test(environment),
		cmocka_unit_test(help_topics),
		cmocka_unit_test(completion),
		cmocka_unit_test(help_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
