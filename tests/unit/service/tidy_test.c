/* Removing what nobody needs, and nothing else; finding damage. On both engines. */
#include <sys/stat.h>
#include <sys/time.h>

#include "store_world.h"

#include "base/encode.h"
#include "base/time.h"
#include "catalog/stored.h"
#include "catalog/upload.h"
#include "crypto/digest.h"
#include "db/statement.h"
#include "service/scrub.h"
#include "service/tidy.h"
#include "service/uploads.h"
#include "state/records.h"
#include "sys/clock.h"
#include "sys/files.h"

#define SCRIPT "#!/bin/sh\n"

static const struct db_statement make_removing = {
	"make_removing", "UPDATE blobs SET state = 'removing' WHERE sha256 = $1", 1};
static const struct db_statement forget_row = {
	"forget_row", "DELETE FROM blobs WHERE sha256 = $1", 1};

static atomic_bool running; /* false: nobody stops the scrubber */

struct statement {
	const struct db_statement *statement;
	span sha256;
};

static err run_statement(struct db_tx *tx, void *arg)
{
	const struct statement *s = arg;

	return db_exec(tx, *s->statement, DB_TEXT(s->sha256));
}

static void change_row(struct world *w, const struct db_statement *statement, span sha256)
{
	struct statement s = {statement, sha256};

	assert_ok(db_transact(w->service.db, DB_WRITE, run_statement, &s));
}

/* Uploads a whole file and gives what is known of it. */
static struct upload_view upload(struct world *w, span bytes)
{
	struct upload_input in = {
		.filename = SPAN("a.run"), .has_length = true, .length = bytes.len};
	struct upload_session *s;
	struct upload_view v;

	assert_ok(upload_begin_whole(&w->task, &in, &s));
	assert_ok(upload_receive(&w->task, s, bytes));
	assert_ok(upload_end(&w->task, s, true, &v));
	return v;
}

static unsigned tidied(struct world *w, err (*tidy)(struct task *t, unsigned *ret))
{
	unsigned count = 99;

	assert_ok(tidy(&w->task, &count));
	return count;
}

static bool is_stored(struct world *w, span sha256)
{
	return blob_exists(w->service.blobs, sha256);
}

static const char *blob_path(struct world *w, span sha256)
{
	return arena_printf(w->arena, "%s/blobs/%.2s/%.2s/%.*s", w->dir, sha256.ptr, sha256.ptr + 2,
		SPAN_ARG(sha256));
}

static void make_old(const char *path)
{
	struct timeval old[2] = {{1000000000, 0}, {1000000000, 0}};

	assert_int_equal(utimes(path, old), 0);
}

/* A finished upload holds its bytes until it expires; then a day of grace; then they go. */
static void test_orphans(void **state)
{
	struct world w;

	world_open(&w, state, clock_wall_us());
	struct upload_view v = upload(&w, SPAN(SCRIPT "orphan"));

	w.task.now_us += 10 * TIME_DAY;
	assert_int_equal(tidied(&w, tidy_blobs), 0); /* the upload holds it */
	w.task.now_us = v.upload.created_at + TIME_HOUR;
	assert_int_equal(tidied(&w, tidy_uploads), 0);
	w.task.now_us = v.upload.expires_at;
	assert_int_equal(tidied(&w, tidy_uploads), 1);
	assert_int_equal(tidied(&w, tidy_blobs), 0); /* grace */
	assert_true(is_stored(&w, v.upload.sha256));
	w.task.now_us += TIDY_GRACE_US + 1;
	assert_int_equal(tidied(&w, tidy_blobs), 1);
	assert_false(is_stored(&w, v.upload.sha256));
	assert_int_equal(tidied(&w, tidy_blobs), 0);
	world_close(&w);
}

/* The same bytes uploaded again are wanted again. */
static void test_wanted_again(void **state)
{
	struct world w;

	world_open(&w, state, clock_wall_us());
	struct upload_view v = upload(&w, SPAN(SCRIPT "again"));

	w.task.now_us = v.upload.expires_at;
	assert_int_equal(tidied(&w, tidy_uploads), 1);
	w.task.now_us += TIDY_GRACE_US + 1;
	struct upload_view again = upload(&w, SPAN(SCRIPT "again"));

	assert_true(span_eq(again.upload.sha256, v.upload.sha256));
	assert_int_equal(tidied(&w, tidy_blobs), 0);
	assert_true(is_stored(&w, v.upload.sha256));
	world_close(&w);
}

/* A removal that a crash cut short is finished, with or without the file. */
static void test_removal_goes_on(void **state)
{
	struct world w;

	world_open(&w, state, clock_wall_us());
	struct upload_view with = upload(&w, SPAN(SCRIPT "one")),
			   without = upload(&w, SPAN(SCRIPT "two"));

	change_row(&w, &make_removing, with.upload.sha256);
	change_row(&w, &make_removing, without.upload.sha256);
	assert_ok(blob_remove(w.service.blobs, without.upload.sha256));
	/* Meanwhile nobody can have these bytes stored. */
	struct upload_input in = {.filename = SPAN("a.run"), .has_length = true, .length = 13};
	struct upload_session *s;
	struct upload_view v;

	assert_ok(upload_begin_whole(&w.task, &in, &s));
	assert_ok(upload_receive(&w.task, s, SPAN(SCRIPT "one")));
	assert_int_equal(upload_end(&w.task, s, true, &v), ERR_BUSY);
	assert_int_equal(tidied(&w, tidy_blobs), 2);
	assert_false(is_stored(&w, with.upload.sha256));
	(void)upload(&w, SPAN(SCRIPT "one"));
	assert_true(is_stored(&w, with.upload.sha256));
	world_close(&w);
}

/* Files without rows go when they are old; young ones may be about to get theirs. */
static void test_strays(void **state)
{
	struct world w;

	world_open(&w, state, clock_wall_us());
	struct upload_view stray = upload(&w, SPAN(SCRIPT "stray")),
			   kept = upload(&w, SPAN(SCRIPT "kept"));

	change_row(&w, &forget_row, stray.upload.sha256);
	assert_int_equal(tidied(&w, tidy_blob_files), 0);
	make_old(blob_path(&w, stray.upload.sha256));
	make_old(blob_path(&w, kept.upload.sha256));
	assert_int_equal(tidied(&w, tidy_blob_files), 1);
	assert_false(is_stored(&w, stray.upload.sha256));
	assert_true(is_stored(&w, kept.upload.sha256));
	world_close(&w);
}

static void test_stray_uploads(void **state)
{
	struct upload_input in = {.filename = SPAN("a.run"), .has_length = true, .length = 100};
	struct upload_view known;
	struct world w;
	uint64_t size;

	world_open(&w, state, clock_wall_us());
	assert_ok(upload_create(&w.task, &in, &known));
	assert_ok(upload_file_create(w.service.uploads, SPAN("upl_stray")));
	assert_int_equal(tidied(&w, tidy_upload_files), 0);
	make_old(world_path(&w, "uploads/upl_stray"));
	make_old(arena_printf(w.arena, "%s/uploads/%.*s", w.dir, SPAN_ARG(known.upload.id)));
	assert_int_equal(tidied(&w, tidy_upload_files), 1);
	assert_int_equal(
		upload_file_size(w.service.uploads, SPAN("upl_stray"), &size), ERR_NOT_FOUND);
	assert_ok(upload_file_size(w.service.uploads, known.upload.id, &size));
	world_close(&w);
}

/* Expiry leaves alone what is being written. */
static void test_expiry_of_a_running_upload(void **state)
{
	struct upload_input in = {.filename = SPAN("a.run"), .has_length = true, .length = 100};
	struct upload_session *s;
	struct upload_view v;
	struct world w;

	world_open(&w, state, clock_wall_us());
	assert_ok(upload_create(&w.task, &in, &v));
	assert_ok(upload_begin(&w.task, v.upload.id, 0, &s));
	w.task.now_us = v.upload.expires_at;
	assert_int_equal(tidied(&w, tidy_uploads), 0);
	assert_ok(upload_receive(&w.task, s, SPAN("#!")));
	assert_ok(upload_end(&w.task, s, false, &v));
	assert_int_equal(upload_show(&w.task, v.upload.id, &v), ERR_EXPIRED);
	assert_int_equal(tidied(&w, tidy_uploads), 1);
	assert_int_equal(upload_show(&w.task, v.upload.id, &v), ERR_NOT_FOUND);
	world_close(&w);
}

/* All bytes had arrived, then the process ended: whoever asks next finishes it. */
static void test_finished_late(void **state)
{
	struct upload_input in = {.filename = SPAN("a.run"), .has_length = true, .length = 15};
	struct upload_session *s;
	struct upload_view v;
	struct world w;

	world_open(&w, state, clock_wall_us());
	assert_ok(upload_create(&w.task, &in, &v));
	assert_ok(upload_begin(&w.task, v.upload.id, 0, &s));
	assert_ok(upload_receive(&w.task, s, SPAN(SCRIPT "there")));
	assert_ok(upload_end(&w.task, s, false, &v)); /* the answer was never given */
	assert_int_equal(v.upload.sha256.len, 0);
	assert_ok(upload_show(&w.task, v.upload.id, &v));
	assert_int_equal(v.upload.sha256.len, SHA256_HEX);
	assert_true(is_stored(&w, v.upload.sha256));
	world_close(&w);
}

/* ---- scrubbing ---- */

static bool is_blocked(struct world *w, span sha256)
{
	struct state_view v;
	span reason;
	AUTO(buf) key = {0};

	buf_init(&key, STATE_KEY_MAX);
	state_key_blocked(&key, sha256);
	assert_ok(state_begin(w->service.state, &v));
	bool found = state_find(&v, buf_span(&key), &reason);

	state_end(&v);
	return found;
}

static struct scrub_step scrub(struct world *w)
{
	struct scrub_step step;

	assert_ok(scrub_next(&w->task, &running, &step));
	return step;
}

static void damage(struct world *w, span sha256)
{
	const char *path = blob_path(w, sha256);

	assert_int_equal(chmod(path, 0600), 0);
	assert_ok(file_write_atomic(path, SPAN("damaged"), 0440));
}

static void test_scrub(void **state)
{
	struct scrub_report report;
	struct scrub_step step;
	struct world w;

	world_open(&w, state, clock_wall_us());
	assert_false(scrub(&w).checked);
	struct upload_view good = upload(&w, SPAN(SCRIPT "good")),
			   bad = upload(&w, SPAN(SCRIPT "bad"));

	assert_false(scrub(&w).checked); /* just seen */
	w.task.now_us += 8 * TIME_DAY;
	assert_ok(scrub_show(&w.task, &report));
	assert_int_equal(report.counts.due, 2);
	damage(&w, bad.upload.sha256);
	for (int i = 0; i < 2; i++) {
		step = scrub(&w);
		assert_true(step.checked);
		assert_int_equal(step.damaged, span_eq(step.sha256, bad.upload.sha256));
	}
	assert_false(scrub(&w).checked);
	assert_true(is_stored(&w, good.upload.sha256));
	assert_false(is_stored(&w, bad.upload.sha256));
	assert_false(is_blocked(&w, good.upload.sha256));
	assert_true(is_blocked(&w, bad.upload.sha256));
	/* The right bytes heal it. */
	(void)upload(&w, SPAN(SCRIPT "bad"));
	assert_false(is_blocked(&w, bad.upload.sha256));
	assert_true(is_stored(&w, bad.upload.sha256));
	/* A file that is gone is damage too. */
	assert_ok(blob_remove(w.service.blobs, good.upload.sha256));
	w.task.now_us += 1;
	assert_ok(scrub_request(&w.task, &report));
	assert_int_equal(report.counts.due, 2);
	w.task.now_us += 1;
	(void)scrub(&w);
	(void)scrub(&w);
	assert_true(is_blocked(&w, good.upload.sha256));
	assert_ok(scrub_show(&w.task, &report));
	assert_int_equal(report.counts.damaged, 1);
	assert_int_equal(report.counts.due, 0);
	world_close(&w);
}

/* Stopping in the middle leaves the blob due. */
static void test_scrub_stops(void **state)
{
	atomic_bool stopping = true;
	struct scrub_report report;
	struct scrub_step step;
	struct world w;

	world_open(&w, state, clock_wall_us());
	(void)upload(&w, SPAN(SCRIPT "long"));
	w.task.now_us += 8 * TIME_DAY;
	assert_int_equal(scrub_next(&w.task, &stopping, &step), ERR_CANCELLED);
	assert_ok(scrub_show(&w.task, &report));
	assert_int_equal(report.counts.due, 1);
	assert_int_equal(report.counts.damaged, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH_ENGINES(test_orphans),
		ON_BOTH_ENGINES(test_wanted_again),
		ON_BOTH_ENGINES(test_removal_goes_on),
		ON_BOTH_ENGINES(test_strays),
		ON_BOTH_ENGINES(test_stray_uploads),
		ON_BOTH_ENGINES(test_expiry_of_a_running_upload),
		ON_BOTH_ENGINES(test_finished_late),
		ON_BOTH_ENGINES(test_scrub),
		ON_BOTH_ENGINES(test_scrub_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
