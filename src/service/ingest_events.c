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

err expire_events(const struct service *s, int64_t now_us, int64_t *ret_deleted)
{
	int64_t before = now_us - conf_int(s->conf, CONF_EVENT_RETENTION), total = 0, deleted;

	do {
		err e = event_delete_old(s->db, before, now_us, &deleted);

		if (e)
			return e;
		total += deleted;
	} while (deleted > 0);
	*ret_deleted = total;
	return OK;
}
