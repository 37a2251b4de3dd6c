#ifndef SLIPWAY_BASE_TIME_H
#define SLIPWAY_BASE_TIME_H

/*
 * Times are int64_t microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. Pure: the
 * present is always an argument; sys/clock.h is the one place that asks the system.
 */

#include "base/buf.h"

#define TIME_MS     INT64_C(1000)
#define TIME_SECOND INT64_C(1000000)
#define TIME_MINUTE (60 * TIME_SECOND)
#define TIME_HOUR   (60 * TIME_MINUTE)
#define TIME_DAY    (24 * TIME_HOUR)
/* 9999-12-31T23:59:59.999999Z: the largest time RFC 3339 can write. */
#define TIME_MAX INT64_C(253402300799999999)

/* "2026-01-31T12:00:00Z", with a fraction of 6 digits unless it is zero. 0 ≤ t ≤ TIME_MAX. */
void time_format(struct buf *out, int64_t t);
/* RFC 3339 with any offset; years 1970 to 9999; fractions beyond microseconds are cut off. */
err time_parse(span text, int64_t *ret) MUST_USE;
/* Also accepts a plain date "2026-01-31", meaning its first instant in UTC. */
err time_parse_date_or_time(span text, int64_t *ret) MUST_USE;
/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). */
void time_format_http(struct buf *out, int64_t t);
/* "90s", "15m", "10h", "30d", "2w", a bare number of seconds; at most 100 years. */
err duration_parse(span text, int64_t *ret_us) MUST_USE;
/* The shortest exact form: "15m", "90s", "1500ms". */
void duration_format(struct buf *out, int64_t us);

#endif
