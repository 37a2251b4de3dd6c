/* Files that grow: locks, slots, offsets, digests across restarts, a full disk. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "base/encode.h"
#include "blob/upload_area.h"
#include "sys/files.h"

struct fixture {
	char dir[64];
	struct upload_area *area;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/slipway-area-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_ok(upload_area_open(f->dir, 2, &f->area));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	upload_area_free(f->area);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	int rc = system(command);

	free(f);
	return rc;
}

static void assert_digest(struct upload_file *u, const char *content)
{
	uint8_t got[SHA256_SIZE], want[SHA256_SIZE];

	assert_ok(upload_file_digest(u, got));
	sha256(span_from(content), want);
	assert_memory_equal(got, want, sizeof(want));
}

static struct upload_file *open_upload(struct fixture *f, const char *id)
{
	struct upload_file *u;

	assert_ok(upload_file_open(f->area, span_from(id), &u));
	return u;
}

static void test_bad_ids(void **state)
{
	struct fixture *f = *state;
	static const char *const ids[] = {"", ".", "..", "../x", "a/b", "a.b", "a b",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct upload_file *u;
	uint64_t size;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		span id = span_from(ids[i]);

		assert_row(upload_file_create(f->area, id) == ERR_INVALID, ids[i]);
		assert_row(upload_file_open(f->area, id, &u) == ERR_INVALID, ids[i]);
		assert_row(upload_file_size(f->area, id, &size) == ERR_INVALID, ids[i]);
		assert_row(upload_file_remove(f->area, id) == ERR_INVALID, ids[i]);
	}
}

static void test_absent_and_twice(void **state)
{
	struct fixture *f = *state;
	struct upload_file *u;
	uint64_t size;

	assert_int_equal(upload_file_open(f->area, SPAN("upl_1"), &u), ERR_NOT_FOUND);
	assert_int_equal(upload_file_size(f->area, SPAN("upl_1"), &size), ERR_NOT_FOUND);
	assert_ok(upload_file_remove(f->area, SPAN("upl_1")));
	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	assert_int_equal(upload_file_create(f->area, SPAN("upl_1")), ERR_CONFLICT);
}

static void test_one_writer_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct upload_file *second;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	struct upload_file *first = open_upload(f, "upl_1");

	assert_int_equal(upload_file_open(f->area, SPAN("upl_1"), &second), ERR_CONFLICT);
	assert_int_equal(upload_file_remove(f->area, SPAN("upl_1")), ERR_CONFLICT);
	upload_file_free(first);
}

static void test_slots(void **state)
{
	struct fixture *f = *state;
	struct upload_file *one, *two, *three;

	assert_ok(upload_file_create(f->area, SPAN("a")));
	assert_ok(upload_file_create(f->area, SPAN("b")));
	assert_ok(upload_file_create(f->area, SPAN("c")));
	one = open_upload(f, "a");
	two = open_upload(f, "b");
	assert_int_equal(upload_file_open(f->area, SPAN("c"), &three), ERR_BUSY);
	upload_file_free(one);
	three = open_upload(f, "c");
	/* A refusal gives its slot back. */
	upload_file_free(two);
	for (int i = 0; i < 5; i++)
		assert_int_equal(upload_file_open(f->area, SPAN("none"), &one), ERR_NOT_FOUND);
	one = open_upload(f, "a");
	upload_file_free(one);
	upload_file_free(three);
}

static void test_pieces(void **state)
{
	struct fixture *f = *state;
	uint64_t size;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	struct upload_file *u = open_upload(f, "upl_1");

	assert_digest(u, "");
	assert_ok(upload_file_write(u, SPAN("hello ")));
	assert_ok(upload_file_sync(u));
	assert_int_equal(upload_file_offset(u), 6);
	upload_file_free(u);
	assert_ok(upload_file_size(f->area, SPAN("upl_1"), &size));
	assert_int_equal(size, 6);
	u = open_upload(f, "upl_1");
	assert_int_equal(upload_file_offset(u), 6);
	assert_ok(upload_file_write(u, SPAN("world")));
	assert_digest(u, "hello world");
	assert_ok(upload_file_write(u, SPAN("!")));
	assert_digest(u, "hello world!");
	upload_file_free(u);
}

static void test_cut(void **state)
{
	struct fixture *f = *state;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	AUTO_PTR(upload_file) u = open_upload(f, "upl_1");

	assert_ok(upload_file_write(u, SPAN("good")));
	assert_ok(upload_file_write(u, SPAN("bad")));
	assert_int_equal(upload_file_cut(u, 8), ERR_INVALID);
	assert_ok(upload_file_cut(u, 4));
	assert_int_equal(upload_file_offset(u), 4);
	assert_ok(upload_file_write(u, SPAN("better")));
	assert_digest(u, "goodbetter");
}

/* A restart forgets digests: they come from the file. */
static void test_restart(void **state)
{
	struct fixture *f = *state;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	struct upload_file *u = open_upload(f, "upl_1");

	assert_ok(upload_file_write(u, SPAN("before ")));
	upload_file_free(u);
	upload_area_free(f->area);
	assert_ok(upload_area_open(f->dir, 2, &f->area));
	u = open_upload(f, "upl_1");
	assert_int_equal(upload_file_offset(u), 7);
	assert_ok(upload_file_write(u, SPAN("after")));
	assert_digest(u, "before after");
	upload_file_free(u);
}

/* More uploads than kept digests: whoever was pushed out is computed again. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	char id[16];

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 80; i++) {
			(void)snprintf(id, sizeof(id), "upl_%d", i);
			if (round == 0)
				assert_ok(upload_file_create(f->area, span_from(id)));
			AUTO_PTR(upload_file) u = open_upload(f, id);

			assert_ok(upload_file_write(u, round == 0 ? SPAN("one") : SPAN("two")));
			if (round == 1)
				assert_digest(u, "onetwo");
		}
}

/* Who waited for the lock of an upload that was moved away meanwhile does not get its new owner's
 * file. */
static void test_moved_away(void **state)
{
	struct fixture *f = *state;
	char away[96];
	struct upload_file *again;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	struct upload_file *u = open_upload(f, "upl_1");

	(void)snprintf(away, sizeof(away), "%s/moved", f->dir);
	assert_int_equal(rename(upload_file_path(u), away), 0);
	upload_file_free(u);
	assert_int_equal(upload_file_open(f->area, SPAN("upl_1"), &again), ERR_NOT_FOUND);
}

static err count_upload(void *ctx, span id, int64_t changed_us)
{
	assert_true(id.len > 0 && changed_us > 0);
	++*(unsigned *)ctx;
	return OK;
}

static void test_each(void **state)
{
	struct fixture *f = *state;
	unsigned count = 0;

	assert_ok(upload_file_create(f->area, SPAN("upl_1")));
	assert_ok(upload_file_create(f->area, SPAN("upl_2")));
	assert_ok(upload_area_each(f->area, count_upload, &count));
	assert_int_equal(count, 2);
}

static void test_room(void **state)
{
	struct fixture *f = *state;

	assert_ok(upload_area_room(f->area, 1));
	assert_int_equal(upload_area_room(f->area, UINT64_C(1) << 60), ERR_NO_SPACE);
	assert_int_equal(upload_area_room(f->area, UINT64_MAX), ERR_NO_SPACE);
}

/* In a child with a disk of its own, so small that it fills up. 0: all as expected. */
static int fill_small_disk(const char *dir)
{
	static char block[65536];
	struct upload_area *area;
	struct upload_file *u;
	uint64_t size;
	err e = OK;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
		return 77;
	if (upload_area_open(dir, 1, &area) || upload_file_create(area, SPAN("u")) ||
		upload_file_open(area, SPAN("u"), &u))
		return 1;
	if (upload_area_room(area, 1) != ERR_NO_SPACE)
		return 2;
	for (int i = 0; i < 64 && !e; i++)
		e = upload_file_write(u, span_of(block, sizeof(block)));
	if (e != ERR_NO_SPACE || upload_file_offset(u) == 0)
		return 3;
	if (upload_file_sync(u) || upload_file_size(area, SPAN("u"), &size) ||
		size != upload_file_offset(u))
		return 4;
	upload_file_free(u);
	upload_area_free(area);
	return 0;
}

static void test_disk_full(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fill_small_disk(f->dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no right to mount */
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_bad_ids),
		CASE(test_absent_and_twice),
		CASE(test_one_writer_at_a_time),
		CASE(test_slots),
		CASE(test_pieces),
		CASE(test_cut),
		CASE(test_restart),
		CASE(test_many),
		CASE(test_moved_away),
		CASE(test_each),
		CASE(test_room),
		CASE(test_disk_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
