#ifndef SLIPWAY_API_HANDLERS_H
#define SLIPWAY_API_HANDLERS_H

/* One handler per route; see routes.c for what each needs and answers. */

#include "api/api.h"

/* server.c's neighbours: health.c */
api_handler get_health, get_readiness, get_metrics, get_jwks, get_openapi;

#endif
