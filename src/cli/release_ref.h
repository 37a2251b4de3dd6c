#ifndef SLIPWAY_CLI_RELEASE_REF_H
#define SLIPWAY_CLI_RELEASE_REF_H

#include <jansson.h>

#include "cli/cli.h"

/* The id of a release named by its id or as PRODUCT@VERSION. In cli->arena. Fails with words. */
err release_ref_get(struct cli *cli, const char *text, const char **ret_id) MUST_USE;
/* The id of a package named by its id or, where its release has only one, as PRODUCT@VERSION. */
err package_ref_get(struct cli *cli, const char *text, const char **ret_id) MUST_USE;
/* As release_ref_get for a product and a version; NULL in *ret when there is none. Gives. */
err release_find(struct cli *cli, const char *product, const char *version, json_t **ret) MUST_USE;

#endif
