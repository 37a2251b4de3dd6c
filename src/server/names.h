#ifndef SLIPWAY_SERVER_NAMES_H
#define SLIPWAY_SERVER_NAMES_H

/*
 * What tokens say of where they were made and where they are good: the control plane writes these
 * words, nginx's configuration demands them. Tokens of two installations differ by their keys.
 */
#define ISSUER    "slipway" /* iss and aud of access and device tokens */
#define POOL_NAME "slipway" /* aud of download tokens */
#define EDGE_NAME "origin"  /* this node */

#endif
