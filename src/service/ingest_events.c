/* Events from the tailer, and the end of their life. Hard rule: the limits are event_ingest()'s. */
#include "service/ingest_events.h"

#include "base/time.h"
#include "sys/metrics.h"

#include "base/banned.h"

err ingest_events(struct task *t, const struct ingest_batch *batch, struct ingest_result *ret)
{
	err e = event_ingest(t->service->db, batch, t->now_us, ret);

	if (e)
		return e;
	metric_add(METRIC_EVENTS, NULL, ret->events);
	metric_add(METRIC_EVENTS_TORN, NULL, ret->torn);
	if (ret->newest_at_us)
		metric_set(METRIC_EVENT_LAG, NULL, (t->now_us - ret->newest_at_us) / TIME_SECOND);
	return OK;
}
