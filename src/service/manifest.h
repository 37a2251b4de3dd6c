#ifndef SLIPWAY_SERVICE_MANIFEST_H
#define SLIPWAY_SERVICE_MANIFEST_H

/*
 * What a caller may see of a product: releases and those of their packages that the caller could
 * download now. A release of which nothing may be had does not exist for the caller.
 */

#include "catalog/types.h"
#include "service/service.h"

struct manifest_query {
	span product; /* id or name */
	enum channel channel;
	span version, platform; /* empty: any */
	span after;             /* release id: continue below it */
	int64_t limit;          /* releases looked at */
};

struct manifest_release {
	struct release release;
	struct package_list packages;
};

struct manifest {
	struct product product;
	struct manifest_release *releases; /* newest version first */
	size_t count;
	span next; /* to continue after, or empty */
};

/* A page may hold fewer releases than the limit although there are more: next tells. */
err manifest_make(struct task *t, const struct manifest_query *q, struct manifest *ret) MUST_USE;
/* The notes of a release the caller may see something of. ERR_NOT_FOUND. */
err manifest_notes(struct task *t, span release_id, span *ret) MUST_USE;

#endif
