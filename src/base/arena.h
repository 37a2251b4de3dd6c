#ifndef SLIPWAY_BASE_ARENA_H
#define SLIPWAY_BASE_ARENA_H

/*
 * Memory with the lifetime of a task: everything allocated from an arena dies with it. Meant for
 * one request or one job; never for a long-lived connection, where it would only grow.
 * Small allocations abort the process when memory is out (the state of such a process is not worth
 * saving); sizes that input decides go through arena_try_alloc(). One owner at a time.
 */

#include <stdarg.h>

#include "base/span.h"

struct arena;

/* Gives an empty arena; aborts when memory is out. */
struct arena *arena_new(void);
/* Frees the arena and all that was allocated in it. Accepts NULL. */
void arena_free(struct arena *a);
DEFINE_AUTO_PTR(arena)

/* Zeroed memory in arena a, aligned for any type. n at most ARENA_SMALL_BYTES, else aborts. */
#define ARENA_SMALL_BYTES 65536
void *arena_alloc(struct arena *a, size_t n);
/* As arena_alloc without the size limit; NULL when memory is out or n exceeds 1 GiB. */
void *arena_try_alloc(struct arena *a, size_t n);
/* Zeroed array of count elements; NULL on overflow or when memory is out. */
void *arena_try_array(struct arena *a, size_t count, size_t element_bytes);

/* NUL-terminated copies in arena a. Lengths as arena_try_alloc: abort only when memory is out. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_str(struct arena *a, span s);
span arena_span(struct arena *a, span s);
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* Calls undo(object) when the arena is freed, newest first: for what must be closed. */
void arena_on_free(struct arena *a, void (*undo)(void *object), void *object);

#endif
