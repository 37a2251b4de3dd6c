#ifndef SLIPWAY_BASE_ERR_H
#define SLIPWAY_BASE_ERR_H

/*
 * The one list of ways in which something can fail. A function that can fail returns `err` by
 * value; OK is 0. Libraries return a code and never log; the layer that knows what the failure
 * means to the caller adds the words.
 */

#define MUST_USE __attribute__((warn_unused_result))

/* code, public name, HTTP status, exit code of the command line, default title */
#define ERR_TABLE(X)                                                                               \
	X(OK, "ok", 200, 0, "OK")                                                                  \
	X(ERR_INVALID, "invalid", 400, 2, "The request is not valid")                              \
	X(ERR_UNAUTHENTICATED, "unauthenticated", 401, 3, "Authentication is required")            \
	X(ERR_DENIED, "denied", 403, 4, "Permission denied")                                       \
	X(ERR_NOT_FOUND, "not_found", 404, 5, "Not found")                                         \
	X(ERR_CONFLICT, "conflict", 409, 6, "The request conflicts with the present state")        \
	X(ERR_EXPIRED, "expired", 410, 7, "No longer available")                                   \
	X(ERR_TOO_LARGE, "too_large", 413, 8, "Too large")                                         \
	X(ERR_LIMIT, "limit", 429, 9, "Too many requests")                                         \
	X(ERR_BUSY, "busy", 503, 10, "Busy, try again")                                            \
	X(ERR_UNAVAILABLE, "unavailable", 503, 11, "A needed service is not available")            \
	X(ERR_NO_SPACE, "no_space", 507, 12, "No space left on the server")                        \
	X(ERR_CANCELLED, "cancelled", 499, 13, "Cancelled")                                        \
	X(ERR_NOMEM, "nomem", 503, 14, "Out of memory")                                            \
	X(ERR_IO, "io", 500, 15, "Input/output error")                                             \
	X(ERR_CORRUPT, "corrupt", 500, 16, "Stored data is damaged")                               \
	X(ERR_BUG, "bug", 500, 17, "Internal error")

#define ERR_ENUM(code, name, status, exit, title) code,
typedef enum err { ERR_TABLE(ERR_ENUM) ERR_COUNT } err;
#undef ERR_ENUM

/* The public name of the code, as in problem documents: "not_found". */
const char *err_name(err e);

/* HTTP status for an error that reaches an API client. */
int err_http_status(err e);

/* Exit code of the command line for this error. */
int err_exit_code(err e);

/* Short human title, one sentence without a full stop. */
const char *err_title(err e);

/* The error whose HTTP status this is; ERR_BUG for an unknown one, OK for every 2xx. */
err err_from_http_status(int status);

/* The error for a value of errno: ENOSPC and EDQUOT, ENOENT, EACCES, ENOMEM … else ERR_IO. */
err err_from_errno(int error_number);

#endif
