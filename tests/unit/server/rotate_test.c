#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/data_layout.h"
#include "server/rotate.h"
#include "sys/child.h"
#include "sys/files.h"

static char folder[] = "/tmp/slipway-rotate-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	return mkdtemp(folder) == NULL || chdir(folder) != 0 || dir_make(DATA_LOG, 0755) != OK;
}

static int leave_folder(void **state UNUSED)
{
	struct child_plan plan = {.argv = (const char *const[]){"rm", "-rf", folder, NULL}};
	int status;
	AUTO(buf) said = {0};

	buf_init(&said, 1000);
	return child_run(&plan, 5000000, &said, &status) != OK;
}

/* A sparse file of this size. */
static void make_large(const char *path, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
}

static unsigned count(const char *prefix)
{
	DIR *d = opendir(DATA_LOG);
	struct dirent *entry;
	unsigned n = 0;

	while ((entry = readdir(d)) != NULL)
		n += span_starts_with(span_from(entry->d_name), span_from(prefix));
	(void)closedir(d);
	return n;
}

static void small_logs_stay(void **state UNUSED)
{
	make_large(DATA_EVENT_LOG, LOG_ROTATE_BYTES);
	assert_false(logs_rotate(1));
	assert_true(path_exists(DATA_EVENT_LOG));
	assert_int_equal(unlink(DATA_EVENT_LOG), 0);
	assert_int_equal(symlink("/etc/passwd", DATA_EVENT_LOG), 0);
	assert_false(logs_rotate(1));
	assert_int_equal(unlink(DATA_EVENT_LOG), 0);
}

static void old_access_logs_go_but_no_event_log_does(void **state UNUSED)
{
	assert_ok(file_write_atomic(DATA_LOG "/access.log.bak", SPAN("kept"), 0600));
	assert_ok(file_write_atomic(DATA_LOG "/access.x1.log", SPAN("kept"), 0600));
	for (int64_t i = 1; i <= LOG_KEEP + 3; i++) {
		make_large(DATA_EVENT_LOG, LOG_ROTATE_BYTES + 1);
		make_large(DATA_ACCESS_LOG, LOG_ROTATE_BYTES + 1);
		assert_true(logs_rotate(i * INT64_C(1000000000000)));
		assert_false(path_exists(DATA_EVENT_LOG));
	}
	assert_int_equal(count("events."), LOG_KEEP + 3);
	assert_int_equal(count("access."), LOG_KEEP + 2);
	assert_true(path_exists(DATA_LOG "/access.x1.log"));
	assert_false(path_exists(DATA_LOG "/access.0003000000000000.log"));
	assert_true(path_exists(DATA_LOG "/access.0004000000000000.log"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_logs_stay),
		cmocka_unit_test(old_access_logs_go_but_no_event_log_does),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
