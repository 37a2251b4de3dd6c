#ifndef SLIPWAY_CLI_COMMANDS_H
#define SLIPWAY_CLI_COMMANDS_H

/* The tables of `slipway`, one per file, in the order help shows them: this list is all there is.
 */

#include "cli/cli.h"

#define COMMAND_TABLES(X)                                                                          \
	X(publish_commands)                                                                        \
	X(catalog_commands)                                                                        \
	X(package_commands)                                                                        \
	X(customer_commands)                                                                       \
	X(account_commands)                                                                        \
	X(invitation_commands)                                                                     \
	X(organisation_commands)                                                                   \
	X(role_commands)                                                                           \
	X(key_commands)                                                                            \
	X(provider_commands)                                                                       \
	X(workload_commands)                                                                       \
	X(signing_key_commands)                                                                    \
	X(activity_commands)                                                                       \
	X(audit_commands)                                                                          \
	X(mail_commands)                                                                           \
	X(stats_commands)                                                                          \
	X(doctor_commands)                                                                         \
	X(sign_in_commands)                                                                        \
	X(session_commands)                                                                        \
	X(own_account_commands)                                                                    \
	X(factor_commands)                                                                         \
	X(local_commands)

#define DECLARE_TABLE(name) extern const struct command_table name;
COMMAND_TABLES(DECLARE_TABLE)
#undef DECLARE_TABLE

/* Options of every command of slipway. */
extern const struct option slipway_globals[];

#define PLATFORM_CHOICES                                                                           \
	"linux-amd64 linux-arm64 linux-386 linux-armhf linux-any windows-amd64 windows-arm64 "     \
	"windows-386 macos-amd64 macos-arm64 macos-universal android-arm64 any-any"
#define CHANNEL_CHOICES "stable beta dev"
#define CLASS_CHOICES   "public licensed enterprise development"

#endif
