/* Two versions on two lines: canonical text, order, key. */
#include "fuzz.h"

#include "base/semver.h"

static void check_text(const struct semver *v)
{
	struct semver again;
	AUTO(buf) text = {0};

	buf_init(&text, SEMVER_MAX_BYTES);
	semver_format(&text, v);
	check(semver_parse(buf_span(&text), &again) == OK);
	check(semver_cmp(v, &again) == 0);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size), rest = text, first = SPAN_EMPTY, second = SPAN_EMPTY;
	struct semver a, b;
	char key_a[SEMVER_KEY_MAX_BYTES + 1], key_b[SEMVER_KEY_MAX_BYTES + 1];
	struct buf out_a, out_b;

	if (span_cut(&rest, '\n', &first) && span_cut(&rest, '\n', &second) &&
		semver_parse(first, &a) == OK && semver_parse(second, &b) == OK) {
		check_text(&a);
		check_text(&b);
		buf_init_fixed(&out_a, key_a, sizeof(key_a));
		buf_init_fixed(&out_b, key_b, sizeof(key_b));
		semver_key(&out_a, &a);
		semver_key(&out_b, &b);
		check(!buf_error(&out_a) && !buf_error(&out_b));
		check(sign(semver_cmp(&a, &b)) ==
			sign(span_cmp(buf_span(&out_a), buf_span(&out_b))));
	}
	fuzz_free(text);
	return 0;
}
