#ifndef SLIPWAY_BASE_BUF_H
#define SLIPWAY_BASE_BUF_H

/*
 * A growing piece of bytes with a ceiling it is born with. Invariants, after each call:
 *
 *   - the content is always followed by a NUL byte that is not part of it;
 *   - the first failure (ceiling reached, no memory, bad format) sticks: later additions do
 *     nothing, so a caller writes everything and asks buf_error() once;
 *   - on failure the content is what fitted before the failing addition, never a part of it.
 *
 * A buf over the caller's own memory (buf_init_fixed) never allocates: for the hot path.
 * Not thread-safe: one owner at a time.
 */

#include <stdarg.h>

#include "base/span.h"

struct buf {
	char *data_;
	size_t len_;
	size_t cap_; /* bytes at data_, the NUL included; 0 before the first addition */
	size_t max_; /* ceiling for len_ */
	err error_;
	bool fixed_;
};

/* An empty buf that refuses to hold more than max bytes. Does not allocate. */
void buf_init(struct buf *b, size_t max);
/* An empty buf over memory[size], which it keeps; holds at most size - 1 bytes. size > 0. */
void buf_init_fixed(struct buf *b, char *memory, size_t size);
/*
 * Frees the memory and leaves an empty buf with the same ceiling. Accepts a zeroed struct. The
 * caller's own memory (buf_init_fixed) is let go with its content in place.
 */
void buf_done(struct buf *b);
/* As buf_done, and overwrites the content first: for anything that held a secret. */
void buf_wipe(struct buf *b);
/* Empties, keeps the memory, forgets the error. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, span s);
void buf_add_str(struct buf *b, const char *text);
void buf_add_byte(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t n);
void buf_add_i64(struct buf *b, int64_t n);
void buf_addf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vaddf(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);
char *buf_make_room_(struct buf *b, size_t n);

/* Room for n more bytes, to be filled by the caller and counted by buf_advance; NULL on failure. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (!b->error_ && n < b->cap_ - b->len_ && n <= b->max_ - b->len_)
		return b->data_ + b->len_;
	return buf_make_room_(b, n);
}

static inline void buf_advance(struct buf *b, size_t n)
{
	b->len_ += n;
	b->data_[b->len_] = '\0';
}

/* Cuts the content to its first len bytes; len must not exceed the present length. */
void buf_truncate(struct buf *b, size_t len);
/* Records a failure of the producer as if an addition had failed. */
void buf_fail(struct buf *b, err e);

err buf_error(const struct buf *b) MUST_USE;
size_t buf_len(const struct buf *b);
/* The content, borrowed until the next change; never NULL, NUL-terminated. */
const char *buf_str(const struct buf *b);
span buf_span(const struct buf *b);
/* Gives the content as a NUL-terminated string the caller frees; NULL if an error is set. */
char *buf_take(struct buf *b);

#endif
