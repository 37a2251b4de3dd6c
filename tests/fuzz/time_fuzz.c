/* Times and durations: what is read is in range and is written back to the same time. */
#include "fuzz.h"

#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	span text = fuzz_input(data, size);
	int64_t t, again;
	AUTO(buf) b = {0};

	buf_init(&b, 100);
	if (time_parse(text, &t) == OK) {
		check(t >= 0 && t <= TIME_MAX);
		time_format(&b, t);
		check(time_parse(buf_span(&b), &again) == OK && again == t);
		check(time_parse_date_or_time(text, &again) == OK && again == t);
		buf_clear(&b);
		time_format_http(&b, t);
		check(buf_error(&b) == OK && buf_len(&b) == 29);
	} else if (time_parse_date_or_time(text, &t) == OK) {
		check(size == 10 && t >= 0 && t % TIME_DAY == 0);
	}
	buf_clear(&b);
	if (duration_parse(text, &t) == OK) {
		check(t >= 0);
		duration_format(&b, t);
		check(duration_parse(buf_span(&b), &again) == OK && again == t);
	}
	fuzz_free(text);
	return 0;
}
