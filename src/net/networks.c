/*
 * Hard rule: every address is judged in one form, 16 bytes with IPv4 mapped, so that no other
 * spelling of an address is judged differently.
 */
#include "net/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/banned.h"

#define V4_BITS 96 /* what stands before an IPv4 address in its mapped form */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void map_v4(const void *bytes, uint8_t ret[16])
{
	memcpy(ret, mapped_prefix, sizeof(mapped_prefix));
	memcpy(ret + sizeof(mapped_prefix), bytes, 4);
}

static bool is_v4(const uint8_t a[16])
{
	return memcmp(a, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool read_sockaddr(const struct sockaddr *address, uint8_t ret[16])
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		map_v4(&in.sin_addr, ret);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in;

		memcpy(&in, address, sizeof(in));
		memcpy(ret, &in.sin6_addr, 16);
		return true;
	}
	return false;
}

static bool has_prefix(const uint8_t a[16], const uint8_t prefix[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	return memcmp(a, prefix, whole) == 0 &&
	       (rest == 0 || ((a[whole] ^ prefix[whole]) & mask) == 0);
}

static err parse_network(span word, struct network *ret)
{
	size_t slash = span_find(word, '/');
	char text[INET6_ADDRSTRLEN];
	uint8_t v4[4];
	uint64_t bits;
	bool is_v4_text;

	if (slash == 0 || slash >= sizeof(text))
		return ERR_INVALID;
	memcpy(text, word.ptr, slash);
	text[slash] = '\0';
	is_v4_text = inet_pton(AF_INET, text, v4) == 1;
	if (is_v4_text)
		map_v4(v4, ret->bytes_);
	else if (inet_pton(AF_INET6, text, ret->bytes_) != 1)
		return ERR_INVALID;
	bits = is_v4_text ? 32 : 128;
	if (slash < word.len && span_to_u64(span_from_offset(word, slash + 1), bits, &bits) != OK)
		return ERR_INVALID;
	ret->bits_ = (unsigned)bits + (is_v4_text ? V4_BITS : 0);
	return OK;
}

err networks_parse(span text, struct networks *ret)
{
	struct networks n = {0};
	span word;

	while (span_cut(&text, ' ', &word)) {
		if (word.len == 0)
			continue;
		if (n.count_ == NETWORKS_MAX)
			return ERR_TOO_LARGE;
		err e = parse_network(word, &n.list_[n.count_++]);

		if (e)
			return e;
	}
	*ret = n;
	return OK;
}

bool networks_contain(const struct networks *n, const struct sockaddr *address)
{
	uint8_t a[16];

	if (!read_sockaddr(address, a))
		return false;
	for (size_t i = 0; i < n->count_; i++)
		if (has_prefix(a, n->list_[i].bytes_, n->list_[i].bits_))
			return true;
	return false;
}

/* IANA IPv4 Special-Purpose Address Registry, and multicast. */
static const struct {
	uint8_t bytes[4];
	unsigned bits;
} special_v4[] = {
	{{0, 0, 0, 0}, 8},       /* "this network": on Linux 0.0.0.0 is this machine */
	{{10, 0, 0, 0}, 8},      /* private */
	{{100, 64, 0, 0}, 10},   /* shared (CGNAT) */
	{{127, 0, 0, 0}, 8},     /* loopback */
	{{169, 254, 0, 0}, 16},  /* link-local, the clouds' metadata services among them */
	{{172, 16, 0, 0}, 12},   /* private */
	{{192, 0, 0, 0}, 24},    /* protocol assignments */
	{{192, 0, 2, 0}, 24},    /* documentation */
	{{192, 88, 99, 0}, 24},  /* 6to4 relays */
	{{192, 168, 0, 0}, 16},  /* private */
	{{198, 18, 0, 0}, 15},   /* benchmarking */
	{{198, 51, 100, 0}, 24}, /* documentation */
	{{203, 0, 113, 0}, 24},  /* documentation */
	{{224, 0, 0, 0}, 4},     /* multicast */
	{{240, 0, 0, 0}, 4},     /* reserved, broadcast */
};

static bool is_public_v4(const uint8_t v4[4])
{
	for (size_t i = 0; i < ARRAY_LEN(special_v4); i++) {
		uint8_t a[16], prefix[16];

		map_v4(v4, a);
		map_v4(special_v4[i].bytes, prefix);
		if (has_prefix(a, prefix, V4_BITS + special_v4[i].bits))
			return false;
	}
	return true;
}

/* What of 2000::/3, the only global unicast there is, is special all the same. */
static const struct {
	uint8_t bytes[16];
	unsigned bits;
} special_v6[] = {
	{{0x20, 0x01}, 23},             /* protocol assignments: Teredo, ORCHID, benchmarking */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x20, 0x02}, 16},             /* 6to4 */
	{{0x3f, 0xff}, 20},             /* documentation */
};

bool address_is_public(const struct sockaddr *address)
{
	static const uint8_t global[16] = {0x20};
	static const uint8_t nat64[16] = {0x00, 0x64, 0xff, 0x9b}; /* RFC 6052 */
	uint8_t a[16];

	if (!read_sockaddr(address, a))
		return false;
	if (is_v4(a) || has_prefix(a, nat64, 96))
		return is_public_v4(a + 12);
	if (!has_prefix(a, global, 3))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(special_v6); i++)
		if (has_prefix(a, special_v6[i].bytes, special_v6[i].bits))
			return false;
	return true;
}

bool address_is_loopback(const struct sockaddr *address)
{
	static const uint8_t v6[16] = {[15] = 1};
	uint8_t a[16];

	return read_sockaddr(address, a) &&
	       ((is_v4(a) && a[12] == 127) || memcmp(a, v6, sizeof(v6)) == 0);
}
