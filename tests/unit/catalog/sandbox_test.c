/* What the child may do, what it may not, and that nothing it does harms us. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#include "base/time.h"
#include "catalog/sandbox.h"
#include "sys/clock.h"

#define TIMEOUT (20 * TIME_SECOND)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

static int file;

static err run(sandbox_work *work, int *ret, int64_t timeout_us)
{
	const char *why = NULL;
	err e = sandbox_run(work, file, ret, sizeof(*ret), timeout_us, &why);

	if (e)
		assert_non_null(why);
	return e;
}

static void crash(int fd, void *result)
{
	(void)fd, (void)result;
	raise(SIGSEGV);
	__builtin_trap();
}

static void spin(int fd, void *result)
{
	(void)fd;
	for (volatile int *i = result;;)
		*i = *i + 1;
}

static void leave(int fd, void *result)
{
	(void)fd, (void)result;
	_exit(0);
}

static void eat_memory(int fd, void *result)
{
	size_t total = 0;

	(void)fd;
	for (int i = 0; i < 4096; i++) {
		char *p = malloc(1 << 20);

		if (!p)
			break;
		memset(p, 1, 1 << 20);
		total++;
	}
	*(int *)result = (int)total;
}

/* Each attempt that is refused sets a bit. */
static void try_everything(int fd, void *result)
{
	static char path[] = "/bin/true", *argv[] = {path, NULL};
	int *refused = result;

	(void)fd;
	*refused |= socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0;
	*refused |= socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? 2 : 0;
	*refused |= open("/etc/passwd", O_RDONLY) < 0 ? 4 : 0;
	*refused |= kill(getppid(), 0) < 0 ? 8 : 0;
	*refused |= execv(path, argv) < 0 ? 16 : 0;
	*refused |= fork() < 0 ? 32 : 0;
	*refused |= write(1, "x", 1) < 0 && write(2, "x", 1) < 0 ? 64 : 0;
	*refused |= unlink("/tmp/slipway-no-such-file") < 0 && errno == EPERM ? 128 : 0;
	for (int other = 5; other < 1024; other++)
		if (lseek(other, 0, SEEK_CUR) != -1 || errno != EBADF)
			*refused |= 256;
}

static void read_file(int fd, void *result)
{
	char text[8] = "";

	*(int *)result = pread(fd, text, 5, 6) == 5 && memcmp(text, "world", 5) == 0 ? 7 : 0;
}

static void test_answers(void **state)
{
	int got = 0;

	(void)state;
	assert_ok(run(read_file, &got, TIMEOUT));
	assert_int_equal(got, 7);
}

static void test_crash(void **state)
{
	int got = 5;

	(void)state;
	assert_int_equal(run(crash, &got, TIMEOUT), ERR_INVALID);
	assert_int_equal(got, 5);
}

static void test_no_answer(void **state)
{
	int got = 5;

	(void)state;
	assert_int_equal(run(leave, &got, TIMEOUT), ERR_INVALID);
	assert_int_equal(got, 5);
}

static void test_timeout(void **state)
{
	int64_t begun = clock_monotonic_us();
	int got = 5;

	(void)state;
	assert_int_equal(run(spin, &got, 100 * TIME_MS), ERR_INVALID);
	assert_true(clock_monotonic_us() - begun < 10 * TIME_SECOND);
	assert_int_equal(got, 5);
}

static void test_memory(void **state)
{
	int got = 0;
	void *map = mmap(NULL, UINT64_C(64) << 30, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	/* What the parent has mapped (the published state) does not count. */
	assert_true(map != MAP_FAILED);
	if (SANITIZED)
		skip(); /* its allocator has reserved its address space before */
	assert_ok(run(eat_memory, &got, TIMEOUT));
	assert_in_range(got, 128, 256);
	(void)munmap(map, UINT64_C(64) << 30);
}

static void test_nothing_else(void **state)
{
	int got = 0;

	(void)state;
	assert_ok(run(try_everything, &got, TIMEOUT));
	assert_int_equal(got, 255);
}

static void *churn(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED))
		free(malloc(100));
	return NULL;
}

static void allocate(int fd, void *result)
{
	char *p = malloc(100000);

	(void)fd;
	*(int *)result = p != NULL;
	free(p);
}

/* The allocator may be in use by other threads at the fork. */
static void test_beside_other_threads(void **state)
{
	pthread_t threads[2];
	int stop = 0, got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn, &stop), 0);
	for (int i = 0; i < 50; i++) {
		got = 0;
		assert_ok(run(allocate, &got, TIMEOUT));
		assert_int_equal(got, 1);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_beside_other_threads),
	};
	FILE *f = tmpfile();

	if (!f || fputs("hello world", f) < 0 || fflush(f))
		return 1;
	file = fileno(f);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	(void)fclose(f);
	return failed;
}
