/*
 * Numbers for people.
 */
#include "cli/humane.h"

#include "base/time.h"

#include "base/banned.h"

void humane_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t unit = 1;
	size_t i = 0;
	uint64_t tenths;

	if (bytes < 1000) {
		buf_addf(out, "%u B", (unsigned)bytes);
		return;
	}
	while (i + 1 < ARRAY_LEN(units) && bytes / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	/* Cut, not rounded: a file that is not whole never shows its full size. */
	if (bytes / unit < 10) {
		uint64_t hundredths = bytes / (unit / 100);

		buf_addf(out, "%u.%02u %s", (unsigned)(hundredths / 100),
			(unsigned)(hundredths % 100), units[i]);
		return;
	}
	tenths = bytes / (unit / 10);
	if (tenths < 1000)
		buf_addf(out, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
			units[i]);
	else
		buf_addf(out, "%u %s", (unsigned)(tenths / 10), units[i]);
}

void humane_rate(struct buf *out, uint64_t bytes_per_second)
{
	humane_size(out, bytes_per_second);
	buf_add_str(out, "/s");
}

void humane_duration(struct buf *out, int64_t duration_us)
{
	int64_t s = duration_us / TIME_SECOND;

	if (duration_us < 0)
		duration_us = s = 0;
	if (duration_us < TIME_SECOND)
		buf_addf(out, "%d ms", (int)(duration_us / TIME_MS));
	else if (s < 60)
		buf_addf(out, "%d s", (int)s);
	else if (s < 3600)
		buf_addf(out, "%d min %d s", (int)(s / 60), (int)(s % 60));
	else if (s < 48 * 3600)
		buf_addf(out, "%d h %d min", (int)(s / 3600), (int)(s / 60 % 60));
	else
		buf_addf(out, "%lld d", (long long)(s / 86400));
}

/* "5 min": one unit, for distances below a week. */
static void distance(struct buf *out, int64_t us)
{
	if (us < TIME_MINUTE)
		buf_addf(out, "%d s", (int)(us / TIME_SECOND));
	else if (us < TIME_HOUR)
		buf_addf(out, "%d min", (int)(us / TIME_MINUTE));
	else if (us < 2 * TIME_DAY)
		buf_addf(out, "%d h", (int)(us / TIME_HOUR));
	else
		buf_addf(out, "%d d", (int)(us / TIME_DAY));
}

void humane_time(struct buf *out, int64_t time_us, int64_t now_us)
{
	int64_t apart = time_us - now_us;
	int64_t away = apart < 0 ? -apart : apart;

	if (away >= 7 * TIME_DAY) {
		char text[64];
		AUTO(buf) full = {0};

		buf_init_fixed(&full, text, sizeof(text));
		time_format(&full, time_us);
		buf_add(out, span_sub(buf_span(&full), 0, SPAN("2026-01-31").len));
	} else if (away < 5 * TIME_SECOND && apart <= TIME_SECOND) {
		buf_add_str(out, "just now"); /* or the clocks differ a little */
	} else if (apart > 0) {
		buf_add_str(out, "in ");
		distance(out, away);
	} else {
		distance(out, away);
		buf_add_str(out, " ago");
	}
}

void humane_time_text(struct buf *out, span text, int64_t now_us)
{
	int64_t time_us;

	if (time_parse(text, &time_us) == OK)
		humane_time(out, time_us, now_us);
	else
		buf_add(out, text);
}
