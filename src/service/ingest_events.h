#ifndef SLIPWAY_SERVICE_INGEST_EVENTS_H
#define SLIPWAY_SERVICE_INGEST_EVENTS_H

#include "event/ingest.h"
#include "service/service.h"

/* event_ingest() for a request of the tailer, with its metrics. */
err ingest_events(
	struct task *t, const struct ingest_batch *batch, struct ingest_result *ret) MUST_USE;

#endif
