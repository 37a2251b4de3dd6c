#ifndef SLIPWAY_SERVER_PROBE_H
#define SLIPWAY_SERVER_PROBE_H

#include "base/span.h"

/*
 * Asks the control plane on its socket (GET /readyz) and nginx over HTTPS at this listen address
 * (GET /healthz). OK when both answer 200; ERR_UNAVAILABLE otherwise. Blocks for some seconds at
 * most: meant for a child process.
 */
err probe(const char *socket_path, span https_address) MUST_USE;

#endif
