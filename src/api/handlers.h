#ifndef SLIPWAY_API_HANDLERS_H
#define SLIPWAY_API_HANDLERS_H

/* One handler per route; see routes.c for what each needs and answers. */

#include "api/api.h"

/* health.c */
api_handler get_health, get_readiness, get_metrics, get_jwks, get_openapi;
/* auth.c */
api_handler post_login, post_refresh, post_logout, post_setup, get_me;
/* accounts.c */
api_handler post_account, list_accounts, get_account, patch_account;
/* organisations.c */
api_handler post_organisation, list_organisations, get_organisation;
/* keys.c */
api_handler post_key, list_keys, delete_key;
/* audit.c */
api_handler list_audit;

#endif
