#ifndef SLIPWAY_SERVER_CERTIFICATE_H
#define SLIPWAY_SERVER_CERTIFICATE_H

/*
 * X.509 as the local CA needs it: make a CA, issue a serving certificate, look into one. ECDSA
 * P-256 with SHA-256. Times are microseconds since the epoch. Pure but for randomness.
 */

#include "base/buf.h"

#define CERTIFICATE_PEM_MAX   65536 /* a chain, or a key */
#define CERTIFICATE_MAX_NAMES 64

/* Host names and numeric addresses a certificate is for. Borrowed strings. */
struct certificate_names {
	const char *name[CERTIFICATE_MAX_NAMES];
	size_t count;
};
/* Ignores a duplicate and what does not fit. */
void certificate_names_add(struct certificate_names *n, const char *name);

/*
 * A self-signed CA that may sign certificates of servers only, not of further CAs. The PEM texts
 * are appended; the key is to be wiped by the caller.
 */
err certificate_make_ca(const char *common_name, int64_t from_us, int64_t until_us,
	struct buf *certificate, struct buf *key) MUST_USE;
/* A serving certificate for these names, signed by the CA, followed by nothing. */
err certificate_issue(span ca_certificate, span ca_key, const struct certificate_names *names,
	int64_t from_us, int64_t until_us, struct buf *certificate, struct buf *key) MUST_USE;

struct certificate_facts {
	int64_t from_us, until_us; /* of the first certificate of the chain */
	bool key_matches;
	bool is_issued; /* signed by the issuer given */
	bool has_names; /* covers each of the names given */
};
/*
 * Looks at a PEM chain and its key. ERR_INVALID when the chain, ERR_DENIED when the key cannot be
 * read (an encrypted one neither). issuer: PEM of a CA, or empty: then is_issued is false.
 */
err certificate_inspect(span chain, span key, span issuer, const struct certificate_names *names,
	struct certificate_facts *ret) MUST_USE;

#endif
