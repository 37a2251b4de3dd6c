#ifndef SLIPWAY_CLI_REQUEST_H
#define SLIPWAY_CLI_REQUEST_H

/*
 * From values on the command line to requests, and the four shapes most commands have: make,
 * show, list, act. Paths are below /api/v1; "{product}" stands for the value of that argument or
 * option, percent-encoded.
 */

#include "cli/session.h"
#include "cli/view.h"

/* The path with its {names} filled in. */
const char *request_path(struct cli *cli, const char *pattern);
/* A path with this text (an id) as its last part, percent-encoded. */
const char *request_under(struct cli *cli, const char *path, const char *id);
/* name=value&…, percent-encoded, for bodies of OAuth; pairs of texts, count of them; NULL values
 * are left out. */
const char *request_form(struct cli *cli, const char *const (*pairs)[2], size_t count);
/* An object of all given values whose row names a member. Gives. */
json_t *request_body(struct cli *cli);
/* The path with these values as query parameters. */
const char *request_query(struct cli *cli, const char *path);

/*
 * Fetches a list page by page, up to --limit items (default 50, 0: all): {"items": […],
 * "next_cursor": …}; next_cursor is there when the server has more. Gives.
 */
err request_list(struct cli *cli, const char *path, json_t **ret) MUST_USE;
/* The option for it. */
#define LIMIT_OPTION                                                                               \
	{                                                                                          \
		"limit", "N", VALUE_COUNT, 0, "at most so many lines, 0 for all (default 50)"      \
	}

/* All items of a list, as an array. Gives. */
err request_all(struct cli *cli, const char *path, json_t **ret) MUST_USE;

/* POSTs the body of the command line; shows the object. alias: a second name for its "id". */
err command_create(struct cli *cli, const char *pattern, const char *alias) MUST_USE;
err command_show(struct cli *cli, const char *pattern) MUST_USE;
err command_list(struct cli *cli, const char *pattern, const struct view *views, size_t count,
	const char *none) MUST_USE;
/* The second half of command_list(). Takes list, which request_list() gave. */
err command_show_list(struct cli *cli, json_t *list, const struct view *views, size_t count,
	const char *none) MUST_USE;
/*
 * Any method with the command line's body (none if no value is given); shows the answer's object,
 * or `done` where there is none.
 */
err command_act(
	struct cli *cli, const char *method, const char *pattern, const char *done) MUST_USE;
/* Shows an answer: as JSON or as view_object. Takes value. */
err command_answer(struct cli *cli, json_t *value) MUST_USE;

#endif
