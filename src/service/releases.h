#ifndef SLIPWAY_SERVICE_RELEASES_H
#define SLIPWAY_SERVICE_RELEASES_H

/*
 * Releases: drafting, editing, reading; publish.h has what changes their state. A change of a
 * release that clients see needs the permission to publish in each of its channels.
 */

#include "catalog/release.h"
#include "service/service.h"

struct release_input {
	span product; /* id or name */
	span version;
	channel_set channels; /* at least one */
	span notes;
	bool critical, mandatory;
	span min_from;
	int64_t eol_at;
};
/*
 * Drafts a release. A second time with the same content it gives the first one (*ret_existing):
 * what was left out and channels that are among its channels do not differ. ERR_CONFLICT
 * version_exists otherwise.
 */
err release_create(struct task *t, const struct release_input *in, struct release *ret,
	bool *ret_existing) MUST_USE;

/* NULL members stay as they are; eol_at 0 takes the date back. channels: of drafts only. */
struct release_change {
	const channel_set *channels;
	const span *notes, *min_from;
	const bool *critical, *mandatory;
	const int64_t *eol_at;
};
err release_edit(
	struct task *t, span id, const struct release_change *c, struct release *ret) MUST_USE;
/* Drafts only, with their packages: what was published is withdrawn instead. */
err release_discard(struct task *t, span id) MUST_USE;
err release_show(struct task *t, span id, struct release *ret) MUST_USE;
/* f->product_id may be a name here. */
err release_page_of(struct task *t, const struct release_filter *f, span after, int64_t limit,
	struct release_list *ret) MUST_USE;

/* ERR_DENIED unless the caller may publish in all of these channels. */
err may_publish_in(struct task *t, channel_set channels) MUST_USE;
/* release_get with its failure in words. */
err release_find_for(struct db_tx *tx, struct task *t, span id, struct release *ret) MUST_USE;

#endif
