#ifndef SLIPWAY_CLI_SECRET_INPUT_H
#define SLIPWAY_CLI_SECRET_INPUT_H

#include <jansson.h>

#include "cli/cli.h"

/*
 * A secret: from the file of option `option` (NULL: there is none) if that is given, else asked for
 * on the terminal without showing it (`prompt`, twice when `twice`). ret is to be wiped. Fails with
 * words when there is neither.
 */
err secret_input(struct cli *cli, const char *option, const char *prompt, bool twice,
	struct buf *ret) MUST_USE;
/* The same as a member of a body that is to be sent (session_call wipes its text). */
err secret_member(struct cli *cli, json_t *body, const char *member, const char *option,
	const char *prompt, bool twice) MUST_USE;
/*
 * A code out of a mail: from the file of option `option` if that is given, else asked for. What is
 * given may be the whole link.
 */
err secret_link_member(
	struct cli *cli, json_t *body, const char *member, const char *option) MUST_USE;
/* A line of text asked for on the terminal, shown while typed; ERR_INVALID without a terminal. */
err line_input(const char *prompt, struct buf *ret) MUST_USE;

#endif
