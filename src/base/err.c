/*
 * Error codes and what each means to a client of the API and of the command line.
 * The table in err.h is the only place where a code is described.
 */
#include "base/err.h"

#include <errno.h>
#include <stddef.h>

#include "base/banned.h"

struct description {
	const char *name;
	int http_status;
	int exit_code;
	const char *title;
};

#define ERR_ROW(code, name, status, exit, title) [code] = {name, status, exit, title},
static const struct description table[ERR_COUNT] = {ERR_TABLE(ERR_ROW)};
#undef ERR_ROW

static const struct description *describe(err e)
{
	return (unsigned)e < ERR_COUNT ? &table[e] : &table[ERR_BUG];
}

const char *err_name(err e)
{
	return describe(e)->name;
}

int err_http_status(err e)
{
	return describe(e)->http_status;
}

int err_exit_code(err e)
{
	return describe(e)->exit_code;
}

const char *err_title(err e)
{
	return describe(e)->title;
}

err err_from_http_status(int status)
{
	if (status >= 200 && status < 300)
		return OK;
	if (status == 422)
		return ERR_INVALID;
	if (status == 423) /* WebDAV's "locked", which tus answers to a second writer */
		return ERR_CONFLICT;
	for (unsigned e = 1; e < ERR_COUNT; e++)
		if (table[e].http_status == status)
			return (err)e;
	return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

err err_from_errno(int error_number)
{
	switch (error_number) {
	case 0:
		return OK;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EEXIST:
		return ERR_CONFLICT;
	case ENOMEM:
		return ERR_NOMEM;
	case EAGAIN:
	case EBUSY:
		return ERR_BUSY;
	case ENAMETOOLONG:
	case EINVAL:
		return ERR_INVALID;
	case EFBIG:
		return ERR_TOO_LARGE;
	default:
		return ERR_IO;
	}
}
