/* The store of blobs in files: names, permissions, replacing, quarantine, walking. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "blob/blob.h"
#include "sys/files.h"

#define NAME_A "ab12000000000000000000000000000000000000000000000000000000000000"
#define NAME_B "ab13000000000000000000000000000000000000000000000000000000000001"

struct fixture {
	char dir[64], blobs[96], quarantine[96], file[96], path_a[200];
	struct blob_store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/slipway-blob-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->blobs, sizeof(f->blobs), "%s/blobs", f->dir);
	(void)snprintf(f->quarantine, sizeof(f->quarantine), "%s/quarantine", f->dir);
	(void)snprintf(f->file, sizeof(f->file), "%s/upload", f->dir);
	(void)snprintf(f->path_a, sizeof(f->path_a), "%s/ab/12/" NAME_A, f->blobs);
	assert_ok(blob_local_open(f->blobs, f->quarantine, &f->store));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	blob_store_free(f->store);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	int rc = system(command);

	free(f);
	return rc;
}

static void put(struct fixture *f, const char *name, const char *content)
{
	assert_ok(file_write_atomic(f->file, span_from(content), 0600));
	assert_ok(blob_put(f->store, f->file, span_from(name)));
	assert_false(path_exists(f->file));
}

static void read_blob(struct fixture *f, const char *name, char *to, size_t size)
{
	int fd;

	assert_ok(blob_open(f->store, span_from(name), &fd));
	ssize_t n = read(fd, to, size - 1);

	assert_true(n >= 0);
	to[n] = '\0';
	(void)close(fd);
}

static void test_bad_names(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"", "ab", "../../../../etc/passwd",
		"AB12000000000000000000000000000000000000000000000000000000000000",
		"ab1200000000000000000000000000000000000000000000000000000000000/",
		"ab/../000000000000000000000000000000000000000000000000000000000", NAME_A "0"};
	uint64_t size;
	int fd;

	assert_ok(file_write_atomic(f->file, SPAN("x"), 0600));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		span name = span_from(names[i]);

		assert_row(blob_put(f->store, f->file, name) == ERR_INVALID, names[i]);
		assert_row(blob_open(f->store, name, &fd) == ERR_INVALID, names[i]);
		assert_row(blob_size(f->store, name, &size) == ERR_INVALID, names[i]);
		assert_row(blob_remove(f->store, name) == ERR_INVALID, names[i]);
		assert_row(blob_quarantine(f->store, name) == ERR_INVALID, names[i]);
	}
	assert_true(path_exists(f->file));
}

static void test_absent(void **state)
{
	struct fixture *f = *state;
	uint64_t size;
	int fd;

	assert_int_equal(blob_open(f->store, SPAN(NAME_A), &fd), ERR_NOT_FOUND);
	assert_int_equal(blob_size(f->store, SPAN(NAME_A), &size), ERR_NOT_FOUND);
	assert_false(blob_exists(f->store, SPAN(NAME_A)));
	assert_ok(blob_remove(f->store, SPAN(NAME_A)));
	assert_ok(blob_quarantine(f->store, SPAN(NAME_A)));
	assert_int_equal(
		blob_put(f->store, "/tmp/slipway-no-such-file", SPAN(NAME_A)), ERR_NOT_FOUND);
	assert_false(blob_exists(f->store, SPAN(NAME_A)));
}

static void test_put_and_read(void **state)
{
	struct fixture *f = *state;
	char text[32], dir[200];
	uint64_t size;
	struct stat st;

	put(f, NAME_A, "first");
	read_blob(f, NAME_A, text, sizeof(text));
	assert_string_equal(text, "first");
	assert_ok(blob_size(f->store, SPAN(NAME_A), &size));
	assert_int_equal(size, 5);
	assert_int_equal(stat(f->path_a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0440);
	(void)snprintf(dir, sizeof(dir), "%s/ab/12", f->blobs);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02750);
}

/* Other bytes under a name mean that the old ones were damaged: the new ones replace them. */
static void test_put_again_replaces(void **state)
{
	struct fixture *f = *state;
	char text[32];
	int fd;

	put(f, NAME_A, "dam4ged");
	assert_ok(blob_open(f->store, SPAN(NAME_A), &fd));
	put(f, NAME_A, "damaged");
	read_blob(f, NAME_A, text, sizeof(text));
	assert_string_equal(text, "damaged");
	/* Who had it open still reads what it opened. */
	assert_int_equal(read(fd, text, 7), 7);
	assert_memory_equal(text, "dam4ged", 7);
	(void)close(fd);
}

static void test_group_is_handed_on(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	if (geteuid() != 0)
		skip(); /* only root may give files to any group */
	blob_store_free(f->store);
	assert_int_equal(chown(f->blobs, (uid_t)-1, 12345), 0);
	assert_ok(blob_local_open(f->blobs, f->quarantine, &f->store));
	put(f, NAME_A, "x");
	assert_int_equal(stat(f->path_a, &st), 0);
	assert_int_equal(st.st_gid, 12345);
}

static void test_no_link_is_followed(void **state)
{
	struct fixture *f = *state;
	char dir[200];
	int fd;

	(void)snprintf(dir, sizeof(dir), "%s/ab/12", f->blobs);
	assert_ok(dir_make(dir, 0750));
	assert_int_equal(symlink("/etc/passwd", f->path_a), 0);
	assert_int_not_equal(blob_open(f->store, SPAN(NAME_A), &fd), OK);
	assert_false(blob_exists(f->store, SPAN(NAME_A)));
	assert_int_equal(symlink("/etc/passwd", f->file), 0);
	assert_int_not_equal(blob_put(f->store, f->file, SPAN(NAME_B)), OK);
}

static void test_quarantine(void **state)
{
	struct fixture *f = *state;
	char aside[200], text[32];

	put(f, NAME_A, "damaged");
	assert_ok(blob_quarantine(f->store, SPAN(NAME_A)));
	assert_false(blob_exists(f->store, SPAN(NAME_A)));
	(void)snprintf(aside, sizeof(aside), "%s/" NAME_A, f->quarantine);
	assert_true(path_exists(aside));
	put(f, NAME_A, "right");
	read_blob(f, NAME_A, text, sizeof(text));
	assert_string_equal(text, "right");
}

struct seen {
	struct blob_store *store;
	unsigned count;
	uint64_t bytes;
};

static err see(void *ctx, span name, uint64_t size, int64_t at_us)
{
	struct seen *s = ctx;

	assert_true(blob_name_is_valid(name));
	assert_true(at_us > 0);
	s->count++;
	s->bytes += size;
	return s->store ? blob_remove(s->store, name) : OK;
}

static err stop(void *ctx, span name, uint64_t size, int64_t at_us)
{
	(void)name, (void)size, (void)at_us;
	++*(unsigned *)ctx;
	return ERR_CANCELLED;
}

static void test_walk(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0}, removing = {.store = f->store}, after = {0};
	unsigned stopped = 0;
	char strange[200];

	put(f, NAME_A, "one");
	put(f, NAME_B, "three");
	(void)snprintf(strange, sizeof(strange), "%s/ab/12/notes.txt", f->blobs);
	assert_ok(file_write_atomic(strange, SPAN("not a blob"), 0600));
	assert_ok(blob_each(f->store, see, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.bytes, 8);
	assert_int_equal(blob_each(f->store, stop, &stopped), ERR_CANCELLED);
	assert_int_equal(stopped, 1);
	assert_ok(blob_each(f->store, see, &removing));
	assert_int_equal(removing.count, 2);
	assert_ok(blob_each(f->store, see, &after));
	assert_int_equal(after.count, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_bad_names),
		CASE(test_absent),
		CASE(test_put_and_read),
		CASE(test_put_again_replaces),
		CASE(test_group_is_handed_on),
		CASE(test_no_link_is_followed),
		CASE(test_quarantine),
		CASE(test_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
