/*
 * One run of a program: from the command line to the exit code. Failures are printed here and
 * nowhere else.
 */
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/program.h"
#include "sys/clock.h"

#include "base/banned.h"

const char *cli_text(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->values_count_; i++)
		if (!strcmp(cli->values_[i].option->name, name))
			return cli->values_[i].text;
	return NULL;
}

const char *const *cli_texts(struct cli *cli, const char *name, size_t *ret_count)
{
	const char **texts = arena_try_array(cli->arena, cli->values_count_ + 1, sizeof(*texts));
	size_t count = 0;

	if (!texts)
		abort(); /* at most CLI_MAX_VALUES pointers: memory is out */
	for (size_t i = 0; i < cli->values_count_; i++)
		if (!strcmp(cli->values_[i].option->name, name))
			texts[count++] = cli->values_[i].text;
	*ret_count = count;
	return texts;
}

bool cli_flag(const struct cli *cli, const char *name)
{
	return cli_text(cli, name) != NULL;
}

uint64_t cli_count(const struct cli *cli, const char *name, uint64_t absent)
{
	const char *text = cli_text(cli, name);
	uint64_t number;

	if (!text || span_to_u64(span_from(text), INT64_MAX, &number) != OK)
		return absent;
	return number;
}

err cli_fail(struct cli *cli, err e, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	cli->detail = arena_vprintf(cli->arena, format, args);
	va_end(args);
	cli->code = code;
	cli->error = e;
	return e;
}

void cli_forgive(struct cli *cli)
{
	cli->detail = NULL;
	cli->code = NULL;
	cli->hint = NULL;
	cli->request_id = NULL;
	cli->error = OK;
}

void cli_hint(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	cli->hint = arena_vprintf(cli->arena, format, args);
	va_end(args);
}

void cli_hint_certificate(struct cli *cli, span why, const char *ca_file)
{
	if (span_contains(why, SPAN("expired")) || span_contains(why, SPAN("not yet valid")))
		cli_hint(cli, "is this machine's clock right? Else the server needs a new "
			      "certificate");
	else if (span_contains(why, SPAN("certificate file")))
		cli_hint(cli, "%s is no PEM file with certificates", ca_file ? ca_file : "it");
	else if (ca_file)
		cli_hint(cli, "%s is not the authority that signed it", ca_file);
	else
		cli_hint(cli, "name the authority that signed it with --ca FILE or SLIPWAY_CA; a "
			      "new server's is DATA/tls/ca.pem");
}

void cli_note(struct cli *cli, const char *format, ...)
{
	AUTO(buf) text = {0};
	AUTO(buf) shown = {0};
	va_list args;

	buf_init(&text, 1 << 16);
	buf_init(&shown, 1 << 18);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	text_clean_lines(&shown, buf_span(&text));
	fprintf(cli->errors, "%s: %s\n", cli->program->name, buf_str(&shown));
}

bool cli_is_unwatched(const struct cli *cli)
{
	struct terminal terminal;

	terminal_of(cli->errors, &terminal);
	return cli->json && !terminal.tty;
}

static void print_failure_json(const struct cli *cli, err e, struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out);
	json_begin_object(&w, NULL);
	json_cstr(&w, "error", err_name(e));
	json_cstr(&w, "code", cli->code ? cli->code : err_name(e));
	json_cstr(&w, "detail", cli->detail ? cli->detail : err_title(e));
	if (cli->hint)
		json_cstr(&w, "hint", cli->hint);
	if (cli->request_id)
		json_cstr(&w, "request_id", cli->request_id);
	json_i64(&w, "exit_code", err_exit_code(e));
	json_end(&w);
	buf_add_byte(out, '\n');
}

/* Words for people: broken at spaces where a terminal would break them anywhere. */
static void add_words(
	struct buf *out, const char *text, unsigned indent, const struct terminal *terminal)
{
	AUTO(buf) clean = {0};
	AUTO(buf) wrapped = {0};

	buf_init(&clean, 1 << 18);
	buf_init(&wrapped, 1 << 18);
	text_clean_lines(&clean, span_from(text));
	if (!terminal->tty) {
		buf_add(out, buf_span(&clean));
		buf_add_byte(out, '\n');
		return;
	}
	text_wrap(&wrapped, buf_span(&clean), indent, terminal->width);
	buf_add(out, span_from_offset(buf_span(&wrapped), indent));
}

static void print_failure(const struct cli *cli, err e)
{
	AUTO(buf) out = {0};
	struct terminal terminal;

	buf_init(&out, 1 << 18);
	if (cli->json) {
		print_failure_json(cli, e, &out);
	} else {
		terminal_of(cli->errors, &terminal);
		tone_add(&out, terminal.colour, TONE_BAD);
		buf_addf(&out, "%s:", cli->program->name);
		tone_add(&out, terminal.colour, TONE_PLAIN);
		buf_add_byte(&out, ' ');
		add_words(&out, cli->detail ? cli->detail : err_title(e),
			(unsigned)strlen(cli->program->name) + 2, &terminal);
		if (cli->hint) {
			buf_add_str(&out, "  ");
			add_words(&out, cli->hint, 2, &terminal);
		}
		if (cli->request_id) {
			buf_add_str(&out, "  request id: ");
			text_clean(&out, span_from(cli->request_id));
			buf_add_byte(&out, '\n');
		}
	}
	fputs(buf_str(&out), cli->errors);
}

/* `slipway __complete …`, which no table lists. */
static int answer_completion(struct cli *cli, int argc, char **argv)
{
	AUTO(buf) out = {0};

	buf_init(&out, 1 << 18);
	cli->hurried = true;
	completion_list(cli, (const char *const *)argv + 2, (size_t)argc - 2, &out);
	fputs(buf_str(&out), stdout);
	return 0;
}

static err run_parsed(struct cli *cli, const struct parsed *parsed)
{
	AUTO(buf) text = {0};

	switch (parsed->what) {
	case PARSED_HELP:
		buf_init(&text, 1 << 20);
		help_write(cli->program, parsed->topic, cli->terminal.width, &text);
		fputs(buf_str(&text), cli->out);
		return buf_error(&text);
	case PARSED_VERSION:
		fprintf(cli->out, "%s %s\n", cli->program->name, SLIPWAY_VERSION);
		return OK;
	case PARSED_COMMAND:
		break;
	}
	return cli->command->run(cli);
}

/* The reader has had enough (`slipway … | head`): not worth a word. Ends as other programs do. */
static void end_if_unread(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (poll(&out, 1, 0) != 1 || !(out.revents & POLLERR))
		return;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)raise(SIGPIPE);
}

/* What was printed must have arrived: a full disk behind `> file` is a failure. */
static err flush(struct cli *cli)
{
	err e;

	if (fflush(cli->out) == 0 && !ferror(cli->out))
		return OK;
	e = cli_fail(cli, err_from_errno(errno), "output", "standard output: %s", strerror(errno));
	end_if_unread();
	return e;
}

int cli_run(const struct program *program, int argc, char **argv, void *data)
{
	AUTO_PTR(arena) arena = arena_new();
	struct parsed parsed = {PARSED_COMMAND, ""};
	struct cli cli = {.program = program,
		.arena = arena,
		.out = stdout,
		.errors = stderr,
		.now_us = clock_wall_us(),
		.data = data};
	err e;

	(void)signal(SIGPIPE, SIG_IGN); /* sockets too have pipes that break; see flush() */
	terminal_of(stdout, &cli.terminal);
	cli.values_ = arena_try_array(arena, CLI_MAX_VALUES, sizeof(*cli.values_));
	if (!cli.values_)
		abort();
	if (argc > 2 && !strcmp(argv[1], COMPLETION_WORD))
		return answer_completion(&cli, argc, argv);
	e = program_parse(&cli, argc, argv, &parsed);
	if (e == OK)
		e = run_parsed(&cli, &parsed);
	if (e == OK)
		e = flush(&cli);
	else
		(void)fflush(cli.out);
	if (e != OK)
		print_failure(&cli, e);
	return err_exit_code(e);
}
