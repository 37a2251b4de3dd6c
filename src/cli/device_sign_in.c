/*
 * The screen of a sign-in by code. What is for the person to see goes to standard error, so that
 * standard output has the result only; the person's terminal stays as it is, so that nothing has to
 * be put back whatever ends the program.
 */
#include "cli/device_sign_in.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/device_code.h"
#include "cli/interrupt.h"
#include "cli/qr_code.h"
#include "cli/view.h"
#include "sys/child.h"
#include "sys/clock.h"

#include "base/banned.h"

#define TICK_US        (120 * TIME_MS)
#define BROWSER_WAIT   (5 * TIME_SECOND)
#define STANDARD_INPUT 0

struct screen {
	struct cli *cli;
	struct device_code *code;
	struct terminal terminal; /* of cli->errors */
	bool may_open;            /* there is a browser here to be opened */
	unsigned frame;
	bool drawn;
};

/* A browser on this machine ---------------------------------------------------------------------
 */

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* A display, and the person sits before it: over SSH the browser is elsewhere. */
static bool can_open(const struct screen *sc)
{
	return sc->terminal.tty && isatty(STANDARD_INPUT) && !sc->cli->json &&
	       (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && !is_set("SSH_CONNECTION") &&
	       !is_set("SSH_TTY") && child_program_exists("xdg-open") &&
	       span_starts_with(span_from(sc->code->uri_complete), SPAN("https://"));
}

/* All of ours but what may be a secret of Slipway. In the arena. */
static const char *const *browser_environment(const struct cli *cli)
{
	size_t count = 0, kept = 0;
	const char **ret;

	while (environ[count])
		count++;
	ret = arena_try_array(cli->arena, count + 1, sizeof(*ret));
	for (size_t i = 0; ret && i < count; i++)
		if (!span_starts_with(span_from(environ[i]), SPAN("SLIPWAY_")))
			ret[kept++] = environ[i];
	if (ret)
		ret[kept] = NULL;
	return ret;
}

/*
 * setsid --fork lets it outlive us. Whether a window comes up nobody can tell: the code and the
 * address stay on the screen.
 */
static void open_browser(struct screen *sc)
{
	const char *const argv[] = {"setsid", "--fork", "xdg-open", sc->code->uri_complete, NULL};
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct child_plan plan = {.argv = argv,
		.environment = browser_environment(sc->cli),
		.stdout_fd = MAX(nowhere, 0),
		.stderr_fd = MAX(nowhere, 0)};
	pid_t pid = 0;
	int status = 0;
	err e = child_start(&plan, &pid);

	if (!e)
		e = child_wait(pid, BROWSER_WAIT, &status);
	if (nowhere >= 0)
		close(nowhere);
	if (e || status)
		cli_note(sc->cli, "no browser can be opened here; open the address yourself");
}

/* What is drawn ---------------------------------------------------------------------------------
 */

static err show_json(const struct screen *sc)
{
	const struct device_code *c = sc->code;

	return view_json_line(
		sc->cli, json_pack("{s:s, s:s, s:s, s:I, s:I}", "user_code", c->user_code,
				 "verification_uri", c->uri, "verification_uri_complete",
				 c->uri_complete, "expires_in", (json_int_t)c->expires_in_s,
				 "interval", (json_int_t)c->interval_s));
}

/*
 * The code stands below the QR code: that is what stays in sight on a low screen. All of it, with
 * the QR code of a usual address, is 23 lines: 24 are what terminals begin with.
 */
static err show(const struct screen *sc)
{
	const struct device_code *c = sc->code;
	FILE *to = sc->cli->errors;
	bool drawn = qr_code_print(to, &sc->terminal, c->uri_complete);
	const char *open = drawn ? "Scan this, or open" : "Open in any browser";
	unsigned label = text_width(span_from(open));
	bool beside = 2 + label + 2 + text_width(span_from(c->uri)) <= sc->terminal.width;
	AUTO(buf) code = {0};

	buf_init(&code, 1 << 12);
	tone_add(&code, sc->terminal.colour, TONE_STRONG);
	buf_add_str(&code, c->user_code);
	tone_add(&code, sc->terminal.colour, TONE_PLAIN);
	fprintf(to, "%s  %s%s%s\n", drawn ? "\n" : "", open, beside ? "  " : "\n    ", c->uri);
	fprintf(to, "  %-*s  %s\n", (int)label, "and type the code", buf_str(&code));
	if (sc->may_open)
		fputs("  Enter opens it in the browser of this machine.\n", to);
	fputs(sc->terminal.redraws ? "\n" : "\nWaiting for your approval …\n", to);
	fflush(to);
	return OK;
}

/* "9:42" */
static void add_clock(struct buf *out, int64_t left_us)
{
	int64_t s = MAX((left_us + TIME_SECOND - 1) / TIME_SECOND, 0);

	buf_addf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

static void draw(struct screen *sc)
{
	static const char *const frames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
	AUTO(buf) line = {0};
	AUTO(buf) cut = {0};

	if (!sc->terminal.redraws || sc->cli->json)
		return;
	terminal_of(sc->cli->errors, &sc->terminal); /* it may have become narrower */
	buf_init(&line, 512);
	buf_init(&cut, 512);
	buf_addf(&line, "%s %s, ", frames[sc->frame++ % ARRAY_LEN(frames)],
		sc->code->away ? "No answer from the server" : "Waiting for your approval");
	add_clock(&line, sc->code->expires_us - clock_monotonic_us());
	buf_add_str(&line, " left (Ctrl-C gives up)");
	text_cut(&cut, buf_span(&line), sc->terminal.width - 1);
	fprintf(sc->cli->errors, "\r%s\033[K", buf_str(&cut));
	fflush(sc->cli->errors);
	sc->drawn = true;
}

static void wipe_line(struct screen *sc)
{
	if (sc->drawn)
		fputs("\r\033[K", sc->cli->errors);
	fflush(sc->cli->errors);
	sc->drawn = false;
}

/* Waiting ---------------------------------------------------------------------------------------
 */

/* Somebody has pressed Enter. False at the end of input: there is nothing to listen to any more. */
static bool on_enter(struct screen *sc)
{
	char line[256];
	ssize_t n = read(STANDARD_INPUT, line, sizeof(line));

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		return false;
	wipe_line(sc);
	if (n > 0 && sc->may_open)
		open_browser(sc);
	return true;
}

static void wait_for_next(struct screen *sc)
{
	struct pollfd input = {
		.fd = isatty(STANDARD_INPUT) ? STANDARD_INPUT : -1, .events = POLLIN};

	while (!interrupt_seen() && clock_monotonic_us() < sc->code->next_us) {
		int64_t left_us = sc->code->next_us - clock_monotonic_us();

		draw(sc);
		if (poll(&input, 1, (int)(MIN(left_us, TICK_US) / TIME_MS) + 1) > 0 &&
			!on_enter(sc))
			input.fd = -1;
	}
}

static err cancelled(struct cli *cli)
{
	return cli_fail(cli, ERR_CANCELLED, "cancelled", "cancelled; nobody is signed in");
}

static err wait_for_tokens(struct screen *sc, json_t **ret)
{
	json_t *tokens = NULL;
	err e = OK;

	while (!e && !tokens) {
		wait_for_next(sc);
		e = interrupt_seen() ? cancelled(sc->cli)
				     : device_code_ask(sc->cli, sc->code, &tokens);
	}
	if (!e && interrupt_seen()) { /* both at the same moment */
		session_give_back(
			sc->cli, json_string_value(json_object_get(tokens, "refresh_token")));
		json_decref(tokens);
		e = cancelled(sc->cli);
	}
	if (!e)
		*ret = tokens;
	return e;
}

err device_sign_in(struct cli *cli, const char *scope, json_t **ret_tokens)
{
	struct device_code code;
	struct screen sc = {.cli = cli, .code = &code};
	err e = device_code_begin(cli, scope, &code);

	if (e)
		return e;
	terminal_of(cli->errors, &sc.terminal);
	sc.may_open = can_open(&sc);
	interrupt_watch();
	e = cli->json ? show_json(&sc) : show(&sc);
	if (!e)
		e = wait_for_tokens(&sc, ret_tokens);
	wipe_line(&sc);
	return e;
}
