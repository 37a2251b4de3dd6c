#ifndef SLIPWAY_TESTS_UNIT_SERVICE_STORE_WORLD_H
#define SLIPWAY_TESTS_UNIT_SERVICE_STORE_WORLD_H

/* A service with everything that use cases of the package store need, in a temporary directory. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "blob/blob.h"
#include "blob/upload_area.h"
#include "feed/feed.h"
#include "service/service.h"
#include "support/databases.h"

struct world {
	char dir[64];
	struct service service;
	struct conf *conf;
	struct arena *arena;
	struct caller caller;
	struct task task;
};

static inline const char *world_path(const struct world *w, const char *name)
{
	return arena_printf(w->arena, "%s/%s", w->dir, name);
}

/* now_us is the present of the task; tests move it. */
static inline void world_open(struct world *w, void **state, int64_t now_us)
{
	const char *problem = NULL;

	*w = (struct world){.arena = arena_new()};
	w->service.db = test_db(state);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/slipway-world-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_ok(conf_load(w->arena, world_path(w, "none"), NULL, 0, &w->conf, &problem));
	w->service.conf = w->conf;
	assert_ok(state_open(world_path(w, "state"), STATE_WRITE, &w->service.state));
	assert_ok(publisher_start(w->service.db, w->service.state, &w->service.publisher));
	assert_ok(blob_local_open(
		world_path(w, "blobs"), world_path(w, "quarantine"), &w->service.blobs));
	assert_ok(upload_area_open(world_path(w, "uploads"), 2, &w->service.uploads));
	w->caller = (struct caller){.kind = CALLER_ACCOUNT,
		.account = SPAN("acc_test"),
		.permissions =
			SPAN("release.publish.stable release.publish.beta release.publish.dev")};
	w->task = (struct task){
		.service = &w->service, .caller = &w->caller, .arena = w->arena, .now_us = now_us};
}

static inline void world_close(struct world *w)
{
	const char *command = arena_printf(w->arena, "rm -rf '%s'", w->dir);

	upload_area_free(w->service.uploads);
	blob_store_free(w->service.blobs);
	publisher_stop(w->service.publisher);
	state_close(w->service.state);
	conf_free(w->conf);
	assert_int_equal(system(command), 0);
	arena_free(w->arena);
}

#endif
