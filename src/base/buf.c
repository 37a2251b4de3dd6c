/*
 * Growing bytes with a ceiling. Hard rule: an addition happens whole or not at all.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BUF_FIRST_BYTES 64

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max_ = max};
}

void buf_init_fixed(struct buf *b, char *memory, size_t size)
{
	*b = (struct buf){.data_ = memory, .cap_ = size, .max_ = size - 1, .fixed_ = true};
	memory[0] = '\0';
}

void buf_done(struct buf *b)
{
	if (!b->fixed_)
		free(b->data_);
	buf_init(b, b->max_);
}

void buf_wipe(struct buf *b)
{
	if (b->data_)
		explicit_bzero(b->data_, b->cap_);
	buf_done(b);
}

void buf_clear(struct buf *b)
{
	b->len_ = 0;
	b->error_ = OK;
	if (b->data_)
		b->data_[0] = '\0';
}

static bool grow(struct buf *b, size_t need)
{
	size_t cap = b->cap_ ? b->cap_ : BUF_FIRST_BYTES;

	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	char *data = realloc(b->data_, cap);

	if (!data) {
		b->error_ = ERR_NOMEM;
		return false;
	}
	b->data_ = data;
	b->cap_ = cap;
	return true;
}

char *buf_make_room_(struct buf *b, size_t n)
{
	size_t len;

	if (b->error_)
		return NULL;
	if (__builtin_add_overflow(b->len_, n, &len) || len > b->max_) {
		b->error_ = ERR_TOO_LARGE;
		return NULL;
	}
	if (len + 1 > b->cap_ && !grow(b, len + 1))
		return NULL;
	return b->data_ + b->len_;
}

void buf_add(struct buf *b, span s)
{
	char *to = buf_reserve(b, s.len);

	if (!to)
		return;
	if (s.len)
		memcpy(to, s.ptr, s.len);
	buf_advance(b, s.len);
}

void buf_add_str(struct buf *b, const char *text)
{
	buf_add(b, span_from(text));
}

void buf_add_byte(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (!to)
		return;
	*to = c;
	buf_advance(b, 1);
}

void buf_add_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_add(b, span_of(digits + at, sizeof(digits) - at));
}

void buf_add_i64(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_add_byte(b, '-');
	buf_add_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void buf_vaddf(struct buf *b, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);

	va_end(again);
	if (n < 0) {
		buf_fail(b, ERR_BUG);
		return;
	}
	char *to = buf_reserve(b, (size_t)n);

	if (!to)
		return;
	(void)vsnprintf(to, (size_t)n + 1, format, args); /* measured above */
	buf_advance(b, (size_t)n);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vaddf(b, format, args);
	va_end(args);
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len_)
		return;
	b->len_ = len;
	b->data_[len] = '\0';
}

void buf_fail(struct buf *b, err e)
{
	if (!b->error_)
		b->error_ = e;
}

err buf_error(const struct buf *b)
{
	return b->error_;
}

size_t buf_len(const struct buf *b)
{
	return b->len_;
}

const char *buf_str(const struct buf *b)
{
	return b->data_ ? b->data_ : "";
}

span buf_span(const struct buf *b)
{
	return span_of(buf_str(b), b->len_);
}

char *buf_take(struct buf *b)
{
	if (b->error_ || b->fixed_ || !buf_reserve(b, 0))
		return NULL;
	b->data_[b->len_] = '\0';
	char *data = b->data_;

	buf_init(b, b->max_);
	return data;
}
