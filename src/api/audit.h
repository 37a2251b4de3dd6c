#ifndef SLIPWAY_API_AUDIT_H
#define SLIPWAY_API_AUDIT_H

/* What the handlers of the audit log share. */

#include "api/api.h"
#include "service/audit.h"

/* The filters of the query; beyond, oldest_first and limit are the caller's. */
void audit_read_filter(struct request *rq, struct audit_search *ret);

#endif
