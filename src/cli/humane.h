#ifndef SLIPWAY_CLI_HUMANE_H
#define SLIPWAY_CLI_HUMANE_H

/* Sizes, times and durations as people read them. For machines there is --json. Pure. */

#include "base/buf.h"

/* Decimal units, three significant digits: "999 B", "1.23 MB", "52.4 GB". */
void humane_size(struct buf *out, uint64_t bytes);
/* "12.3 MB/s". */
void humane_rate(struct buf *out, uint64_t bytes_per_second);
/* "in 3 d", "just now", "5 min ago"; the date from a week on: "2026-01-31". */
void humane_time(struct buf *out, int64_t time_us, int64_t now_us);
/* "850 ms", "12 s", "3 min 20 s", "2 h 5 min". */
void humane_duration(struct buf *out, int64_t duration_us);
/* A text of RFC 3339 as humane_time shows it; any other text as it is. */
void humane_time_text(struct buf *out, span text, int64_t now_us);

#endif
