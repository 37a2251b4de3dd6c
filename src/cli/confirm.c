/* Asking before what cannot be undone. Anything but yes is no. */
#include "cli/confirm.h"

#include <unistd.h>

#include "cli/secret_input.h"

#include "base/banned.h"

bool command_will_ask(const struct cli *cli)
{
	return !cli_flag(cli, "yes") && isatty(STDIN_FILENO);
}

err command_confirm(struct cli *cli, const char *question)
{
	AUTO(buf) prompt = {0};
	AUTO(buf) answer = {0};
	err e;

	if (cli_flag(cli, "yes"))
		return OK;
	if (!isatty(STDIN_FILENO))
		return cli_fail(cli, ERR_INVALID, "usage",
			"this cannot be undone, and there is no terminal to ask on: add --yes");
	buf_init(&prompt, 4096);
	buf_init(&answer, 256);
	text_clean(&prompt, span_from(question));
	buf_add_str(&prompt, " Type yes: ");
	fflush(cli->out);
	e = line_input(buf_str(&prompt), &answer);
	if (e == OK && span_is(span_trim(buf_span(&answer)), "yes"))
		return OK;
	return cli_fail(cli, ERR_CANCELLED, "cancelled", "nothing was done");
}
