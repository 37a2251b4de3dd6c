#ifndef SLIPWAY_AUDIT_AUDIT_JSON_H
#define SLIPWAY_AUDIT_AUDIT_JSON_H

/* Entries and reports as JSON, the same from the API and from the command line. */

#include "audit/verify.h"
#include "base/json.h"

void audit_write_entry(struct json_writer *out, const struct audit_entry *a);
void audit_write_report(struct json_writer *out, const struct audit_report *r);

#endif
