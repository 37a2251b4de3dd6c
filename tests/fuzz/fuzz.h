#ifndef SLIPWAY_TESTS_FUZZ_FUZZ_H
#define SLIPWAY_TESTS_FUZZ_FUZZ_H

/*
 * What a fuzz target includes. A target is one LLVMFuzzerTestOneInput over any bytes; besides not
 * crashing it checks a property, with check(). Run by libFuzzer (-Dfuzz=true, clang), and by
 * replay.c over its corpus in every ordinary test run.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The input as a span over its own heap block, so that one byte beyond it is seen by ASan. */
static inline span fuzz_input(const uint8_t *data, size_t size)
{
	char *copy = calloc(1, size ? size : 1);

	check(copy);
	if (size)
		memcpy(copy, data, size);
	return span_of(copy, size);
}

static inline void fuzz_free(span input)
{
	free((void *)(uintptr_t)input.ptr);
}

#endif
