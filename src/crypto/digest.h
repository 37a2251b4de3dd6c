#ifndef SLIPWAY_CRYPTO_DIGEST_H
#define SLIPWAY_CRYPTO_DIGEST_H

#include "base/buf.h"

#define SHA512_SIZE  64
#define SHA256_SIZE  32
#define SHA256_HEX   64
#define BLAKE2B_SIZE 64

/* One-shot. Never fails: a broken libcrypto aborts. */
void sha256(span data, uint8_t ret[SHA256_SIZE]);
void sha512(span data, uint8_t ret[SHA512_SIZE]);
/* HMAC-SHA-256 (RFC 2104). */
void hmac_sha256(span key, span data, uint8_t ret[SHA256_SIZE]);

/* Streaming: gives NULL only when memory is out. One owner at a time. */
struct sha256_stream;
struct sha256_stream *sha256_stream_new(void);
void sha256_stream_free(struct sha256_stream *s); /* accepts NULL */
void sha256_stream_add(struct sha256_stream *s, span data);
/* The digest of all added so far; more may be added afterwards. */
void sha256_stream_get(const struct sha256_stream *s, uint8_t ret[SHA256_SIZE]);
DEFINE_AUTO_PTR(sha256_stream)

/*
 * BLAKE2b-512 streaming, as minisign's prehashed signatures need it.
 */
struct blake2b_stream;
struct blake2b_stream *blake2b_stream_new(void);
void blake2b_stream_free(struct blake2b_stream *s); /* accepts NULL */
void blake2b_stream_add(struct blake2b_stream *s, span data);
void blake2b_stream_get(const struct blake2b_stream *s, uint8_t ret[BLAKE2B_SIZE]);
DEFINE_AUTO_PTR(blake2b_stream)

#endif
