/*
 * The choice of a release: a walk from the newest to the oldest, stopped by the first that passes
 * every test. Hard rule: nothing that is not newer than what is installed is ever offered, so a
 * client cannot be sent back to a release with known holes.
 *
 * Of the tests that failed, the one of the newest release is the reason in the answer. The path
 * over intermediates needs no search: from the newest release that installs over what is there,
 * every release of any other path can be reached too.
 */
#include "update/update.h"

#include "crypto/digest.h"

#include "base/banned.h"

#define COHORT_INPUT_MAX 512 /* seed and device id */

/* What is known while walking. */
struct walk {
	const struct update_request *rq;
	const struct update_index *index;
	struct update_choice *choice;
	bool any;          /* a release that is out stands in the channel */
	bool passed_over;  /* choice->reason says why a newer release was not chosen */
	bool step_skipped; /* a release was good but for min_from */
};

uint32_t update_cohort(span rollout_seed, span device, uint32_t client_cohort)
{
	uint8_t digest[SHA256_SIZE];
	char memory[COHORT_INPUT_MAX + 1];
	struct buf input;

	buf_init_fixed(&input, memory, sizeof(memory));
	buf_add(&input, rollout_seed);
	if (device.len) {
		buf_add(&input, device);
	} else {
		buf_add_byte(&input, (char)(client_cohort >> 8 & 0xFF));
		buf_add_byte(&input, (char)(client_cohort & 0xFF));
	}
	if (buf_error(&input))
		return UPDATE_COHORTS - 1; /* no such ids are made; the last to be served */
	sha256(buf_span(&input), digest);
	return (uint32_t)digest[0] << 8 | digest[1];
}

static uint32_t cohort_of(const struct update_request *rq, span seed)
{
	if (rq->device.len == 0 && !rq->has_cohort)
		return UPDATE_COHORTS - 1;
	return update_cohort(seed, rq->device, rq->cohort);
}

/* OK is UPDATE_AVAILABLE in all checks here. */
static enum update_reason check_rollout(
	const struct update_request *rq, const struct update_release *r)
{
	if (r->state == RELEASE_PAUSED || r->rollout_paused)
		return UPDATE_ROLLOUT_PAUSED;
	if (r->rollout_seed.len == 0 || rq->manual || (r->critical && r->critical_skips_wait))
		return UPDATE_AVAILABLE;
	return cohort_of(rq, r->rollout_seed) < r->rollout_reach ? UPDATE_AVAILABLE
								 : UPDATE_ROLLOUT_WAIT;
}

/* Takes the next dotted number; a part that is none counts as 0, as does a missing one. */
static uint64_t next_number(span *rest)
{
	uint64_t n = 0;
	span part;

	if (!span_cut(rest, '.', &part) || span_to_u64(part, UINT64_MAX, &n))
		return 0;
	return n;
}

static bool is_os_older(span os, span least)
{
	while (os.ptr || least.ptr) {
		uint64_t a = next_number(&os), b = next_number(&least);

		if (a != b)
			return a < b;
	}
	return false;
}

static enum policy_reason judge_package(const struct update_request *rq,
	const struct update_release *r, const struct update_package *p)
{
	struct policy_object o = {.class_ = p->class_,
		.state = r->state,
		.org = p->org,
		.entitlement = p->entitlement,
		.countries_denied = r->countries_denied,
		.countries_allowed = r->countries_allowed};

	return policy_decide(&rq->subject, &o, rq->now_us);
}

/*
 * The first package in this format (empty: any) for this system that the caller may have. Of
 * several packages that will not do, the one that came nearest gives the reason.
 */
static enum update_reason pick_package(const struct update_request *rq, span format,
	const struct update_release *r, size_t *ret_at, enum policy_reason *ret_policy)
{
	enum update_reason reason = r->packages_count ? UPDATE_NO_FORMAT : UPDATE_NO_PACKAGE;

	for (size_t i = 0; i < r->packages_count; i++) {
		const struct update_package *p = &r->packages[i];

		if (format.len && !span_eq(format, p->format))
			continue;
		if (rq->os_version.len && is_os_older(rq->os_version, p->min_os_version)) {
			if (reason == UPDATE_NO_FORMAT)
				reason = UPDATE_OS_TOO_OLD;
			continue;
		}
		enum policy_reason policy = judge_package(rq, r, p);

		if (policy == POLICY_ALLOW) {
			*ret_at = i;
			return UPDATE_AVAILABLE;
		}
		if (reason != UPDATE_NOT_ENTITLED)
			*ret_policy = policy;
		reason = UPDATE_NOT_ENTITLED;
	}
	return reason;
}

static enum update_reason check_step(
	const struct update_request *rq, const struct update_release *r)
{
	struct semver least;

	if (!rq->has_installed || r->min_from.len == 0)
		return UPDATE_AVAILABLE;
	if (semver_parse(r->min_from, &least) || semver_cmp(&rq->installed, &least) < 0)
		return UPDATE_UNREACHABLE;
	return UPDATE_AVAILABLE;
}

/* Finds a release and package for each requirement of r; they are written to the choice. */
static enum update_reason resolve(struct walk *w, const struct update_release *r, span format)
{
	for (size_t i = 0; i < r->requires_count; i++) {
		const struct update_requirement *need = &r->requires[i];
		struct update_release found;
		enum policy_reason policy;
		size_t at;

		if (!w->index->resolve(w->index->ctx, need->product, need->range, &found) ||
			found.state != RELEASE_PUBLISHED)
			return UPDATE_DEPENDENCY;
		/* In the same format where there is one: a deb is installed with debs. */
		if (pick_package(w->rq, format, &found, &at, &policy) &&
			pick_package(w->rq, SPAN_EMPTY, &found, &at, &policy))
			return UPDATE_DEPENDENCY;
		w->choice->requires[i].product = need->product;
		w->choice->requires[i].range = need->range;
		w->choice->requires[i].version = found.version_text;
		w->choice->requires[i].release_id = found.id;
		w->choice->requires[i].package_id = found.packages[at].id;
	}
	return UPDATE_AVAILABLE;
}

static enum update_reason examine(
	struct walk *w, const struct update_release *r, enum policy_reason *ret_policy)
{
	const struct update_request *rq = w->rq;
	enum update_reason reason;
	size_t at = 0;

	if (rq->pin.len && !semver_range_matches(rq->pin, &r->version))
		return UPDATE_PINNED;
	reason = check_rollout(rq, r);
	if (!reason)
		reason = pick_package(rq, rq->format, r, &at, ret_policy);
	if (!reason)
		reason = check_step(rq, r);
	if (!reason)
		reason = resolve(w, r, r->packages[at].format);
	if (!reason)
		w->choice->package = at;
	return reason;
}

/* The newest release's reason stays; only a release outside the pin gives way to one inside. */
static void pass_over(struct walk *w, enum update_reason reason, enum policy_reason policy)
{
	if (reason == UPDATE_UNREACHABLE)
		w->step_skipped = true;
	if (w->passed_over && (w->choice->reason != UPDATE_PINNED || reason == UPDATE_PINNED))
		return;
	w->passed_over = true;
	w->choice->reason = reason;
	w->choice->policy = policy;
}

/* True when the walk is over. */
static bool consider(struct walk *w, const struct update_release *r)
{
	enum policy_reason policy = POLICY_ALLOW;

	if (r->state != RELEASE_PUBLISHED && r->state != RELEASE_PAUSED)
		return false;
	w->any = true;
	if (w->rq->has_installed && semver_cmp(&r->version, &w->rq->installed) <= 0)
		return true;
	enum update_reason reason = examine(w, r, &policy);

	if (reason) {
		pass_over(w, reason, policy);
		return false;
	}
	w->choice->update = true;
	w->choice->reason = w->step_skipped ? UPDATE_INTERMEDIATE : UPDATE_AVAILABLE;
	w->choice->policy = POLICY_ALLOW;
	w->choice->requires_count = r->requires_count;
	return true;
}

void update_choose(const struct update_request *rq, const struct update_index *index,
	struct update_choice *ret)
{
	struct walk w = {.rq = rq, .index = index, .choice = ret};
	/* The walk reads into the choice itself: releases are large, copies would be the whole
	 * cost. */
	struct update_release *r = &ret->release;

	ret->update = false;
	ret->reason = UPDATE_CURRENT;
	ret->policy = POLICY_ALLOW;
	ret->package = ret->requires_count = 0;
	/* Also to a client that is up to date: it must renew before the next release comes. */
	if (rq->subject.stale) {
		ret->reason = UPDATE_CREDENTIALS_STALE;
		ret->policy = POLICY_CREDENTIALS_STALE;
		return;
	}
	for (size_t i = 0; i < UPDATE_MAX_WALK && index->next(index->ctx, r); i++)
		if (consider(&w, r))
			return;
	if (!w.any)
		ret->reason = UPDATE_CHANNEL_EMPTY;
}
