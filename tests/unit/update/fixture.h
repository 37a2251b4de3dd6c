#ifndef SLIPWAY_TESTS_UNIT_UPDATE_FIXTURE_H
#define SLIPWAY_TESTS_UNIT_UPDATE_FIXTURE_H

/* An index in memory and the usual release, package and request, to be changed by each test. */

#include "test.h"

#include "update/update.h"

#define NOW INT64_C(1700000000000000)

struct shelf {
	struct update_release releases[8]; /* newest first */
	size_t count, at;
	const char *needed_product; /* the one other product there is, or NULL */
	struct update_release needed;
	struct update_index index;
};

static inline bool shelf_next(void *ctx, struct update_release *ret)
{
	struct shelf *s = ctx;

	if (s->at == s->count)
		return false;
	*ret = s->releases[s->at++];
	return true;
}

static inline bool shelf_resolve(void *ctx, span product, span range, struct update_release *ret)
{
	struct shelf *s = ctx;

	if (!s->needed_product || !span_is(product, s->needed_product) ||
		!semver_range_matches(range, &s->needed.version))
		return false;
	*ret = s->needed;
	return true;
}

static inline struct update_release release(const char *version)
{
	struct update_release r = {.id = span_from(version),
		.version_text = span_from(version),
		.state = RELEASE_PUBLISHED,
		.rollout_reach = UPDATE_COHORTS,
		.packages_count = 1,
		.packages = {{.id = SPAN("pkg_1"),
			.filename = SPAN("p.deb"),
			.format = SPAN("deb"),
			.class_ = CLASS_PUBLIC}}};

	assert_ok(semver_parse(r.version_text, &r.version));
	return r;
}

/* Versions newest first, NULL at the end. */
static inline struct shelf shelf_of(const char *const *versions)
{
	struct shelf s = {.count = 0};

	for (; *versions; versions++)
		s.releases[s.count++] = release(*versions);
	return s;
}

static inline struct update_request request(const char *installed)
{
	struct update_request rq = {.has_installed = installed != NULL, .now_us = NOW};

	if (installed)
		assert_ok(semver_parse(span_from(installed), &rq.installed));
	return rq;
}

static inline struct update_choice choose(struct shelf *s, const struct update_request *rq)
{
	struct update_choice c;

	s->at = 0;
	s->index = (struct update_index){.next = shelf_next, .resolve = shelf_resolve, .ctx = s};
	update_choose(rq, &s->index, &c);
	return c;
}

#endif
