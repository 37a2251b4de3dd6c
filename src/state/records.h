#ifndef SLIPWAY_STATE_RECORDS_H
#define SLIPWAY_STATE_RECORDS_H

/*
 * Keys and values of the published state. The control plane packs, the data plane unpacks; both are
 * pure. Numbers are little-endian; text is length-prefixed; the first byte of a value is its
 * format version. Unpacking trusts nothing: ERR_CORRUPT on any length that does not fit.
 *
 *   key (first byte, then)                      value
 *   'p' product                                 product record
 *   'r' product 0 platform 0 channel version    release record as seen on that channel (subscribed:
 *                                               a stable release stands under stable, beta and dev)
 *   'k' kind kid                                public key, 65 bytes
 *   'e' subject                                 minimum epoch of whoever has tokens, u64
 *   'x' jti or session                          revoked: a token, or all access tokens of a
 *                                               session; expiry in µs, i64
 *   'b' sha256 (hex)                            blocked digest; reason text
 *   'f' release 0 filename                      file record: digest, size, package id
 *   'g' "epoch"                                 global minimum epoch, u64
 *
 * `channel` is one byte '0' + enum channel; `version` is semver_key(). NUL separates because names
 * cannot contain it, so no key is confused with another.
 */

#include "token/token.h"
#include "update/update.h"

#define STATE_KEY_MAX   511   /* LMDB's limit */
#define STATE_VALUE_MAX 65536 /* one record */

/* All append to out, and fail it (ERR_INVALID) for a name with a NUL. */
void state_key_product(struct buf *out, span product);
/* All releases of a product, platform and subscribed channel; append semver_key() for one. */
void state_key_releases(struct buf *out, span product, span platform, enum channel subscribed);
void state_key_signing(struct buf *out, enum token_kind kind, span kid);
void state_key_epoch(struct buf *out, span subject);
void state_key_revoked(struct buf *out, span jti);
void state_key_blocked(struct buf *out, span sha256_hex);
void state_key_file(struct buf *out, span release_id, span filename);
void state_key_global_epoch(struct buf *out);

/*
 * The record of one release; r->version is derived from version_text when unpacked. Packing what is
 * out of range (counts, reach, digest, version) fails the buf. Unpacked spans borrow value; of a
 * struct this size only what the record has is written, and on an error its content is undefined.
 */
void state_pack_release(struct buf *out, const struct update_release *r);
err state_unpack_release(span value, struct update_release *ret) MUST_USE;

struct state_product {
	span id, title;
	span countries_denied, countries_allowed;
	uint32_t next_check_s; /* what update checks tell clients */
};
void state_pack_product(struct buf *out, const struct state_product *p);
err state_unpack_product(span value, struct state_product *ret) MUST_USE;

struct state_file {
	span sha256; /* hex */
	span package_id;
	uint64_t size;
};
void state_pack_file(struct buf *out, const struct state_file *f);
err state_unpack_file(span value, struct state_file *ret) MUST_USE;

void state_pack_u64(struct buf *out, uint64_t n);
err state_unpack_u64(span value, uint64_t *ret) MUST_USE;

#endif
