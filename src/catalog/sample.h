#ifndef SLIPWAY_CATALOG_SAMPLE_H
#define SLIPWAY_CATALOG_SAMPLE_H

/*
 * Bytes of a package file under inspection, at any place: from a descriptor (pread) or from memory.
 * What it says is not trusted: every reader checks what it got.
 */

#include "base/span.h"

struct sample {
	int fd; /* -1: memory */
	span memory;
	uint64_t size;
};

/* ERR_IO when the descriptor cannot tell its size. Keeps fd, which stays the caller's. */
err sample_from_fd(int fd, struct sample *ret) MUST_USE;
struct sample sample_from_memory(span bytes); /* keeps bytes */

/* Reads up to len bytes at offset; less only at the end or on an error. Gives the number read. */
size_t sample_read(const struct sample *s, uint64_t offset, void *to, size_t len);
/* True when all len bytes are there. */
bool sample_read_all(const struct sample *s, uint64_t offset, void *to, size_t len);

static inline uint16_t le16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t le32_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint16_t be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t be32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t be64_at(const uint8_t *p)
{
	return (uint64_t)be32_at(p) << 32 | be32_at(p + 4);
}

#endif
