#ifndef SLIPWAY_CLI_CHART_H
#define SLIPWAY_CLI_CHART_H

/* Numbers drawn with block characters. Pure. */

#include "base/buf.h"

/* A bar `width` columns wide, filled to the part value / most; the rest is blank or ░. */
void chart_bar(struct buf *out, uint64_t value, uint64_t most, unsigned width, bool shaded);
/* One column per value, as high as its part of the highest. A value above 0 is never invisible. */
void chart_line(struct buf *out, const uint64_t *values, size_t count);

#endif
