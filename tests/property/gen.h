#ifndef SLIPWAY_TESTS_PROPERTY_GEN_H
#define SLIPWAY_TESTS_PROPERTY_GEN_H

/*
 * Seeded generation of cases for property tests. The seed is printed by each program; setting
 * SLIPWAY_SEED to it repeats the run. Each property takes a number of cases from its own generator,
 * so adding one does not change the cases of another.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define CASES 2000

static uint64_t gen_seed;

struct gen {
	uint64_t state;
};

/* cmocka group setup: chooses and prints the seed. */
static int gen_setup(void **state UNUSED)
{
	const char *text = getenv("SLIPWAY_SEED");

	if (text) {
		if (span_to_u64(span_from(text), UINT64_MAX, &gen_seed))
			return -1;
	} else {
		struct timespec now;

		(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
		gen_seed =
			(uint64_t)now.tv_nsec * 1000003 + (uint64_t)now.tv_sec + (uint64_t)getpid();
	}
	print_message("SLIPWAY_SEED=%llu\n", (unsigned long long)gen_seed);
	return 0;
}

/* The generator of one property, told apart from the others by its name. */
static inline struct gen gen_new(const char *property)
{
	struct gen g = {.state = gen_seed};

	for (; *property; property++)
		g.state = (g.state ^ (unsigned char)*property) * UINT64_C(0x100000001b3);
	return g;
}

/* SplitMix64. */
static inline uint64_t gen_u64(struct gen *g)
{
	uint64_t z = (g->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* In [0, bound). */
static inline uint64_t gen_below(struct gen *g, uint64_t bound)
{
	return gen_u64(g) % bound;
}

static inline bool gen_chance(struct gen *g, unsigned one_in)
{
	return gen_below(g, one_in) == 0;
}

/* Small numbers often, all magnitudes sometimes. */
static inline uint64_t gen_number(struct gen *g)
{
	return gen_u64(g) >> gen_below(g, 64);
}

/* 0 to max bytes of any value. */
static inline span gen_bytes(struct gen *g, char *memory, size_t max)
{
	size_t len = gen_below(g, max + 1);

	for (size_t i = 0; i < len; i++)
		memory[i] = (char)gen_u64(g);
	return span_of(memory, len);
}

/* min to max characters of the alphabet. */
static inline span gen_text(
	struct gen *g, const char *alphabet, char *memory, size_t min, size_t max)
{
	size_t len = min + gen_below(g, max - min + 1), letters = strlen(alphabet);

	for (size_t i = 0; i < len; i++)
		memory[i] = alphabet[gen_below(g, letters)];
	return span_of(memory, len);
}

/* 0 to max words of these, with one space between. */
static inline void gen_list(
	struct gen *g, const char *const *words, size_t words_count, size_t max, struct buf *out)
{
	size_t count = gen_below(g, max + 1);

	buf_clear(out);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_add_byte(out, ' ');
		buf_add_str(out, words[gen_below(g, words_count)]);
	}
}

#endif
