/*
 * What only the SQLite engine does: group commit, durability, a failing or full disk, its files.
 * This program puts itself between SQLite and the system's fdatasync() and pwrite64(): it counts
 * the first, and makes both fail on demand.
 */
#include "support/databases.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "rows.h"
#include "test.h"

static atomic_uint syncs;
static atomic_int sync_error, write_error; /* errno to fail with; 0: works */

int fdatasync(int fd)
{
	syncs++;
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t offset)
{
	if (write_error) {
		errno = write_error;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int64_t count(struct db *db)
{
	int64_t n = -1;

	assert_ok(db_transact(db, DB_READ, meta_count_body, &n));
	return n;
}

static err insert_number(struct db_tx *tx, int64_t number)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%lld", (long long)number);
	return db_exec(tx, meta_insert, DB_CSTR(name), DB_CSTR(""));
}

static err has_number(struct db_tx *tx, void *arg)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row;
	char name[24];

	(void)snprintf(name, sizeof(name), "%lld", (long long)*(int64_t *)arg);
	err e = db_query(tx, &rows, meta_get, DB_CSTR(name));

	if (!e)
		e = db_next(rows, &row);
	return e ? e : row ? OK : ERR_NOT_FOUND;
}

/* Group commit --------------------------------------------------------------------------------- */

struct member {
	struct db *db;
	int64_t number;
	err fails_with;     /* what its body returns after writing */
	atomic_bool *leave; /* NULL: the body does not wait */
	atomic_bool inside;
	err result;
};

static err member_body(struct db_tx *tx, void *arg)
{
	struct member *m = arg;
	err e = insert_number(tx, m->number);

	m->inside = true;
	while (m->leave && !*m->leave)
		pause_ms(1);
	return e ? e : m->fails_with;
}

static void *member_run(void *arg)
{
	struct member *m = arg;

	m->result = db_transact(m->db, DB_WRITE, member_body, m);
	return NULL;
}

/* Runs the first member, lets the others queue up behind it, then lets all of them go. */
static void run_burst(struct member *members, size_t count_of, void (*before_release)(void))
{
	atomic_bool leave = false;
	pthread_t threads[64];

	assert_true(count_of <= ARRAY_LEN(threads));
	members[0].leave = &leave;
	for (size_t i = 0; i < count_of; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, member_run, &members[i]), 0);
		while (i == 0 && !members[0].inside)
			pause_ms(1);
	}
	pause_ms(50); /* what is tested holds however many of them have arrived by now */
	if (before_release)
		before_release();
	leave = true;
	for (size_t i = 0; i < count_of; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void rollback_within_a_group(void **state)
{
	struct db *db = test_db(state);
	struct member m[] = {
		{.db = db, .number = 1},
		{.db = db, .number = 2},
		{.db = db, .number = 3, .fails_with = ERR_EXPIRED},
		{.db = db, .number = 2}, /* of these two one finds the other's row */
		{.db = db, .number = 4},
		{.db = db, .number = 5, .fails_with = ERR_IO}, /* its own I/O, not the database's */
		{.db = db, .number = 6},
	};

	run_burst(m, ARRAY_LEN(m), NULL);
	assert_int_equal(m[0].result, OK);
	assert_int_equal(m[2].result, ERR_EXPIRED);
	assert_int_equal(m[1].result + m[3].result, OK + ERR_CONFLICT);
	assert_int_equal(m[4].result, OK);
	assert_int_equal(m[5].result, ERR_IO);
	assert_int_equal(m[6].result, OK);
	assert_int_equal(count(db), 4);
	for (int64_t i = 1; i <= 6; i++)
		assert_int_equal(db_transact(db, DB_READ, has_number, &i),
			i == 3 || i == 5 ? ERR_NOT_FOUND : OK);
}

static err add_rows(struct db_tx *tx, void *arg)
{
	return insert_number(tx, *(int64_t *)arg);
}

struct writer {
	struct db *db;
	int64_t first, n;
	unsigned failures;
};

static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (int64_t i = w->first; i < w->first + w->n; i++)
		if (db_transact(w->db, DB_WRITE, add_rows, &i))
			w->failures++;
	return NULL;
}

static void commits_are_shared(void **state)
{
	struct db *db = test_db(state);
	struct writer writers[32];
	pthread_t threads[32];
	unsigned before = syncs, failures = 0;

	for (int i = 0; i < 32; i++) {
		writers[i] = (struct writer){.db = db, .first = i * 100, .n = 100};
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
	}
	for (int i = 0; i < 32; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		failures += writers[i].failures;
	}
	assert_int_equal(failures, 0);
	assert_int_equal(count(db), 3200);
	assert_true(syncs - before < 3200 / 2);
}

/* Alone, each transaction is synced before it returns. */
static void each_commit_is_synced(void **state)
{
	struct db *db = test_db(state);

	for (int64_t i = 0; i < 20; i++) {
		unsigned before = syncs;

		assert_ok(db_transact(db, DB_WRITE, add_rows, &i));
		assert_true(syncs > before);
	}
}

/* A failing disk ------------------------------------------------------------------------------- */

static void break_sync(void)
{
	sync_error = EIO;
}

static void break_write(void)
{
	write_error = ENOSPC;
}

static void whole_group_fails(void **state, void (*break_disk)(void), err want)
{
	struct test_database *t = test_database_of(state);
	struct member m[6];
	int64_t after = 100;

	for (int i = 0; i < 6; i++)
		m[i] = (struct member){.db = t->db, .number = i};
	run_burst(m, ARRAY_LEN(m), break_disk);
	assert_int_equal(db_transact(t->db, DB_WRITE, add_rows, &after), want);
	sync_error = write_error = 0;
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		assert_int_equal(m[i].result, want);
	assert_true(t->events[DB_EVENT_ERROR] > 0);
	assert_int_equal(count(t->db), 0);
	/* The disk is well again: so are we, with nothing of the failed ones. */
	assert_ok(db_transact(t->db, DB_WRITE, add_rows, &after));
	assert_int_equal(count(t->db), 1);
	struct db *again = test_db_open(t, (struct db_options){.max_sessions = 1, .wait_us = 1000});

	assert_int_equal(count(again), 1);
	db_close(again);
}

static void failed_sync_fails_the_group(void **state)
{
	whole_group_fails(state, break_sync, ERR_IO);
}

static void full_disk_fails_the_group(void **state)
{
	whole_group_fails(state, break_write, ERR_NO_SPACE);
}

static err insert_big(struct db_tx *tx, void *arg)
{
	static char bytes[64 * 1024];
	char key[24];

	(void)snprintf(key, sizeof(key), "%d", *(int *)arg);
	return db_exec(tx, change_insert, DB_BLOB(span_from(key)), DB_INT(*(int *)arg),
		DB_BLOB(span_of(bytes, sizeof(bytes))), DB_INT(0), DB_NULL);
}

static void fill_up(const char *directory)
{
	char url[128];
	unsigned applied;
	struct db *db;
	int n = 0;
	err e = OK;
	int64_t small = 1;

	(void)snprintf(url, sizeof(url), "sqlite:%s/x.db", directory);
	assert_ok(db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db));
	assert_ok(db_migrate(db, &applied));
	for (; !e && n < 1000; n++)
		e = db_transact(db, DB_WRITE, insert_big, &n);
	assert_int_equal(e, ERR_NO_SPACE);
	assert_ok(db_transact(db, DB_READ, head_get_body, &small)); /* reading still works */
	db_close(db);
	/* A restart on the full disk finds everything, and goes on once there is room. */
	assert_ok(db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db));
	assert_ok(db_transact(db, DB_READ, head_get_body, &small));
	assert_int_equal(db_transact(db, DB_WRITE, insert_big, &n), ERR_NO_SPACE);
	assert_int_equal(mount("none", directory, "tmpfs", MS_REMOUNT, "size=16m"), 0);
	assert_ok(db_transact(db, DB_WRITE, insert_big, &n));
	db_close(db);
}

static void full_file_system(void **state UNUSED)
{
	char directory[] = "/tmp/slipway-full-XXXXXX", path[64];

	assert_non_null(mkdtemp(directory));
	if (mount("slipway-test", directory, "tmpfs", 0, "size=2m")) {
		(void)rmdir(directory);
		print_message("skipped: no right to mount a small file system\n");
		skip();
	}
	fill_up(directory);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"x.db", "x.db-wal", "x.db-shm"};

		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(umount(directory), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* kill -9 -------------------------------------------------------------------------------------- */

struct acknowledger {
	struct db *db;
	int64_t first;
	int pipe;
};

static void *write_and_acknowledge(void *arg)
{
	struct acknowledger *a = arg;

	for (int64_t i = a->first;; i++)
		if (db_transact(a->db, DB_WRITE, add_rows, &i) ||
			write(a->pipe, &i, sizeof(i)) != sizeof(i))
			_exit(1);
}

static NORETURN void writing_child(const char *url, int to_parent)
{
	struct acknowledger a[8];
	pthread_t thread;
	struct db *db;

	if (db_open(&(struct db_options){.url = url, .max_sessions = 1, .wait_us = 10000000}, &db))
		_exit(2);
	for (int i = 0; i < 8; i++) {
		a[i] = (struct acknowledger){
			.db = db, .first = i * INT64_C(1000000), .pipe = to_parent};
		if (pthread_create(&thread, NULL, write_and_acknowledge, &a[i]))
			_exit(3);
	}
	for (;;)
		(void)pause();
}

/* Gives how many acknowledged writes there were; all of them must be found again. */
static size_t kill_after(struct test_database *t, size_t acknowledged)
{
	int64_t *numbers = calloc(1 << 20, sizeof(*numbers));
	size_t n = 0;
	int fds[2], status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t child = fork();

	if (child == 0)
		writing_child(t->url, fds[1]);
	(void)close(fds[1]);
	while (n < (1 << 20) && read(fds[0], &numbers[n], sizeof(*numbers)) == sizeof(*numbers))
		if (++n == acknowledged)
			assert_int_equal(kill(child, SIGKILL), 0);
	(void)close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	t->db = test_db_open(t, (struct db_options){.max_sessions = 4, .wait_us = 10000000});
	for (size_t i = 0; i < n; i++)
		assert_ok(db_transact(t->db, DB_READ, has_number, &numbers[i]));
	free(numbers);
	return n;
}

static err clear(struct db_tx *tx, void *arg UNUSED)
{
	return db_exec(tx, meta_clear);
}

static void killed_writer(void **state)
{
	struct test_database *t = test_database_of(state);

	for (size_t acknowledged = 1; acknowledged < 2000; acknowledged *= 5) {
		assert_ok(db_transact(t->db, DB_WRITE, clear, NULL));
		db_close(t->db); /* a connection is not taken along through fork() */
		t->db = NULL;
		assert_true(kill_after(t, acknowledged) >= acknowledged);
	}
}

/* Files ---------------------------------------------------------------------------------------- */

static int relative_child(const char *directory)
{
	char inner[128];
	unsigned applied;
	struct db *db;
	int64_t n = 7;

	(void)snprintf(inner, sizeof(inner), "%s/closed/data", directory);
	if (chdir(inner) || chmod("..", 0))
		return 10;
	if (getuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
		return 11;
	if (access(inner, F_OK) == 0)
		return 12; /* the parent is not closed: the test would show nothing */
	if (db_open(
		    &(struct db_options){
			    .url = "sqlite:x.db", .max_sessions = 2, .wait_us = 1000000},
		    &db))
		return 13;
	if (db_migrate(db, &applied) || db_transact(db, DB_WRITE, add_rows, &n) ||
		db_transact(db, DB_READ, has_number, &n))
		return 14;
	db_close(db);
	return access("x.db", R_OK) ? 15 : 0;
}

static void relative_path(void **state UNUSED)
{
	char directory[] = "/tmp/slipway-closed-XXXXXX", closed[64], data[80], file[96];
	int status;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(closed, sizeof(closed), "%s/closed", directory);
	(void)snprintf(data, sizeof(data), "%s/data", closed);
	(void)snprintf(file, sizeof(file), "%s/x.db", data);
	assert_int_equal(mkdir(closed, 0700) || mkdir(data, 0700), 0);
	if (getuid() == 0)
		assert_int_equal(chown(data, 65534, 65534), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(relative_child(directory));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(chmod(closed, 0700), 0);
	(void)unlink(file);
	assert_int_equal(rmdir(data) || rmdir(closed) || rmdir(directory), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void symbolic_link(void **state)
{
	struct test_database *t = test_database_of(state);
	char link[128], url[160];
	struct db *db;

	(void)snprintf(link, sizeof(link), "%s/link.db", t->directory);
	(void)snprintf(url, sizeof(url), "sqlite:%s", link);
	assert_int_equal(symlink("slipway.db", link), 0);
	assert_int_equal(
		db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db), ERR_INVALID);
	assert_int_equal(unlink(link), 0);
}

static void files_are_private(void **state)
{
	static const char *const names[] = {"", "-wal", "-shm"};
	struct test_database *t = test_database_of(state);
	char path[256];
	struct stat st;

	assert_ok(db_transact(t->db, DB_WRITE, head_add_body, NULL));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", t->url + strlen("sqlite:"), names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void not_a_database(void **state)
{
	struct test_database *t = test_database_of(state);
	char path[128], url[160];
	struct db *db;

	(void)snprintf(path, sizeof(path), "%s/other.db", t->directory);
	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	FILE *f = fopen(path, "w");

	for (int i = 0; i < 1000; i++)
		(void)fputs("this is not a database. ", f);
	(void)fclose(f);
	assert_int_equal(
		db_open(&(struct db_options){.url = url, .max_sessions = 1}, &db), ERR_CORRUPT);
	assert_int_equal(unlink(path), 0);
}

/* Another process, as a second pool is for SQLite, holds the lock for longer than we wait. */
static void locked_by_another(void **state)
{
	struct test_database *t = test_database_of(state);
	struct db *other = test_db_open(
		t, (struct db_options){.max_sessions = 1, .wait_us = 100000, .slow_us = INT64_MAX});
	atomic_bool leave = false;
	struct member m = {.db = t->db, .number = 1, .leave = &leave};
	int64_t n = 2;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, member_run, &m), 0);
	while (!m.inside)
		pause_ms(1);
	assert_int_equal(db_transact(other, DB_WRITE, add_rows, &n), ERR_BUSY);
	assert_int_equal(count(other), 0);
	leave = true;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(m.result);
	assert_ok(db_transact(other, DB_WRITE, add_rows, &n));
	assert_int_equal(count(other), 2);
	db_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SQLITE(rollback_within_a_group),
		ON_SQLITE(commits_are_shared),
		ON_SQLITE(each_commit_is_synced),
		ON_SQLITE(failed_sync_fails_the_group),
		ON_SQLITE(full_disk_fails_the_group),
		cmocka_unit_test(full_file_system),
		ON_SQLITE(killed_writer),
		cmocka_unit_test(relative_path),
		ON_SQLITE(symbolic_link),
		ON_SQLITE(files_are_private),
		ON_SQLITE(not_a_database),
		ON_SQLITE(locked_by_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
