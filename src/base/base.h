#ifndef SLIPWAY_BASE_BASE_H
#define SLIPWAY_BASE_BASE_H

/*
 * The few words every file uses: attributes, scope-bound cleanup, array length.
 * Nothing else may be added here without taking something out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED                 __attribute__((unused))
#define NORETURN               __attribute__((noreturn))
#define ARRAY_LEN(a)           (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)              ((a) < (b) ? (a) : (b))
#define MAX(a, b)              ((a) > (b) ? (a) : (b))

/*
 * AUTO(buf) b = {0};  declares `struct buf b` and calls buf_done(&b) when the scope is left, on
 * every way out of it: so the variable is initialised where it is declared (checked by script).
 */
#define AUTO(type) __attribute__((cleanup(type##_done))) struct type

/*
 * AUTO_PTR(arena) a = NULL;  declares `struct arena *a` and calls arena_free(a) when the scope is
 * left. DEFINE_AUTO_PTR(arena) stands once below the declaration of arena_free().
 */
#define AUTO_PTR(type) __attribute__((cleanup(type##_freep))) struct type *
#define DEFINE_AUTO_PTR(type)                                                                      \
	static inline void type##_freep(struct type **p)                                           \
	{                                                                                          \
		type##_free(*p);                                                                   \
	}

#endif
