#ifndef SLIPWAY_TESTS_UNIT_TEST_H
#define SLIPWAY_TESTS_UNIT_TEST_H

/* What every unit test includes: cmocka in the order it wants, and assertions over spans. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
/* service/service.h has a function of the name fail, so fail_msg() must do without the macro. */
#undef fail
#undef fail_msg
#define fail_msg(...)                                                                              \
	do {                                                                                       \
		print_error("ERROR: " __VA_ARGS__);                                                \
		print_error("\n");                                                                 \
		_fail(__FILE__, __LINE__);                                                         \
	} while (0)

#include "base/buf.h"

#define assert_ok(expression) assert_int_equal((expression), OK)

static inline void assert_span_at(span got, const char *want, const char *file, int line)
{
	if (span_is(got, want))
		return;
	print_error("got \"%.*s\", want \"%s\"\n", SPAN_ARG(got), want);
	_fail(file, line);
}
/* The span's bytes are exactly this string. */
#define assert_span(got, want) assert_span_at((got), (want), __FILE__, __LINE__)

/* For tables: names the row that failed. */
#define assert_row(condition, name)                                                                \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("row: %.*s\n", SPAN_ARG(span_from(name)));                     \
			assert_true(condition);                                                    \
		}                                                                                  \
	} while (0)

#endif
