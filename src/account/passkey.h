#ifndef SLIPWAY_ACCOUNT_PASSKEY_H
#define SLIPWAY_ACCOUNT_PASSKEY_H

/*
 * What an authenticator says, judged as WebAuthn Level 2 sections 7.1 and 7.2 want it. Pure: the
 * challenge, the account and the counter kept are the caller's business. Formats and signatures are
 * libfido2's; nothing reaches it that was not walked here first. Thread-safe.
 */

#include "base/span.h"

#define PASSKEY_CREDENTIAL_MAX  1023 /* bytes of a credential's id (section 7.1, step 17 of L3) */
#define PASSKEY_CLIENT_DATA_MAX 4096
#define PASSKEY_OBJECT_MAX      8192 /* attestation object; authenticator data */
#define PASSKEY_SIGNATURE_MAX   1024

/* COSE algorithms that are offered and accepted (RFC 8152, 8812): ES256, EdDSA, RS256. */
#define PASSKEY_ALGORITHMS                                                                         \
	{                                                                                          \
		-7, -8, -257                                                                       \
	}

/* What the answer must be about. */
struct passkey_expected {
	span challenge; /* as text, Base64url */
	span origin;    /* "https://name" or "https://name:port" */
	bool verified;  /* the authenticator must have verified its user, not only met one */
};

/* The host name of an origin: what passkeys are bound to. Borrowed from it. */
span passkey_rp_id(span origin);

struct passkey {
	span credential_id, key; /* key: COSE_Key; both borrowed from the attestation object */
	uint32_t counter;
};
/*
 * A new one. ERR_DENIED when anything does not hold, with *ret_why saying what (constant);
 * ERR_NOMEM.
 */
err passkey_register(const struct passkey_expected *x, span client_data, span attestation_object,
	struct passkey *ret, const char **ret_why) MUST_USE;

struct passkey_assertion {
	span client_data, authenticator_data, signature;
};
/* A signature by key. Errors as above, and ERR_CORRUPT for a key that is none. */
err passkey_verify(const struct passkey_expected *x, span key, const struct passkey_assertion *a,
	uint32_t *ret_counter, const char **ret_why) MUST_USE;

#endif
