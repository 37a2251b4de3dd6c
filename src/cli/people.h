#ifndef SLIPWAY_CLI_PEOPLE_H
#define SLIPWAY_CLI_PEOPLE_H

/* What commands about accounts, organisations, roles, keys and sessions have in common. */

#include "cli/request.h"
#include "cli/value_sources.h"

#define ACCOUNT_ARGUMENT                                                                           \
	{                                                                                          \
		"account", "ACCOUNT", VALUE_TEXT, OPTION_REQUIRED,                                 \
			"the account's e-mail address or id", .source = &source_accounts           \
	}
#define ROLE_OPTION(flags, help)                                                                   \
	{                                                                                          \
		"role", "ROLE", VALUE_TEXT, flags, help, .member = "role", .source = &source_roles \
	}
#define ORGANISATION_OPTION(help)                                                                  \
	{                                                                                          \
		"org", "ORGANISATION", VALUE_TEXT, 0, help, .member = "organisation",              \
							    .source = &source_organisations        \
	}
#define PASSWORD_OPTION                                                                            \
	{                                                                                          \
		"password-file", "FILE", VALUE_FILE, 0,                                            \
			"file with the password, without it it is asked for"                       \
	}

/* An answer's `methods` (RFC 8176), for people: "password, one-time code". */
void methods_to_words(json_t *object);

#endif
