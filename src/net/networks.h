#ifndef SLIPWAY_NET_NETWORKS_H
#define SLIPWAY_NET_NETWORKS_H

/*
 * Networks in CIDR notation, and which addresses are of the public Internet. An IPv4 address in
 * IPv6 clothes (::ffff:0:0/96) is the IPv4 address, everywhere here. Pure.
 */

#include "base/span.h"

struct sockaddr;

#define NETWORKS_MAX 64

struct network {
	uint8_t bytes_[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits_;
};

struct networks {
	size_t count_;
	struct network list_[NETWORKS_MAX];
};

/*
 * "10.0.0.0/8 192.0.2.7 fd00::/8": separated by spaces; an address alone is a network of one; bits
 * behind the prefix are ignored. ERR_INVALID for anything else, ERR_TOO_LARGE for more than
 * NETWORKS_MAX.
 */
err networks_parse(span text, struct networks *ret) MUST_USE;
/* False for families other than IPv4 and IPv6. */
bool networks_contain(const struct networks *n, const struct sockaddr *address);

/*
 * True for unicast addresses that are globally reachable (IANA special-purpose registries, RFC
 * 6890): not private, shared (CGNAT), loopback, link-local, unique local, multicast, documentation,
 * benchmarking or reserved, neither directly nor as the IPv4 address within a NAT64 one. Tunnels
 * (6to4, Teredo) are not public: what is at their other end cannot be told.
 */
bool address_is_public(const struct sockaddr *address);
bool address_is_loopback(const struct sockaddr *address);

#endif
