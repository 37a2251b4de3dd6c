/* The change feed and the publisher: what a transaction put is in the state, in order, always. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/statement.h"
#include "feed/feed.h"
#include "sys/clock.h"

#define WAIT_US INT64_C(10000000)

static const struct db_statement raise_incarnation = {
	"raise_incarnation", "UPDATE change_head SET incarnation = incarnation + 1, seq = 0", 0};
static const struct db_statement forget_changes = {"forget_changes", "DELETE FROM changes", 0};

struct world {
	char dir[64];
	struct db *db;
	struct state *state;
	struct publisher *publisher;
};

struct change {
	span key, value;
	bool delete, two, fail;
	int64_t expires_at_us;
	uint64_t seq;
};

static err write_change(struct db_tx *tx, void *arg)
{
	struct change *c = arg;
	struct feed_batch b;

	feed_begin(&b, tx);
	err e = c->delete ? feed_delete(&b, c->key, clock_wall_us())
			  : feed_put(&b, c->key, c->value, c->expires_at_us);

	if (!e && c->two)
		e = feed_put(&b, SPAN("second"), c->value, 0);
	if (!e)
		e = feed_seal(&b, &c->seq);
	return e ? e : c->fail ? ERR_CONFLICT : OK;
}

static err seal_nothing(struct db_tx *tx, void *arg)
{
	struct feed_batch b;

	feed_begin(&b, tx);
	return feed_seal(&b, arg);
}

static err replace_database(struct db_tx *tx, void *arg)
{
	(void)arg;
	err e = db_exec(tx, forget_changes);

	return e ? e : db_exec(tx, raise_incarnation);
}

static bool state_has(struct state *s, span key, span expected)
{
	struct state_view v;
	span value;

	assert_int_equal(state_begin(s, &v), OK);
	bool same = state_find(&v, key, &value) && span_eq(value, expected);

	state_end(&v);
	return same;
}

static bool state_lacks(struct state *s, span key)
{
	struct state_view v;
	span value;

	assert_int_equal(state_begin(s, &v), OK);
	bool found = state_find(&v, key, &value);

	state_end(&v);
	return !found;
}

static void open_state(struct world *w)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/state", w->dir);
	assert_int_equal(state_open(path, STATE_WRITE, &w->state), OK);
}

static int setup(void **state)
{
	static struct world w;
	char url[96];
	unsigned applied;

	w = (struct world){.dir = "/tmp/slipway-feed-XXXXXX"};
	assert_non_null(mkdtemp(w.dir));
	(void)snprintf(url, sizeof(url), "sqlite:%s/db", w.dir);
	struct db_options options = {.url = url, .max_sessions = 4, .wait_us = WAIT_US};

	assert_int_equal(db_open(&options, &w.db), OK);
	assert_int_equal(db_migrate(w.db, &applied), OK);
	open_state(&w);
	assert_int_equal(publisher_start(w.db, w.state, &w.publisher), OK);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = {
		"state/data.mdb", "state/lock.mdb", "state", "db-wal", "db-shm", "db", ""};
	struct world *w = *state;
	char path[96];

	publisher_stop(w->publisher);
	state_close(w->state);
	db_close(w->db);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		(void)remove(path); /* some were never made */
	}
	return 0;
}

static void put(struct world *w, struct change *c)
{
	assert_int_equal(db_transact(w->db, DB_WRITE, write_change, c), OK);
	assert_int_equal(publisher_wait(w->publisher, c->seq, WAIT_US), OK);
}

static void a_change_that_was_rolled_back_is_never_published(void **state)
{
	struct world *w = *state;
	struct change lost = {.key = SPAN("k"), .value = SPAN("lost"), .fail = true};
	struct change next = {.key = SPAN("other"), .value = SPAN("kept")};

	assert_int_equal(db_transact(w->db, DB_WRITE, write_change, &lost), ERR_CONFLICT);
	put(w, &next);
	assert_true(state_lacks(w->state, SPAN("k")));
	assert_true(state_has(w->state, SPAN("other"), SPAN("kept")));
}

static void nothing_to_seal_takes_no_sequence(void **state)
{
	struct world *w = *state;
	uint64_t seq = 77;

	assert_int_equal(db_transact(w->db, DB_WRITE, seal_nothing, &seq), OK);
	assert_int_equal(seq, 0);
	assert_int_equal(publisher_wait(w->publisher, 0, 0), OK);
}

static void waiting_for_what_never_comes_ends(void **state)
{
	struct world *w = *state;

	assert_int_equal(publisher_wait(w->publisher, 1000, 300000), ERR_UNAVAILABLE);
	struct change c = {.key = SPAN("k"), .value = SPAN("v")};

	put(w, &c);
	assert_true(state_has(w->state, SPAN("k"), SPAN("v")));
}

static void puts_and_deletes_arrive_together_and_in_order(void **state)
{
	struct world *w = *state;
	struct change c = {.key = SPAN("k"), .value = SPAN("1"), .two = true};

	put(w, &c);
	assert_true(state_has(w->state, SPAN("k"), SPAN("1")));
	assert_true(state_has(w->state, SPAN("second"), SPAN("1")));
	c.value = SPAN("2");
	put(w, &c);
	assert_true(state_has(w->state, SPAN("k"), SPAN("2")));
	c = (struct change){.key = SPAN("k"), .delete = true};
	put(w, &c);
	assert_true(state_lacks(w->state, SPAN("k")));
}

static void an_entry_disappears_when_its_time_has_come(void **state)
{
	struct world *w = *state;
	int64_t now = clock_wall_us();
	struct change c = {.key = SPAN("k"), .value = SPAN("v"), .expires_at_us = now + 1000000};
	uint64_t seq;

	put(w, &c);
	assert_int_equal(feed_expire(w->db, now, &seq), OK);
	assert_int_equal(seq, 0);
	assert_int_equal(feed_expire(w->db, now + 2000000, &seq), OK);
	assert_int_equal(publisher_wait(w->publisher, seq, WAIT_US), OK);
	assert_true(state_lacks(w->state, SPAN("k")));
	/* The tombstone goes too, later; a state that is older than it is then rebuilt. */
	assert_int_equal(feed_expire(w->db, now + INT64_C(8) * 86400000000, &seq), OK);
}

static void a_deleted_state_is_rebuilt(void **state)
{
	struct world *w = *state;
	struct change c = {.key = SPAN("k"), .value = SPAN("v")};
	char path[96];

	put(w, &c);
	publisher_stop(w->publisher);
	state_close(w->state);
	(void)snprintf(path, sizeof(path), "%s/state/data.mdb", w->dir);
	assert_int_equal(unlink(path), 0);
	open_state(w);
	assert_true(state_lacks(w->state, SPAN("k")));
	assert_int_equal(publisher_start(w->db, w->state, &w->publisher), OK);
	assert_true(state_has(w->state, SPAN("k"), SPAN("v")));
}

static void a_restored_database_replaces_the_state(void **state)
{
	struct world *w = *state;
	struct change c = {.key = SPAN("k"), .value = SPAN("old")};

	put(w, &c);
	publisher_stop(w->publisher);
	assert_int_equal(db_transact(w->db, DB_WRITE, replace_database, NULL), OK);
	c = (struct change){.key = SPAN("new"), .value = SPAN("new")};
	assert_int_equal(db_transact(w->db, DB_WRITE, write_change, &c), OK);
	assert_int_equal(publisher_start(w->db, w->state, &w->publisher), OK);
	assert_true(state_lacks(w->state, SPAN("k")));
	assert_true(state_has(w->state, SPAN("new"), SPAN("new")));
}

struct writer {
	struct world *w;
	int number;
};

/* Gives NULL, or the writer itself when what it wrote was not there. */
static void *write_many(void *arg)
{
	struct writer *me = arg;
	char key[32], value[32];

	for (int i = 0; i < 30; i++) {
		struct change c = {0};

		(void)snprintf(key, sizeof(key), "w%d", me->number);
		(void)snprintf(value, sizeof(value), "%d", i);
		c.key = span_from(key);
		c.value = span_from(value);
		if (db_transact(me->w->db, DB_WRITE, write_change, &c) ||
			publisher_wait(me->w->publisher, c.seq, WAIT_US))
			return me;
		if (!state_has(me->w->state, c.key, c.value))
			return me;
	}
	return NULL;
}

static void what_is_acknowledged_is_in_the_state_for_every_writer(void **state)
{
	pthread_t threads[16];
	struct writer writers[16];

	for (int i = 0; i < 16; i++) {
		writers[i] = (struct writer){*state, i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (int i = 0; i < 16; i++) {
		void *complaint;

		pthread_join(threads[i], &complaint);
		assert_null(complaint);
	}
	assert_int_equal(publisher_position(((struct world *)*state)->publisher), 16 * 30);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_change_that_was_rolled_back_is_never_published),
		CASE(nothing_to_seal_takes_no_sequence),
		CASE(waiting_for_what_never_comes_ends),
		CASE(puts_and_deletes_arrive_together_and_in_order),
		CASE(an_entry_disappears_when_its_time_has_come),
		CASE(a_deleted_state_is_rebuilt),
		CASE(a_restored_database_replaces_the_state),
		CASE(what_is_acknowledged_is_in_the_state_for_every_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
