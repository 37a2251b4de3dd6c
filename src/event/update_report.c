/* Rows of update reports. Hard rule: a repetition changes no count. */
#include "event/update_report.h"

#include "event/event_queries.h"

#include "base/banned.h"

err update_report_store_add(struct db_tx *tx, span id, span release_id, span device, span stage,
	span error, int64_t now_us)
{
	return db_exec(tx, update_report_add, DB_TEXT(id), DB_TEXT(release_id), DB_TEXT(device),
		DB_TEXT(stage), DB_TEXT(error), DB_INT(now_us));
}
