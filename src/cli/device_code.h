#ifndef SLIPWAY_CLI_DEVICE_CODE_H
#define SLIPWAY_CLI_DEVICE_CODE_H

/*
 * Our side of the device authorisation grant (RFC 8628): asking for a code, and asking whether
 * somebody has decided, in the rhythm the server wants. Times are monotonic microseconds.
 */

#include "cli/session.h"

struct device_code {
	const char *user_code;    /* what the person types; harmless to show */
	const char *uri;          /* where; the same */
	const char *uri_complete; /* with the code in it */
	int64_t expires_in_s, interval_s;
	int64_t expires_us, next_us; /* when it ends; when to ask next */
	bool away;                   /* the last question was not answered */
	const char *device_code_;
	int64_t pause_us_, failures_;
};

/* scope: permissions and product:NAME, space-separated, or NULL. Fails with words. In cli->arena.
 */
err device_code_begin(struct cli *cli, const char *scope, struct device_code *ret) MUST_USE;

/*
 * Asks, and sets when to ask next. *ret_tokens is the answer (given), or NULL while nobody has
 * decided or the server does not answer. Fails with words: ERR_DENIED when it was refused,
 * ERR_EXPIRED, ERR_CANCELLED after Ctrl-C.
 */
err device_code_ask(struct cli *cli, struct device_code *c, json_t **ret_tokens) MUST_USE;

#endif
