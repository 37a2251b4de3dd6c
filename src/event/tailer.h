#ifndef SLIPWAY_EVENT_TAILER_H
#define SLIPWAY_EVENT_TAILER_H

/*
 * The tailer: ships nginx's event log to the control plane. It has no database and keeps no state:
 * where to go on is what the control plane says (event/ingest.h). Its own process, one thread.
 */

#include "base/base.h"

struct tailer_plan {
	const char *directory; /* of events.log */
	const char *socket;    /* of the control plane */
	const char *edge;      /* this node's name */
};

/* Ships until SIGTERM or SIGINT. Gives the exit code of the process. */
int tailer_main(const struct tailer_plan *plan);

#endif
