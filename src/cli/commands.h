#ifndef SLIPWAY_CLI_COMMANDS_H
#define SLIPWAY_CLI_COMMANDS_H

/* The tables of `slipway`, one per file, in the order help shows them. */

#include "cli/cli.h"

extern const struct command publish_commands[];
extern const size_t publish_commands_count;
extern const struct command catalog_commands[];
extern const size_t catalog_commands_count;
extern const struct command package_commands[];
extern const size_t package_commands_count;
extern const struct command customer_commands[];
extern const size_t customer_commands_count;
extern const struct command access_commands[];
extern const size_t access_commands_count;
extern const struct command provider_commands[];
extern const size_t provider_commands_count;
extern const struct command signing_key_commands[];
extern const size_t signing_key_commands_count;
extern const struct command activity_commands[];
extern const size_t activity_commands_count;
extern const struct command audit_commands[];
extern const size_t audit_commands_count;
extern const struct command mail_commands[];
extern const size_t mail_commands_count;
extern const struct command stats_commands[];
extern const size_t stats_commands_count;
extern const struct command doctor_commands[];
extern const size_t doctor_commands_count;
extern const struct command sign_in_commands[];
extern const size_t sign_in_commands_count;
extern const struct command factor_commands[];
extern const size_t factor_commands_count;
extern const struct command local_commands[];
extern const size_t local_commands_count;

/* Options of every command of slipway. */
extern const struct option slipway_globals[];

#define PLATFORM_CHOICES                                                                           \
	"linux-amd64 linux-arm64 linux-386 linux-armhf linux-any windows-amd64 windows-arm64 "     \
	"windows-386 macos-amd64 macos-arm64 macos-universal android-arm64 any-any"
#define CHANNEL_CHOICES "stable beta dev"
#define CLASS_CHOICES   "public licensed enterprise development"

#endif
