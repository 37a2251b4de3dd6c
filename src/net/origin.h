#ifndef SLIPWAY_NET_ORIGIN_H
#define SLIPWAY_NET_ORIGIN_H

#include <stdbool.h>

/* True when both are absolute URLs with equal scheme, host and port. */
bool url_same_origin(const char *a, const char *b);

#endif
