#ifndef SLIPWAY_SERVICE_PACKAGES_H
#define SLIPWAY_SERVICE_PACKAGES_H

/* Packages of releases: adding, reading, removing from drafts, blocking. */

#include "catalog/package.h"
#include "service/service.h"

struct package_input {
	span release_id, upload_id;
	span filename; /* empty: that of the upload */
	span platform;
	span format; /* empty: what the file is */
	enum package_class class_;
	span entitlement, organisation, min_os_version;
	const struct requirement *requires; /* product_name (or id) and range */
	size_t requires_count;
	span signature; /* minisign signature text, or empty */
	bool strict;    /* warnings are errors */
};

#define PACKAGE_WARNINGS_MAX 4

struct package_result {
	struct package package;
	bool existing; /* these bytes were there already */
	const char *warnings[PACKAGE_WARNINGS_MAX];
	size_t warnings_count;
};

/*
 * Adds the uploaded file as a package. The same bytes again give the package that is there; other
 * bytes for a platform and format that are taken are ERR_CONFLICT package_exists. The file decides:
 * ERR_INVALID format_mismatch or architecture_mismatch when it is not what was declared; a version
 * that differs from the release's is a warning. A signature must be by a publisher key of the
 * product. On a release that is published already the package is published with it.
 */
err package_create(
	struct task *t, const struct package_input *in, struct package_result *ret) MUST_USE;
err package_show(struct task *t, span id, struct package *ret) MUST_USE;
err package_page_of(struct task *t, span release_id, span after, int64_t limit,
	struct package_list *ret) MUST_USE;
/* Of drafts only. */
err package_discard(struct task *t, span id) MUST_USE;

/* Blocks the package's bytes wherever they are offered, in force at once; lifts that block. */
err package_block(struct task *t, span id, span reason, struct package *ret) MUST_USE;
err package_unblock(struct task *t, span id, struct package *ret) MUST_USE;

#endif
