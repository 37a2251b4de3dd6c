/*
 * A list of blocks, each carved from front to back. Hard rule: memory given out is zeroed, so no
 * handler ever sees another request's bytes.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BLOCK_BYTES 8192
#define LIMIT_BYTES ((size_t)1 << 30)
#define ALIGNMENT   _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct undo {
	struct undo *next;
	void (*call)(void *object);
	void *object;
};

struct arena {
	struct block *blocks;
	struct undo *undos;
};

static NORETURN void out_of_memory(void)
{
	(void)fputs("out of memory\n", stderr); /* nothing else can be done */
	abort();
}

static struct block *block_new(size_t size)
{
	struct block *b = calloc(1, sizeof(*b) + size);

	if (b)
		b->size = size;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		out_of_memory();
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct undo *u = a->undos; u; u = u->next)
		u->call(u->object);
	while (a->blocks) {
		struct block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	free(a);
}

void *arena_try_alloc(struct arena *a, size_t n)
{
	if (n > LIMIT_BYTES)
		return NULL;
	n = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	struct block *b = a->blocks;

	if (!b || b->size - b->used < n) {
		b = block_new(MAX(n, (size_t)BLOCK_BYTES));
		if (!b)
			return NULL;
		b->next = a->blocks;
		a->blocks = b;
	}
	char *at = (char *)b->data + b->used;

	b->used += n;
	return at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = n <= ARENA_SMALL_BYTES ? arena_try_alloc(a, n) : NULL;

	if (!p)
		out_of_memory();
	return p;
}

void *arena_try_array(struct arena *a, size_t count, size_t element_bytes)
{
	size_t n;

	if (__builtin_mul_overflow(count, element_bytes, &n))
		return NULL;
	return arena_try_alloc(a, n);
}

char *arena_str(struct arena *a, span s)
{
	char *copy = arena_try_alloc(a, s.len + 1);

	if (!copy)
		out_of_memory();
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_str(a, span_from(text));
}

span arena_span(struct arena *a, span s)
{
	return span_of(arena_str(a, s), s.len);
}

char *arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);

	va_end(again);
	char *text = n < 0 ? NULL : arena_try_alloc(a, (size_t)n + 1);

	if (!text)
		out_of_memory();
	(void)vsnprintf(text, (size_t)n + 1, format, args); /* measured above */
	return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_vprintf(a, format, args);

	va_end(args);
	return text;
}

void arena_on_free(struct arena *a, void (*undo)(void *object), void *object)
{
	struct undo *u = arena_alloc(a, sizeof(*u));

	*u = (struct undo){.next = a->undos, .call = undo, .object = object};
	a->undos = u;
}
