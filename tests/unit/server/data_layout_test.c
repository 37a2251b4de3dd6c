#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/accounts.h"
#include "server/data_layout.h"
#include "sys/child.h"
#include "sys/files.h"

static char folder[] = "/tmp/slipway-layout-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state UNUSED)
{
	struct child_plan plan = {.argv = (const char *const[]){"rm", "-rf", folder, NULL}};
	int status;
	AUTO(buf) said = {0};

	buf_init(&said, 1000);
	return child_run(&plan, 5000000, &said, &status) != OK;
}

static struct stat look(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		fail_msg("%s is missing", path);
	return st;
}

static struct accounts present_user(void)
{
	struct identity self = {.uid = geteuid(), .gid = getegid()};

	return (struct accounts){.supervisor = self, .control = self, .web = self};
}

static void not_a_data_directory(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct accounts accounts = present_user();
	const char *problem = "";

	assert_int_equal(data_layout_fix(a, &accounts, &problem), ERR_NOT_FOUND);
	assert_string_equal(
		problem, "slipway.conf: cannot set owner and mode (No such file or directory)");
	assert_ok(file_write_atomic("file", SPAN(""), 0600));
	assert_int_not_equal(data_layout_make(a, "file/x", &problem), OK);
}

static void modes_are_restored_and_run_emptied(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct accounts accounts = present_user();
	const char *problem = "";

	assert_ok(data_layout_make(a, "data", &problem));
	assert_int_equal(chdir("data"), 0);
	assert_ok(file_write_atomic("slipway.conf", SPAN(""), 0666));
	assert_int_equal(chmod("keys", 0755), 0);
	assert_int_equal(rmdir("uploads"), 0);
	assert_ok(dir_make("run/temp/deep", 0700));
	assert_ok(file_write_atomic("run/temp/deep/x", SPAN("x"), 0600));
	assert_ok(file_write_atomic("outside", SPAN("x"), 0600));
	assert_int_equal(symlink("../outside", "run/link"), 0);
	assert_ok(data_layout_fix(a, &accounts, &problem));
	assert_int_equal(look(".").st_mode & 07777, 0711);
	assert_int_equal(look("slipway.conf").st_mode & 07777, 0640);
	assert_int_equal(look("keys").st_mode & 07777, 0700);
	assert_int_equal(look("uploads").st_mode & 07777, 02700);
	assert_int_equal(look("tls").st_mode & 07777, 02711);
	assert_false(path_exists("run/temp"));
	assert_int_not_equal(readlink("run/link", (char[8]){0}, 8), 10);
	assert_true(path_exists("outside"));
	assert_int_equal(chdir(".."), 0);
}

static void owners_are_set_as_root_without_following_links(void **state UNUSED)
{
	AUTO_PTR(arena) a = arena_new();
	struct accounts accounts = {.control = {.uid = 64001, .gid = 64001},
		.web = {.uid = 64002, .gid = 64002},
		.separate = true};
	const char *problem = "";

	if (geteuid() != 0)
		skip();
	assert_ok(data_layout_make(a, "owned", &problem));
	assert_int_equal(chdir("owned"), 0);
	assert_ok(file_write_atomic("slipway.conf", SPAN(""), 0600));
	assert_ok(file_write_atomic("../victim", SPAN("x"), 0600));
	assert_int_equal(symlink("../../victim", "log/events.log"), 0);
	assert_int_equal(symlink("../..", "blobs/up"), 0);
	assert_ok(dir_make("blobs/ab", 02750));
	assert_ok(file_write_atomic("blobs/ab/cd", SPAN("x"), 0440));
	assert_ok(file_write_atomic("log/access.log", SPAN("x"), 0640));
	assert_ok(data_layout_fix(a, &accounts, &problem));
	assert_int_equal(look("../victim").st_uid, 0);
	assert_int_equal(look(".").st_uid, 64001);
	assert_int_equal(look("keys").st_gid, 64001);
	assert_int_equal(look("blobs/ab/cd").st_uid, 64001);
	assert_int_equal(look("blobs/ab/cd").st_gid, 64002);
	assert_int_equal(look("blobs/ab/cd").st_mode & 07777, 0440);
	assert_int_equal(look("log").st_uid, 64001);
	assert_int_equal(look("log/access.log").st_uid, 64002);
	/* A folder that is a link is refused. */
	assert_int_equal(rmdir("keys"), 0);
	assert_int_equal(symlink("..", "keys"), 0);
	assert_int_not_equal(data_layout_fix(a, &accounts, &problem), OK);
	assert_int_equal(look("..").st_uid, 0);
	assert_int_equal(chdir(".."), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_a_data_directory),
		cmocka_unit_test(modes_are_restored_and_run_emptied),
		cmocka_unit_test(owners_are_set_as_root_without_following_links),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
