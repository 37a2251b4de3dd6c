#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "account/cbor.h"

/* Well-formed items of RFC 8949 appendix A that are of definite length, besides the tags. */
static const span appendix_a[] = {
	SPAN_INIT("\x00"),
	SPAN_INIT("\x01"),
	SPAN_INIT("\x0a"),
	SPAN_INIT("\x17"),
	SPAN_INIT("\x18\x18"),
	SPAN_INIT("\x18\x19"),
	SPAN_INIT("\x18\x64"),
	SPAN_INIT("\x19\x03\xe8"),
	SPAN_INIT("\x1a\x00\x0f\x42\x40"),
	SPAN_INIT("\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"),
	SPAN_INIT("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
	SPAN_INIT("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"),
	SPAN_INIT("\x20"),
	SPAN_INIT("\x29"),
	SPAN_INIT("\x38\x63"),
	SPAN_INIT("\x39\x03\xe7"),
	SPAN_INIT("\xf9\x00\x00"),
	SPAN_INIT("\xf9\x80\x00"),
	SPAN_INIT("\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a"),
	SPAN_INIT("\xfa\x47\xc3\x50\x00"),
	SPAN_INIT("\xf9\x7e\x00"),
	SPAN_INIT("\xf4"),
	SPAN_INIT("\xf5"),
	SPAN_INIT("\xf6"),
	SPAN_INIT("\xf7"),
	SPAN_INIT("\xf0"),
	SPAN_INIT("\xf8\xff"),
	SPAN_INIT("\x40"),
	SPAN_INIT("\x44\x01\x02\x03\x04"),
	SPAN_INIT("\x60"),
	SPAN_INIT("\x61\x61"),
	SPAN_INIT("\x64IETF"),
	SPAN_INIT("\x62\"\\"),
	SPAN_INIT("\x62\xc3\xbc"),
	SPAN_INIT("\x64\xf0\x90\x85\x91"),
	SPAN_INIT("\x80"),
	SPAN_INIT("\x83\x01\x02\x03"),
	SPAN_INIT("\x83\x01\x82\x02\x03\x82\x04\x05"),
	SPAN_INIT("\x98\x19\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
		  "\x11\x12\x13\x14\x15\x16\x17\x18\x18\x18\x19"),
	SPAN_INIT("\xa0"),
	SPAN_INIT("\xa2\x01\x02\x03\x04"),
	SPAN_INIT("\xa2\x61\x61\x01\x61\x62\x82\x02\x03"),
	SPAN_INIT("\x82\x61\x61\xa1\x61\x62\x61\x63"),
	SPAN_INIT("\xa5\x61\x61\x61\x41\x61\x62\x61\x42\x61\x63\x61\x43\x61\x64\x61\x44\x61\x65"
		  "\x61\x45"),
};

static const struct {
	const char *name;
	span bytes;
} refused[] = {
	{"nothing", SPAN_INIT("")},
	/* Appendix A: tags. */
	{"2^64 as a bignum", SPAN_INIT("\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00")},
	{"a date", SPAN_INIT("\xc1\x1a\x51\x4b\x67\xb0")},
	{"a URI", SPAN_INIT("\xd8\x20\x61\x61")},
	{"CBOR, self-described", SPAN_INIT("\xd9\xd9\xf7\x00")},
	{"a tag within", SPAN_INIT("\x82\x00\xc1\x00")},
	{"a tag as key", SPAN_INIT("\xa1\xc1\x00\x00")},
	/* Appendix A: indefinite lengths. */
	{"indefinite bytes", SPAN_INIT("\x5f\x42\x01\x02\x43\x03\x04\x05\xff")},
	{"indefinite text", SPAN_INIT("\x7f\x65strea\x64ming\xff")},
	{"indefinite array, empty", SPAN_INIT("\x9f\xff")},
	{"indefinite array", SPAN_INIT("\x9f\x01\x82\x02\x03\x82\x04\x05\xff")},
	{"indefinite array within", SPAN_INIT("\x83\x01\x82\x02\x03\x9f\x04\x05\xff")},
	{"indefinite map", SPAN_INIT("\xbf\x61\x61\x01\x61\x62\x9f\x02\x03\xff\xff")},
	{"indefinite map within", SPAN_INIT("\x82\x61\x61\xbf\x61\x62\x61\x63\xff")},
	/* Appendix F.1: no well-formed item starts like this, or ends here. */
	{"break alone", SPAN_INIT("\xff")},
	{"break as element", SPAN_INIT("\x81\xff")},
	{"break as value", SPAN_INIT("\xa1\x00\xff")},
	{"indefinite number", SPAN_INIT("\x1f")},
	{"indefinite negative", SPAN_INIT("\x3f")},
	{"reserved simple value 0", SPAN_INIT("\xf8\x00")},
	{"reserved simple value 24", SPAN_INIT("\xf8\x18")},
	{"reserved simple value 31", SPAN_INIT("\xf8\x1f")},
	{"array of three with two", SPAN_INIT("\x83\x00\x00")},
	{"map without its last value", SPAN_INIT("\xa2\x00\x00\x00")},
	{"text beyond the end of its array", SPAN_INIT("\x81\x62\x61")},
};

/* The bytes on a heap block of their own, so that a look beyond them is seen by ASan. */
static span own(span bytes)
{
	char *copy = malloc(bytes.len ? bytes.len : 1);

	assert_non_null(copy);
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	return span_of(copy, bytes.len);
}

static void drop(span s)
{
	free((void *)(uintptr_t)s.ptr);
}

static span skip_first(span bytes, struct cbor_cursor *c)
{
	cbor_cursor_init(c, bytes);
	return cbor_skip(c);
}

static bool is_refused(span bytes)
{
	struct cbor_cursor c;
	span copy = own(bytes);
	bool is = skip_first(copy, &c).len == 0 && !cbor_at_end(&c);

	drop(copy);
	return is;
}

static bool is_item(span bytes)
{
	struct cbor_cursor c;
	span copy = own(bytes);
	bool is = span_eq(skip_first(copy, &c), bytes) && cbor_at_end(&c);

	drop(copy);
	return is;
}

static void each_item_of_the_rfc(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++)
		if (!is_item(appendix_a[i]))
			fail_msg("row %zu", i);
}

/* An item ends where its last element does, however much follows. */
static void skip_gives_exactly_the_item(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++) {
		span item = appendix_a[i];
		struct cbor_cursor c;
		struct buf text;
		char memory[256];

		buf_init_fixed(&text, memory, sizeof(memory));
		buf_add(&text, item);
		buf_add(&text, item);
		buf_add(&text, SPAN("\xf6"));
		span first = skip_first(buf_span(&text), &c);

		assert_ptr_equal(first.ptr, memory);
		assert_int_equal(first.len, item.len);
		assert_false(cbor_at_end(&c));
		assert_true(span_eq(cbor_skip(&c), item));
		assert_false(cbor_at_end(&c));
		assert_int_equal(cbor_skip(&c).len, 1);
		assert_true(cbor_at_end(&c));
		assert_int_equal(cbor_skip(&c).len, 0);
		assert_false(cbor_at_end(&c));
	}
}

static void each_truncation_is_refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(appendix_a); i++)
		for (size_t len = 0; len < appendix_a[i].len; len++)
			if (!is_refused(span_sub(appendix_a[i], 0, len)))
				fail_msg("row %zu, the first %zu bytes", i, len);
}

static void what_no_authenticator_writes(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_row(is_refused(refused[i].bytes), refused[i].name);
}

/* RFC 8949 section 3: 28 to 30 are reserved, 31 is an indefinite length or a break. */
static void reserved_heads_of_every_type(void **state UNUSED)
{
	for (unsigned major = 0; major < 8; major++)
		for (unsigned low = 28; low < 32; low++) {
			char bytes[17] = {(char)(major << 5 | low)};

			if (!is_refused(span_of(bytes, sizeof(bytes))))
				fail_msg("byte 0x%02x", major << 5 | low);
		}
}

/* The head of an item whose argument is n, in eight bytes. */
static span head_of(enum cbor_type type, uint64_t n, char memory[9])
{
	memory[0] = (char)(type << 5 | 27);
	for (int i = 0; i < 8; i++)
		memory[1 + i] = (char)(n >> (56 - 8 * i));
	return span_of(memory, 9);
}

/* Twice the last but one is 0 in 64 bits, twice the last is two less than it. */
static const uint64_t huge[] = {10, 0x7fffffff, 0x80000000, 0xffffffff, (uint64_t)1 << 32,
	INT64_MAX, (uint64_t)1 << 63, UINT64_MAX};

static void huge_lengths_and_counts(void **state UNUSED)
{
	static const enum cbor_type types[] = {CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (size_t j = 0; j < ARRAY_LEN(huge); j++) {
			char memory[9 + 9] = {0}, within[1 + 9] = {(char)0x81};
			span head = head_of(types[i], huge[j], memory);

			memcpy(within + 1, memory, 9);
			if (!is_refused(head) || !is_refused(span_of(memory, sizeof(memory))) ||
				!is_refused(span_of(within, sizeof(within))))
				fail_msg("type %d of 0x%llx", (int)types[i],
					(unsigned long long)huge[j]);
		}
}

static void huge_lengths_of_strings_and_maps_taken(void **state UNUSED)
{
	for (size_t j = 0; j < ARRAY_LEN(huge); j++) {
		struct cbor_cursor c;
		char memory[9];
		span bytes = own(head_of(CBOR_BYTES, huge[j], memory));
		span map = own(head_of(CBOR_MAP, huge[j], memory));

		cbor_cursor_init(&c, bytes);
		assert_int_equal(cbor_take_string(&c, CBOR_BYTES).len, 0);
		assert_false(cbor_at_end(&c));
		cbor_cursor_init(&c, map);
		assert_int_equal(cbor_enter_map(&c), 0);
		assert_false(cbor_at_end(&c));
		drop(bytes);
		drop(map);
	}
}

/* CTAP2 wants the shortest head; a longer one is as clear. */
static void longer_heads_than_needed(void **state UNUSED)
{
	assert_true(is_item(SPAN("\x18\x00")));
	assert_true(is_item(SPAN("\x1b\x00\x00\x00\x00\x00\x00\x00\x00")));
	assert_true(is_item(SPAN("\x5b\x00\x00\x00\x00\x00\x00\x00\x01x")));
	assert_true(is_item(SPAN("\xbb\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00")));
}

static bool nests(const char *open, unsigned levels)
{
	struct buf text;
	char memory[256];

	buf_init_fixed(&text, memory, sizeof(memory));
	for (unsigned i = 0; i < levels; i++)
		buf_add_str(&text, open);
	buf_add_byte(&text, 0);
	assert_ok(buf_error(&text));
	return is_item(buf_span(&text));
}

static void depth(void **state UNUSED)
{
	static const char *const opens[] = {"\x81", "\xa1\x01", "\x82\x01", "\xa2\x01\x02\x03"};

	for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
		assert_true(nests(opens[i], CBOR_MAX_DEPTH));
		assert_false(nests(opens[i], CBOR_MAX_DEPTH + 1));
		assert_false(nests(opens[i], 60));
	}
	/* Beside each other they may be many; the one too deep need not be the first, or have
	 * elements. */
	assert_true(is_item(SPAN("\x84\x81\x81\x80\x81\x81\x80\x81\x81\x80\x81\x81\x80")));
	assert_true(is_refused(SPAN("\x82\x80\x81\x81\x81\x80")));
	assert_true(is_refused(SPAN("\x82\x80\x81\x81\x81\xa0")));
}

static void strings_are_taken(void **state UNUSED)
{
	struct cbor_cursor c;

	cbor_cursor_init(&c, SPAN("\x64IETF\x43\x01\x00\x02\x60\x40"));
	assert_span(cbor_take_string(&c, CBOR_TEXT), "IETF");
	assert_true(span_eq(cbor_take_string(&c, CBOR_BYTES), SPAN("\x01\x00\x02")));
	assert_span(cbor_take_string(&c, CBOR_TEXT), "");
	assert_false(cbor_at_end(&c));
	assert_span(cbor_take_string(&c, CBOR_BYTES), "");
	assert_true(cbor_at_end(&c));
}

static void map_is_entered(void **state UNUSED)
{
	struct cbor_cursor c;

	cbor_cursor_init(&c, SPAN("\xa2\x61\x61\x01\x61\x62\x82\x02\x03"));
	assert_int_equal(cbor_enter_map(&c), 2);
	assert_span(cbor_take_string(&c, CBOR_TEXT), "a");
	assert_true(span_eq(cbor_skip(&c), SPAN("\x01")));
	assert_span(cbor_take_string(&c, CBOR_TEXT), "b");
	assert_true(span_eq(cbor_skip(&c), SPAN("\x82\x02\x03")));
	assert_true(cbor_at_end(&c));

	cbor_cursor_init(&c, SPAN("\xa0"));
	assert_int_equal(cbor_enter_map(&c), 0);
	assert_true(cbor_at_end(&c));
}

/* What is asked for of one type is not given of another, and nothing is given afterwards. */
static void other_types_make_it_bad_for_good(void **state UNUSED)
{
	static const char items[] = "\x00\x20\x41x\x61x\x81\x00\xa1\x00\x00\xc0\x00\xf6";
	static const struct {
		size_t at;
		unsigned major;
	} rows[] = {{0, 0}, {1, 1}, {2, 2}, {4, 3}, {6, 4}, {8, 5}, {11, 6}, {13, 7}};
	span all = span_of(items, sizeof(items) - 1);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (enum cbor_type ask = CBOR_BYTES; ask <= CBOR_MAP; ask++) {
			struct cbor_cursor c;

			if (ask == CBOR_ARRAY || rows[i].major == (unsigned)ask)
				continue;
			cbor_cursor_init(&c, span_from_offset(all, rows[i].at));
			if (ask == CBOR_MAP)
				assert_int_equal(cbor_enter_map(&c), 0);
			else
				assert_int_equal(cbor_take_string(&c, ask).len, 0);
			assert_false(cbor_at_end(&c));
			assert_int_equal(cbor_skip(&c).len, 0);
			assert_int_equal(cbor_enter_map(&c), 0);
			assert_int_equal(cbor_take_string(&c, CBOR_BYTES).len, 0);
			assert_int_equal(cbor_take_string(&c, CBOR_TEXT).len, 0);
			assert_false(cbor_at_end(&c));
		}
	}
}

static void at_end(void **state UNUSED)
{
	struct cbor_cursor c;

	cbor_cursor_init(&c, SPAN_EMPTY);
	assert_true(cbor_at_end(&c));
	assert_int_equal(cbor_skip(&c).len, 0);
	assert_false(cbor_at_end(&c)); /* there was nothing to skip */
	cbor_cursor_init(&c, SPAN("\x00"));
	assert_false(cbor_at_end(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_item_of_the_rfc),
		cmocka_unit_test(skip_gives_exactly_the_item),
		cmocka_unit_test(each_truncation_is_refused),
		cmocka_unit_test(what_no_authenticator_writes),
		cmocka_unit_test(reserved_heads_of_every_type),
		cmocka_unit_test(huge_lengths_and_counts),
		cmocka_unit_test(huge_lengths_of_strings_and_maps_taken),
		cmocka_unit_test(longer_heads_than_needed), cmocka_unit_test(depth),
		cmocka_unit_test(strings_are_taken), cmocka_unit_test(map_is_entered),
		cmocka_unit_test(other_types_make_it_bad_for_good), cmocka_unit_test(at_end)};

	return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
