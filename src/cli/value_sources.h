#ifndef SLIPWAY_CLI_VALUE_SOURCES_H
#define SLIPWAY_CLI_VALUE_SOURCES_H

#include "cli/cli.h"

/* What the server knows that commands take: offered by completion, never checked here. */
extern const struct value_source source_accounts, source_keys, source_organisations,
	source_permissions, source_products, source_providers, source_roles;

/* For struct program.list_values: the first page. */
void value_sources_list(struct cli *cli, const struct value_source *source, struct buf *out);

#endif
