#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/child.h"
#include "sys/clock.h"
#include "sys/gate.h"

#define SECOND INT64_C(1000000)

static err run(const char *const *argv, int64_t timeout_us, struct buf *out, int *status)
{
	struct child_plan plan = {.argv = argv};

	return child_run(&plan, timeout_us, out, status);
}

static void programs_that_cannot_start(void **state UNUSED)
{
	int status = -1;
	AUTO(buf) out = {0};

	buf_init(&out, 100);
	assert_int_equal(run((const char *const[]){"no-such-program", NULL}, SECOND, &out, &status),
		ERR_NOT_FOUND);
	assert_int_equal(
		run((const char *const[]){"/no/such", NULL}, SECOND, &out, &status), ERR_NOT_FOUND);
	assert_int_equal(
		run((const char *const[]){"/etc/passwd", NULL}, SECOND, &out, &status), ERR_DENIED);
	assert_int_equal(status, -1);
}

static void arguments_are_not_a_shell_line(void **state UNUSED)
{
	int status = -1;
	AUTO(buf) out = {0};

	buf_init(&out, 100);
	assert_ok(run(
		(const char *const[]){"echo", "$HOME; `id` *", NULL}, 5 * SECOND, &out, &status));
	assert_span(buf_span(&out), "$HOME; `id` *\n");
	assert_int_equal(status, 0);
}

static void environment_is_bare(void **state UNUSED)
{
	int status;
	AUTO(buf) out = {0};

	buf_init(&out, 10000);
	(void)setenv("SLIPWAY_DATABASE", "postgresql://u:secret@h/", 1);
	assert_ok(run((const char *const[]){"env", NULL}, 5 * SECOND, &out, &status));
	assert_false(span_contains(buf_span(&out), SPAN("secret")));
	assert_true(span_contains(buf_span(&out), SPAN("PATH=")));
}

static void time_and_output_are_bounded(void **state UNUSED)
{
	int64_t start = clock_monotonic_us();
	int status;
	AUTO(buf) out = {0};

	buf_init(&out, 100);
	assert_int_equal(
		run((const char *const[]){"sleep", "60", NULL}, SECOND / 10, &out, &status),
		ERR_EXPIRED);
	assert_int_equal(
		run((const char *const[]){"yes", NULL}, 30 * SECOND, &out, &status), ERR_TOO_LARGE);
	buf_clear(&out);
	assert_int_equal(run((const char *const[]){"sh", "-c", "exec >&- 2>&-; sleep 60", NULL},
				 SECOND / 10, &out, &status),
		ERR_EXPIRED);
	assert_true(clock_monotonic_us() - start < 30 * SECOND);
}

static void limits_bind(void **state UNUSED)
{
	struct child_plan plan = {.max_file_bytes = 1000,
		.argv = (const char *const[]){"sh", "-c", "exec head -c 2000 /dev/zero >\"$0\"",
			"/tmp/slipway-child-limit", NULL}};
	int status = 0;
	AUTO(buf) out = {0};

	buf_init(&out, 1000);
	assert_ok(child_run(&plan, 5 * SECOND, &out, &status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	(void)unlink("/tmp/slipway-child-limit");
}

static int die_by_signal(void *context UNUSED)
{
	(void)raise(SIGKILL);
	return 0;
}

static int answer_seven(void *context)
{
	return *(int *)context;
}

static void forks_and_statuses(void **state UNUSED)
{
	AUTO(buf) words = {0};
	int seven = 7, status;
	pid_t pid;

	buf_init(&words, 100);
	assert_ok(child_fork(answer_seven, &seven, NULL, 0, &pid));
	assert_ok(child_wait(pid, 5 * SECOND, &status));
	child_status_format(&words, status);
	assert_span(buf_span(&words), "exited with 7");
	assert_int_equal(child_wait(pid, 0, &status), ERR_NOT_FOUND);
	buf_clear(&words);
	assert_ok(child_fork(die_by_signal, NULL, NULL, 0, &pid));
	assert_ok(child_wait(pid, -1, &status));
	child_status_format(&words, status);
	assert_span(buf_span(&words), "killed by signal 9");
}

/* Starts a child that waits for ever and dies without ending it. */
static int abandon(void *context)
{
	struct child_plan plan = {.argv = (const char *const[]){"sleep", "600", NULL}};
	pid_t pid = 0;

	if (child_start(&plan, &pid) != OK)
		return 1;
	(void)!write(*(int *)context, &pid, sizeof(pid));
	(void)raise(SIGKILL);
	return 0;
}

static void children_die_with_their_parent(void **state UNUSED)
{
	int ends[2], status;
	pid_t parent, child = 0;

	assert_int_equal(pipe(ends), 0);
	assert_ok(child_fork(abandon, &ends[1], NULL, 0, &parent));
	assert_int_equal(read(ends[0], &child, sizeof(child)), sizeof(child));
	assert_ok(child_wait(parent, 5 * SECOND, &status));
	/* Gone or a zombie of init: in either case it no longer holds the pipe's write end. */
	(void)close(ends[1]);
	for (int64_t until = clock_monotonic_us() + 5 * SECOND; kill(child, 0) == 0;) {
		char path[64], text[256] = "";
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		f = fopen(path, "r");
		if (f == NULL || fgets(text, sizeof(text), f) == NULL ||
			span_contains(span_from(text), SPAN(") Z"))) {
			if (f != NULL)
				(void)fclose(f);
			break;
		}
		(void)fclose(f);
		assert_true(clock_monotonic_us() < until);
	}
	(void)close(ends[0]);
}

static int unprivileged(void *context UNUSED)
{
	return privilege_effective() != 0 || getuid() != 65534 || getgid() != 65534 ||
	       setuid(0) == 0;
}

static void privileges_are_given_up(void **state UNUSED)
{
	struct identity nobody = {.uid = 65534, .gid = 65534};
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_ok(child_fork(unprivileged, NULL, &nobody, 0, &pid));
	assert_ok(child_wait(pid, 5 * SECOND, &status));
	assert_int_equal(status, 0);
}

static void one_capability_survives_exec(void **state UNUSED)
{
	uint64_t bind = UINT64_C(1) << 10; /* CAP_NET_BIND_SERVICE */
	struct identity who = {.uid = 65534, .gid = 65534, .keep = bind, .pass_on = bind};
	struct child_plan plan = {.user = &who,
		.argv = (const char *const[]){"grep", "Cap[EA]", "/proc/self/status", NULL}};
	int status;
	AUTO(buf) out = {0};

	if (geteuid() != 0 || (privilege_effective() & bind) == 0)
		skip();
	buf_init(&out, 1000);
	assert_ok(child_run(&plan, 5 * SECOND, &out, &status));
	assert_span(buf_span(&out), "CapEff:\t0000000000000400\nCapAmb:\t0000000000000400\n");
}

static void *enter_and_leave(void *gate)
{
	if (gate_enter(gate, 5 * SECOND) == OK)
		gate_leave(gate);
	return NULL;
}

static void gate_is_bounded(void **state UNUSED)
{
	AUTO_PTR(gate) g = gate_new(1, 1);
	pthread_t waiter;

	assert_ok(gate_enter(g, 0));
	assert_int_equal(gate_enter(g, 1000), ERR_BUSY); /* waits in vain */
	assert_int_equal(pthread_create(&waiter, NULL, enter_and_leave, g), 0);
	gate_leave(g);
	(void)pthread_join(waiter, NULL);
	assert_ok(gate_enter(g, 0));
	gate_leave(g);
}

static void gate_without_a_queue(void **state UNUSED)
{
	AUTO_PTR(gate) g = gate_new(2, 0);

	assert_ok(gate_enter(g, SECOND));
	assert_ok(gate_enter(g, SECOND));
	int64_t start = clock_monotonic_us();
	assert_int_equal(gate_enter(g, 60 * SECOND), ERR_BUSY);
	assert_true(clock_monotonic_us() - start < 10 * SECOND);
	gate_leave(g);
	assert_ok(gate_enter(g, SECOND));
	gate_leave(g);
	gate_leave(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_that_cannot_start),
		cmocka_unit_test(arguments_are_not_a_shell_line),
		cmocka_unit_test(environment_is_bare),
		cmocka_unit_test(time_and_output_are_bounded),
		cmocka_unit_test(limits_bind),
		cmocka_unit_test(forks_and_statuses),
		cmocka_unit_test(children_die_with_their_parent),
		cmocka_unit_test(privileges_are_given_up),
		cmocka_unit_test(one_capability_survives_exec),
		cmocka_unit_test(gate_is_bounded),
		cmocka_unit_test(gate_without_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
