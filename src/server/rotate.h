#ifndef SLIPWAY_SERVER_ROTATE_H
#define SLIPWAY_SERVER_ROTATE_H

#include "base/base.h"

/*
 * Renames logs that have grown too large: NAME.log becomes NAME.TIME.log. Of access and error logs
 * a few old ones are kept; old event logs are the tailer's to delete, when all of them is stored.
 * True when nginx must be told to open its logs anew. Working directory: the data directory.
 */
bool logs_rotate(int64_t now_us);

#define LOG_ROTATE_BYTES (INT64_C(64) << 20)
#define LOG_KEEP         5

#endif
