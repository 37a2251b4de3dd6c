#ifndef SLIPWAY_SERVER_NAMES_H
#define SLIPWAY_SERVER_NAMES_H

/*
 * What tokens say of where they were made and where they are good: the control plane writes these
 * words, nginx's configuration demands them. Tokens of two installations differ by their keys.
 */

#include "conf/conf.h"

/*
 * iss and aud of access and device tokens: `public_url`, which is also the issuer in our OAuth
 * metadata (RFC 9068, section 4; RFC 8414, section 2), or "slipway" without it. Lives as long as c.
 */
const char *names_issuer(const struct conf *c);

#define POOL_NAME "slipway" /* aud of download tokens */
#define EDGE_NAME "origin"  /* this node */

#endif
