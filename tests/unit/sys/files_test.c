#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"

static char folder[] = "/tmp/slipway-files-XXXXXX";

static int enter_folder(void **state UNUSED)
{
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void assert_content(const char *path, const char *want)
{
	AUTO(buf) b = {0};

	buf_init(&b, 1000);
	assert_ok(file_read(path, &b));
	assert_span(buf_span(&b), want);
}

static void failures_leave_nothing(void **state UNUSED)
{
	assert_ok(dir_make("empty", 0755));
	assert_int_equal(file_write_atomic("missing/x", SPAN("a"), 0600), ERR_NOT_FOUND);
	assert_int_equal(file_write_atomic("", SPAN("a"), 0600), ERR_INVALID);
	assert_ok(dir_make("empty/folder/in", 0755));
	assert_int_not_equal(file_write_atomic("empty/folder", SPAN("a"), 0600), OK);
	assert_int_equal(entries("empty"), 1); /* the folder; no temporary file */
	assert_ok(file_create_atomic("empty/x", SPAN("a"), 0600));
	assert_int_equal(file_create_atomic("empty/x", SPAN("b"), 0600), ERR_CONFLICT);
	assert_content("empty/x", "a");
	assert_int_equal(entries("empty"), 2);
}

static void write_replaces_whole(void **state UNUSED)
{
	mode_t before = umask(0077);

	assert_ok(file_write_atomic("f", SPAN("first"), 0644));
	assert_int_equal(mode_of("f"), 0644); /* despite the umask */
	assert_ok(file_write_atomic("./f", SPAN("2"), 0600));
	assert_content("f", "2");
	assert_int_equal(mode_of("f"), 0600);
	(void)umask(before);
}

static void reading_has_a_ceiling(void **state UNUSED)
{
	AUTO(buf) b = {0};

	assert_ok(file_write_atomic("ten", SPAN("0123456789"), 0600));
	buf_init(&b, 9);
	assert_int_equal(file_read("ten", &b), ERR_TOO_LARGE);
	buf_clear(&b);
	assert_int_equal(file_read("absent", &b), ERR_NOT_FOUND);
	assert_int_not_equal(file_read(".", &b), OK);
	assert_ok(file_write_atomic("nine", SPAN("012345678"), 0600));
	assert_ok(file_read("nine", &b));
	assert_span(buf_span(&b), "012345678");
}

static void directories(void **state UNUSED)
{
	assert_ok(file_write_atomic("plain", SPAN(""), 0600));
	assert_int_equal(dir_make("plain", 0755), ERR_CONFLICT);
	assert_int_not_equal(dir_make("plain/below", 0755), OK);
	assert_int_equal(dir_make("", 0755), ERR_INVALID);
	assert_ok(dir_make("a//b/c/", 02770));
	assert_ok(dir_make("a/b/c", 0700)); /* exists: left alone */
	assert_int_equal(mode_of("a/b/c"), 02770);
	assert_ok(dir_sync("a"));
	assert_int_not_equal(dir_sync("plain"), OK);
}

static void safe_names(void **state UNUSED)
{
	static char long_name[FILENAME_MAX_BYTES + 2];
	static const char *const bad[] = {"", ".", "..", ".hidden", "-rf", " x", "x ", "x.", "a/b",
		"a\\b", "a\nb", "a\"b", "a;b", "a%2fb", "a\xc3\xa4", "a:b", "a*b", "a$b", "a`b"};
	static const char *const good[] = {
		"openvpn_2.6.3-1+deb12u2_amd64.deb", "Setup 1.0.exe", "a", "x~1", "a@b=c"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_row(!filename_is_safe(span_from(bad[i])), bad[i]);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_row(filename_is_safe(span_from(good[i])), good[i]);
	assert_false(filename_is_safe(span_of("a\0b", 3)));
	memset(long_name, 'a', FILENAME_MAX_BYTES + 1);
	assert_false(filename_is_safe(span_of(long_name, FILENAME_MAX_BYTES + 1)));
	assert_true(filename_is_safe(span_of(long_name, FILENAME_MAX_BYTES)));
}

static void secrets(void **state UNUSED)
{
	bool wide = true;
	AUTO(buf) b = {0};

	buf_init(&b, 100);
	assert_int_equal(secret_file_read("absent", &b, &wide), ERR_NOT_FOUND);
	assert_ok(file_write_atomic("s", SPAN("word\n\n"), 0600));
	assert_ok(secret_file_read("s", &b, &wide));
	assert_span(buf_span(&b), "word\n"); /* one newline only */
	assert_false(wide);
	buf_wipe(&b);
	assert_ok(file_write_atomic("s", SPAN("word"), 0640));
	assert_ok(secret_file_read("s", &b, &wide));
	assert_span(buf_span(&b), "word");
	assert_true(wide);
}

static void writing_to_a_full_pipe_waits(void **state UNUSED)
{
	static char big[200000];
	size_t total = 0;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		_exit(fd_write_all(ends[1], span_of(big, sizeof(big))) != OK);
	}
	(void)close(ends[1]);
	(void)fcntl(ends[0], F_SETFL, 0);
	for (ssize_t n; (n = read(ends[0], big, sizeof(big))) > 0;)
		total += (size_t)n;
	assert_int_equal(total, sizeof(big));
	(void)close(ends[0]);
}

static void free_space(void **state UNUSED)
{
	uint64_t bytes = 0;

	assert_int_equal(disk_free("/nonexistent", &bytes), ERR_NOT_FOUND);
	assert_ok(disk_free(".", &bytes));
	assert_true(bytes > 0);
}

static int leave_folder(void **state UNUSED)
{
	char command[] = "rm";
	char option[] = "-rf";
	char *const arguments[] = {command, option, folder, NULL};

	if (fork() == 0)
		(void)execvp("rm", arguments);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_leave_nothing),
		cmocka_unit_test(write_replaces_whole),
		cmocka_unit_test(reading_has_a_ceiling),
		cmocka_unit_test(directories),
		cmocka_unit_test(safe_names),
		cmocka_unit_test(secrets),
		cmocka_unit_test(writing_to_a_full_pipe_waits),
		cmocka_unit_test(free_space),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
