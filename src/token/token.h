#ifndef SLIPWAY_TOKEN_TOKEN_H
#define SLIPWAY_TOKEN_TOKEN_H

/*
 * The three tokens Slipway issues, as compact JWS (RFC 7515) signed with ES256: access tokens
 * (RFC 9068), device tokens and download tokens (claims after RFC 9246). Pure: keys, expected
 * audience and the present are arguments. Nothing here allocates except what libcrypto does inside.
 *
 * The kind decides everything: the expected `typ` (RFC 8725 section 3.11), the key set asked and
 * the claims demanded. The algorithm is a property of the key (3.1): the header's `alg` must be
 * exactly "ES256" and is never used to choose anything. Headers with members other than alg, typ
 * and kid are refused (no crit, jku, jwk, x5u, zip). Duplicate members are refused. Escapes in
 * strings are refused. Text forms are canonical or refused. Unknown claims of a valid token are
 * ignored (RFC 7519 section 4).
 *
 * Verification of anything else than the exact kind asked for fails with TOKEN_WRONG_KIND or
 * TOKEN_BAD_SIGNATURE; there is no order of checks in which an unverified claim is acted on.
 */

#include "base/buf.h"

struct eckey;

#define TOKEN_MAX_BYTES   4096 /* whole token; access tokens with many entitlements */
#define TOKEN_DECODED_MAX 3072 /* decoded payload; the caller's scratch memory */
#define TOKEN_KID_MAX     32
#define TOKEN_LEEWAY_S    30 /* clock difference tolerated on nbf, iat and exp */
#define TOKEN_MAX_LIST    64 /* entitlements or permissions in one token */

enum token_kind { TOKEN_ACCESS, TOKEN_DEVICE, TOKEN_DOWNLOAD, TOKEN_KINDS };

enum token_verdict {
	TOKEN_OK,
	TOKEN_MALFORMED,
	TOKEN_WRONG_KIND,  /* another typ than asked for */
	TOKEN_UNKNOWN_KEY, /* kid not in this kind's key set */
	TOKEN_BAD_SIGNATURE,
	TOKEN_WRONG_AUDIENCE, /* or issuer */
	TOKEN_NOT_YET_VALID,
	TOKEN_EXPIRED,
	TOKEN_VERDICTS
};

/*
 * Claims of all kinds; members a kind does not have are empty or zero. Spans borrow the memory the
 * claims were read into. Times are seconds since the epoch, as in the token.
 *
 *                 access                        device            download
 *  sub            account or workload identity  device id         pseudonymous subject
 *  aud            issuer's own                  issuer's own      edge pool
 *  subject_epoch  of sub                        of the device     of the device or account
 */
struct token_claims {
	enum token_kind kind;
	span kid;
	span iss, sub, aud, jti;
	int64_t iat, nbf, exp;  /* nbf 0: absent */
	span client_id;         /* access: what the account signed in with */
	span role;              /* access */
	span org;               /* access, device: organisation id or empty */
	span session;           /* access: session id or empty */
	span account;           /* access (= sub), device: account id */
	span device;            /* access, device (= sub), download: device id or empty */
	span licence;           /* access, device: licence id or empty */
	span product;           /* access, device: id of the product the licence is for, or empty */
	span permissions;       /* access: names with one space between, as `scope` in RFC 9068 */
	span entitlements;      /* access, device: codes with one space between */
	uint64_t subject_epoch; /* `ep`: below the subject's minimum epoch the token is dead */
	uint64_t global_epoch;  /* `gep` */
	/* Whose minimum epoch counts: access, device: sub; download: device or account id, or
	 * empty. */
	span epoch_subject;

	/* download only */
	span download; /* download id */
	span digest;   /* lower-case hex SHA-256 of the one file, or empty */
	span release;  /* release id: any file of the release, or empty */
	span package;  /* package id or empty */
	span filename; /* with digest: the one name under which it is served */
	span uri;      /* `cdniuc`, mandatory: "regex:…" of the URLs it opens (RFC 9246 2.1.10) */
	span ip_prefix;  /* `cdniip`: CIDR or empty */
	span rate_class; /* "" or the name of a limit class */
	span edge;       /* edge id for one-time tokens or empty */
};

/* Finds the verification key of a kind by kid; NULL when there is none. Borrowed for the call. */
typedef const struct eckey *token_key_lookup(void *ctx, enum token_kind kind, span kid);

/* Whether this is the key's signature over text. For verifiers that remember what they have seen.
 */
typedef bool token_signature_check(
	void *ctx, const struct eckey *key, span text, const uint8_t signature[64]);

struct token_verifier {
	token_key_lookup *lookup;
	void *ctx;
	span issuer;                  /* must equal iss */
	span audience;                /* must equal aud */
	token_signature_check *check; /* NULL: eckey_verify() */
};

const char *token_verdict_name(enum token_verdict v); /* "bad_signature" … */
const char *token_kind_typ(enum token_kind kind);     /* "at+jwt" … */

/*
 * Verifies text as a token of this kind at now_s. Fills *ret only with TOKEN_OK; its spans point
 * into scratch, which must live as long. Any thread.
 */
enum token_verdict token_verify(enum token_kind kind, span text, const struct token_verifier *v,
	int64_t now_s, char scratch[TOKEN_DECODED_MAX], struct token_claims *ret) MUST_USE;

/* True while exp (and nbf) hold at now_s, with the leeway: for verified claims kept in a cache. */
enum token_verdict token_check_time(const struct token_claims *c, int64_t now_s) MUST_USE;

/*
 * Appends the signed token for these claims. Required: kid iss sub aud jti iat exp and what the
 * kind demands (access: client_id and role; download: download, uri, and either digest and filename
 * or release without filename); what is derived from sub need not be set. Strings must be printable
 * ASCII without '"' and '\'. ERR_INVALID otherwise; ERR_TOO_LARGE when the token would exceed
 * TOKEN_MAX_BYTES.
 */
err token_sign(const struct token_claims *c, const struct eckey *key, struct buf *out) MUST_USE;

/* The `cdniuc` value for one file name, or for every file of a release (empty filename). */
void token_download_uri(struct buf *out, span filename);

/* True when list (space-separated) has this word. */
bool token_list_has(span list, span word);

#endif
