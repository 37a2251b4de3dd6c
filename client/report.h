#ifndef SLIPWAY_CLIENT_REPORT_H
#define SLIPWAY_CLIENT_REPORT_H

/* Telling the server what became of a download. */

#include "client.h"

struct outcome {
	const char *download_id;
	bool success;
	uint64_t bytes;
	int64_t duration_ms;
	const char *error; /* with !success */
};

/*
 * Reports, or keeps the report in STATE/reports for report_pending() when the server cannot be
 * reached: the file on disk does not depend on it. A repeated report changes nothing.
 */
void report_outcome(struct slipway *s, const struct outcome *o);
/* Sends what earlier calls had to keep. */
void report_pending(struct slipway *s);

#endif
