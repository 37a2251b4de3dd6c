#ifndef SLIPWAY_SERVICE_CHANGES_H
#define SLIPWAY_SERVICE_CHANGES_H

/*
 * What a change changed, as the detail of its audit entry: {"title": {"from": "A", "to": "B"}, …}.
 * Members that stayed as they were are left out. Never a secret: of one it says only that it was
 * changed. Lives on the stack of a transaction's body.
 *
 *     struct changes c;
 *     changes_begin(&c);
 *     changes_text(&c, "role", before.role, after.role);
 *     e = audit_add(tx, t, "account.change", after.id, changes_end(&c, t->arena));
 */

#include "base/arena.h"
#include "base/json.h"

#define CHANGES_MAX 16384

struct changes {
	struct buf text_;
	struct json_writer out_;
};

void changes_begin(struct changes *c);
void changes_text(struct changes *c, const char *member, span before, span after);
void changes_int(struct changes *c, const char *member, int64_t before, int64_t after);
void changes_bool(struct changes *c, const char *member, bool before, bool after);
/* Microseconds; 0: null. */
void changes_time(struct changes *c, const char *member, int64_t before_us, int64_t after_us);
/* Only that it was changed: {"password": "changed"}. */
void changes_secret(struct changes *c, const char *member);
/* The JSON in arena a; ends c. What does not fit into CHANGES_MAX: {"changes": "too large"}. */
const char *changes_end(struct changes *c, struct arena *a);

#endif
