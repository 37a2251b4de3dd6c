#ifndef SLIPWAY_API_OPENAPI_H
#define SLIPWAY_API_OPENAPI_H

#include "api/api.h"

/* The OpenAPI 3.1 document of all routes, written from the tables: it cannot lag behind them. */
void openapi_write(struct json_writer *w);

#endif
