#ifndef SLIPWAY_DB_STATEMENT_H
#define SLIPWAY_DB_STATEMENT_H

/*
 * What a named block of a .sql file becomes. Statements exist only as constants made by the build
 * (scripts/gen-queries.py), so their number is bounded and their address is their identity.
 */

#include <stddef.h>

struct db_statement {
	const char *name; /* as in the "-- name:" line */
	const char *text; /* one statement, without comments and the semicolon */
	unsigned params;  /* $1 … $params */
};

#endif
