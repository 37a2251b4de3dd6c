#ifndef SLIPWAY_CONF_RULES_H
#define SLIPWAY_CONF_RULES_H

/*
 * What a value must look like: the rules of the settings table beyond its bounds. Strings that end
 * up in nginx's configuration are checked here so strictly that they need no quoting there.
 */

#include "conf/conf.h"

enum setting_type { STRING, BOOL, INT, SIZE, DURATION };

struct setting_row {
	const char *name;
	enum setting_type type;
	const char *value; /* the default */
	int64_t least, most;
	const char *help;
};

extern const struct setting_row setting_table[CONF_COUNT];

/*
 * Checks text for setting s and gives its number (0 for strings). On ERR_INVALID, expected holds
 * what would have been right: "a number from 4 to 4096".
 */
err setting_check(enum setting s, span text, int64_t *ret_number, struct buf *expected) MUST_USE;

/* "127.0.0.1:80", "[::1]:443", "0.0.0.0:80": a numeric address and a port from 1 to 65535. */
bool address_with_port_is_valid(span text);
/* The bounds in words, as in "a duration from 1m to 1h". */
void setting_expected(enum setting s, struct buf *out);

#endif
