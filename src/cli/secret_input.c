/*
 * Passwords: from files or typed, never from the command line, where other users see them.
 */
#include "cli/secret_input.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "sys/files.h"

#include "base/banned.h"

#define SECRET_MAX 1024

/* A line of the terminal, byte by byte: nothing of it is left in a buffer of stdio. */
static err read_line(int fd, struct buf *out)
{
	char c;

	buf_clear(out);
	while (read(fd, &c, 1) == 1) {
		if (c == '\n')
			return buf_error(out);
		buf_add_byte(out, c);
	}
	return ERR_CANCELLED;
}

static err ask(const char *prompt, bool hidden, struct buf *ret)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, silent;
	err e;

	if (fd < 0)
		return ERR_INVALID;
	if (tcgetattr(fd, &before) != 0) {
		close(fd);
		return ERR_INVALID;
	}
	silent = before;
	if (hidden)
		silent.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fd, TCSAFLUSH, &silent); /* at worst it is shown */
	(void)!fd_write_all(fd, span_from(prompt));
	e = read_line(fd, ret);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	if (hidden)
		(void)!fd_write_all(fd, SPAN("\n"));
	close(fd);
	return e;
}

static err from_file(struct cli *cli, const char *path, struct buf *ret)
{
	bool wide = false;
	err e = secret_file_read(path, ret, &wide);

	if (e != OK)
		return cli_fail(cli, e, "file", "%s cannot be read: %s", path, err_title(e));
	if (wide)
		cli_note(cli, "warning: others can read %s; chmod 600 it", path);
	return OK;
}

err secret_input(
	struct cli *cli, const char *option, const char *prompt, bool twice, struct buf *ret)
{
	AUTO(buf) again = {0};
	bool same;
	err e;

	if (option && cli_text(cli, option))
		return from_file(cli, cli_text(cli, option), ret);
	e = ask(prompt, true, ret);
	if (e == ERR_INVALID)
		return option ? cli_fail(cli, e, "usage",
					"--%s FILE is missing, and there is no terminal to ask on",
					option)
			      : cli_fail(cli, e, "usage", "there is no terminal to ask on");
	if (e != OK || !twice)
		return e;
	buf_init(&again, SECRET_MAX);
	e = ask("Again: ", true, &again);
	same = e == OK && ct_equal(buf_span(ret), buf_span(&again));
	buf_wipe(&again);
	if (e == OK && !same)
		return cli_fail(cli, ERR_INVALID, "mismatch", "the two differ");
	return e;
}

err secret_member(struct cli *cli, json_t *body, const char *member, const char *option,
	const char *prompt, bool twice)
{
	AUTO(buf) secret = {0};
	json_t *value;
	err e;

	buf_init(&secret, SECRET_MAX);
	e = secret_input(cli, option, prompt, twice, &secret);
	value = e == OK ? json_stringn(buf_str(&secret), buf_len(&secret)) : NULL;
	buf_wipe(&secret);
	if (e == OK && !value)
		e = cli_fail(cli, ERR_INVALID, member, "the %s is no UTF-8 text", member);
	if (value)
		json_object_set_new(body, member, value);
	return e;
}

err secret_link_member(struct cli *cli, json_t *body, const char *member, const char *option)
{
	err e = secret_member(cli, body, member, option, "The link of the mail: ", false);
	const char *text = json_string_value(json_object_get(body, member));
	const char *code = text ? strrchr(text, '#') : NULL;

	if (code) {
		code = arena_str(cli->arena, span_trim(span_from(code + 1)));
		json_object_set_new(body, member, json_string(code));
	}
	return e;
}

err line_input(const char *prompt, struct buf *ret)
{
	return ask(prompt, false, ret);
}
