/* The LMDB store: refusals, order, prefixes, batches, and what dead processes leave behind. */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state/records.h"

static char parent_dir[64];
static char dir[96];

static char *in_dir(const char *name)
{
	static char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_dir(void **unused)
{
	(void)unused;
	(void)snprintf(parent_dir, sizeof(parent_dir), "/tmp/slipway_state_XXXXXX");
	if (!mkdtemp(parent_dir))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/state", parent_dir);
	return 0;
}

static int remove_dir(void **unused)
{
	(void)unused;
	(void)unlink(in_dir("data.mdb"));
	(void)unlink(in_dir("lock.mdb"));
	(void)rmdir(dir);
	return rmdir(parent_dir);
}

static struct state *open_or_fail(enum state_mode mode)
{
	struct state *s = NULL;

	assert_int_equal(state_open(dir, mode, &s), OK);
	return s;
}

static struct state_change put(span key, span value)
{
	return (struct state_change){.key = key, .value = value};
}

static struct state_change del(span key)
{
	return (struct state_change){.key = key, .deleted = true};
}

static struct state_position at(uint64_t incarnation, uint64_t seq, int64_t issued_at_us)
{
	return (struct state_position){incarnation, seq, issued_at_us};
}

static err apply(struct state *s, struct state_position from, struct state_position to,
	const struct state_change *changes, size_t count)
{
	return state_apply(s, &from, &to, changes, count);
}

static void assert_span(span actual, span expected)
{
	assert_int_equal(actual.len, expected.len);
	assert_memory_equal(actual.ptr, expected.ptr, expected.len);
}

static void assert_position(
	struct state *s, uint64_t incarnation, uint64_t seq, int64_t issued_at_us)
{
	struct state_view v;
	struct state_position p;

	assert_int_equal(state_begin(s, &v), OK);
	state_position(&v, &p);
	state_end(&v);
	assert_int_equal(p.incarnation, incarnation);
	assert_int_equal(p.seq, seq);
	assert_int_equal(p.issued_at_us, issued_at_us);
}

/* The value under key, or "(none)". */
static void assert_value(struct state *s, span key, const char *expected)
{
	struct state_view v;
	span value = SPAN("(none)");

	assert_int_equal(state_begin(s, &v), OK);
	(void)state_find(&v, key, &value);
	assert_span(value, span_from(expected));
	state_end(&v);
	state_end(&v);
}

static uint64_t version_of(struct state *s)
{
	struct state_view v;

	assert_int_equal(state_begin(s, &v), OK);
	uint64_t version = state_view_version(&v);

	state_end(&v);
	return version;
}

static void open_missing(void **unused)
{
	(void)unused;
	struct state *s = NULL;
	struct stat st;

	assert_int_equal(state_open(dir, STATE_READ, &s), ERR_NOT_FOUND);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(state_open(dir, STATE_READ, &s), ERR_NOT_FOUND);
	/* a reader's lock file would shut the writer, another user, out */
	assert_int_equal(stat(in_dir("lock.mdb"), &st), -1);
	int fd = open(in_dir("data.mdb"), O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(state_open(dir, STATE_READ, &s), ERR_NOT_FOUND);
	char garbage[8192];

	memset(garbage, 'z', sizeof(garbage));
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	assert_int_equal(close(fd), 0);
	assert_int_equal(state_open(dir, STATE_READ, &s), ERR_CORRUPT);
	assert_int_equal(state_open(dir, STATE_WRITE, &s), ERR_CORRUPT);
	assert_null(s);
	state_close(s);
}

static void open_bad_path(void **unused)
{
	(void)unused;
	static char long_path[5000];
	struct state *s = NULL;

	memset(long_path, 'p', sizeof(long_path) - 1);
	assert_int_equal(state_open(long_path, STATE_READ, &s), ERR_INVALID);
	assert_int_equal(state_open(long_path, STATE_WRITE, &s), ERR_INVALID);
	assert_int_equal(state_open("/proc/nowhere/state", STATE_WRITE, &s), ERR_NOT_FOUND);
	assert_null(s);
}

static void file_modes(void **unused)
{
	(void)unused;
	mode_t old = umask(077);
	struct state *s = open_or_fail(STATE_WRITE);
	struct stat st;

	(void)umask(old);
	assert_int_equal(stat(in_dir("data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(stat(in_dir("lock.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	state_close(s);
}

static void refused_changes(void **unused)
{
	(void)unused;
	static char big[STATE_VALUE_MAX + 1];
	struct state *s = open_or_fail(STATE_WRITE);
	const struct {
		struct state_change bad;
		err expected;
	} cases[] = {
		{put(SPAN(""), SPAN("x")), ERR_INVALID},
		{del(SPAN("")), ERR_INVALID},
		{put(SPAN("\0position"), SPAN("x")), ERR_INVALID},
		{del(SPAN("\0position")), ERR_INVALID},
		{put(SPAN("\0"), SPAN("x")), ERR_INVALID},
		{put(span_of(big + 1, 512), SPAN("x")), ERR_TOO_LARGE},
		{put(SPAN("k"), span_of(big, sizeof(big))), ERR_TOO_LARGE},
	};

	memset(big, 'b', sizeof(big));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct state_change batch[2] = {put(SPAN("a"), SPAN("1")), cases[i].bad};

		assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), batch, 2), cases[i].expected);
		assert_value(s, SPAN("a"), "(none)");
		assert_position(s, 0, 0, 0);
	}
	assert_int_equal(apply(s, at(1, 5, 0), at(1, 4, 0), NULL, 0), ERR_INVALID);
	/* the largest that fit */
	struct state_change most[2] = {put(span_of(big, STATE_KEY_MAX), SPAN("long key")),
		put(SPAN("v"), span_of(big, STATE_VALUE_MAX))};

	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), most, 2), OK);
	assert_value(s, span_of(big, STATE_KEY_MAX), "long key");
	state_close(s);
}

static void read_only(void **unused)
{
	(void)unused;
	struct state_change change = put(SPAN("a"), SPAN("1"));

	state_close(open_or_fail(STATE_WRITE));
	struct state *s = open_or_fail(STATE_READ);

	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), &change, 1), ERR_DENIED);
	assert_position(s, 0, 0, 0);
	state_close(s);
}

static void conflict_and_repetition(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change one = put(SPAN("a"), SPAN("1")), two = put(SPAN("a"), SPAN("2"));
	struct state_change other = put(SPAN("a"), SPAN("other"));

	/* a new state stands nowhere: only a bootstrap starts it */
	assert_int_equal(apply(s, at(1, 3, 0), at(1, 4, 1), &one, 1), ERR_CONFLICT);
	assert_int_equal(apply(s, at(1, 0, 0), at(1, 4, 100), &one, 1), OK);
	assert_int_equal(apply(s, at(1, 4, 100), at(1, 6, 200), &two, 1), OK);
	assert_value(s, SPAN("a"), "2");
	uint64_t version = version_of(s);

	/* again, or older: fine, and nothing happens */
	assert_int_equal(apply(s, at(1, 4, 100), at(1, 6, 200), &other, 1), OK);
	assert_int_equal(apply(s, at(1, 1, 0), at(1, 2, 900), &other, 1), OK);
	assert_int_equal(apply(s, at(1, 0, 0), at(1, 6, 900), &other, 1), OK);
	/* a gap, or another history */
	assert_int_equal(apply(s, at(1, 7, 0), at(1, 8, 1), &other, 1), ERR_CONFLICT);
	assert_int_equal(apply(s, at(1, 5, 0), at(1, 8, 1), &other, 1), ERR_CONFLICT);
	assert_int_equal(apply(s, at(2, 6, 0), at(2, 8, 1), &other, 1), ERR_CONFLICT);
	assert_value(s, SPAN("a"), "2");
	assert_position(s, 1, 6, 200);
	assert_int_equal(version_of(s), version);
	state_close(s);
}

static void heartbeat(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change one = put(SPAN("a"), SPAN("1"));

	assert_int_equal(apply(s, at(1, 0, 0), at(1, 4, 100), &one, 1), OK);
	assert_int_equal(apply(s, at(1, 4, 100), at(1, 4, 90), NULL, 0), OK);
	assert_position(s, 1, 4, 100);
	assert_int_equal(apply(s, at(1, 4, 100), at(1, 4, 500), NULL, 0), OK);
	assert_position(s, 1, 4, 500);
	assert_int_equal(apply(s, at(1, 3, 100), at(1, 3, 900), NULL, 0), OK);
	assert_position(s, 1, 4, 500);
	assert_value(s, SPAN("a"), "1");
	state_close(s);
}

static void replacement(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change old[] = {
		put(SPAN("a"), SPAN("1")), put(SPAN("b"), SPAN("2")), put(SPAN("c"), SPAN("3"))};
	struct state_change new[] = {put(SPAN("b"), SPAN("two")), put(SPAN("d"), SPAN("four")),
		del(SPAN("never there"))};

	assert_int_equal(apply(s, at(7, 0, 0), at(7, 10, 1), old, 3), OK);
	assert_int_equal(apply(s, at(8, 0, 0), at(8, 2, 2), new, 3), OK);
	assert_value(s, SPAN("a"), "(none)");
	assert_value(s, SPAN("b"), "two");
	assert_value(s, SPAN("c"), "(none)");
	assert_value(s, SPAN("d"), "four");
	assert_position(s, 8, 2, 2);
	/* a foreign state: an incarnation that looks older is replaced too */
	assert_int_equal(apply(s, at(3, 0, 0), at(3, 1, 3), old, 1), OK);
	assert_value(s, SPAN("d"), "(none)");
	assert_position(s, 3, 1, 3);
	state_close(s);
}

static void last_change_counts(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change batch[] = {put(SPAN("a"), SPAN("1")), put(SPAN("a"), SPAN("2")),
		put(SPAN("b"), SPAN("1")), del(SPAN("b")), del(SPAN("c")),
		put(SPAN("c"), SPAN(""))};

	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), batch, ARRAY_LEN(batch)), OK);
	assert_value(s, SPAN("a"), "2");
	assert_value(s, SPAN("b"), "(none)");
	assert_value(s, SPAN("c"), "");
	assert_value(s, SPAN(""), "(none)");
	assert_value(s, SPAN("\0position"), "(none)");
	state_close(s);
}

/* All keys under prefix, from the last one down, each followed by a space. */
static void assert_walk(struct state *s, span prefix, span expected)
{
	AUTO(buf) seen = {0};
	struct state_view v;
	struct state_walk w;
	span key, value;

	buf_init(&seen, 4096);
	assert_int_equal(state_begin(s, &v), OK);
	assert_int_equal(state_walk_begin(&v, prefix, &w), OK);
	while (state_walk_previous(&w, &key, &value)) {
		buf_add(&seen, key);
		buf_add_byte(&seen, ' ');
		assert_span(value, SPAN("v"));
	}
	assert_false(state_walk_previous(&w, &key, &value));
	state_walk_end(&w);
	state_end(&v);
	assert_span(buf_span(&seen), expected);
}

static void walks(void **unused)
{
	(void)unused;
	static const char *keys[] = {"a", "ab", "ab\x01", "ab\xff", "ab\xff\xff", "ac", "b", "\xff",
		"\xff\xff", "\xff\xff\x01"};
	struct state_change batch[ARRAY_LEN(keys)];
	struct state *s = open_or_fail(STATE_WRITE);

	assert_walk(s, SPAN(""), SPAN(""));
	assert_walk(s, SPAN("a"), SPAN(""));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		batch[i] = put(span_from(keys[(i * 7) % ARRAY_LEN(keys)]), SPAN("v"));
	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), batch, ARRAY_LEN(batch)), OK);
	assert_walk(s, SPAN("ab"), SPAN("ab\xff\xff ab\xff ab\x01 ab "));
	assert_walk(s, SPAN("ab\xff"), SPAN("ab\xff\xff ab\xff "));
	assert_walk(s, SPAN("a"), SPAN("ac ab\xff\xff ab\xff ab\x01 ab a "));
	assert_walk(s, SPAN("b"), SPAN("b "));
	assert_walk(s, SPAN("\xff"), SPAN("\xff\xff\x01 \xff\xff \xff "));
	assert_walk(s, SPAN("\xff\xff"), SPAN("\xff\xff\x01 \xff\xff "));
	assert_walk(s, SPAN("\xff\xff\xff"), SPAN(""));
	assert_walk(s, SPAN("abc"), SPAN(""));
	assert_walk(s, SPAN("A"), SPAN(""));
	assert_walk(s, SPAN("\0"), SPAN(""));
	assert_walk(s, SPAN(""),
		SPAN("\xff\xff\x01 \xff\xff \xff b ac ab\xff\xff ab\xff ab\x01 ab a "));
	static char long_prefix[STATE_KEY_MAX + 1];
	struct state_view v;
	struct state_walk w;

	memset(long_prefix, 0xff, sizeof(long_prefix));
	assert_walk(s, span_of(long_prefix, STATE_KEY_MAX), SPAN(""));
	assert_int_equal(state_begin(s, &v), OK);
	assert_int_equal(
		state_walk_begin(&v, span_of(long_prefix, sizeof(long_prefix)), &w), ERR_INVALID);
	state_end(&v);
	state_close(s);
}

/* Releases stand in order of precedence, and channels do not mix. */
static void releases_in_order(void **unused)
{
	(void)unused;
	static const char *rising[] = {"0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-rc.2",
		"1.0.0-rc.11", "1.0.0", "1.2.0", "1.10.0", "10.0.0"};
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_position from = at(1, 0, 0), to = at(1, 1, 1);

	for (size_t i = 0; i < 2 * ARRAY_LEN(rising); i++) {
		AUTO(buf) key = {0};
		struct semver version;
		enum channel channel = i % 2 ? CHANNEL_BETA : CHANNEL_STABLE;
		const char *text = rising[(i * 5) % ARRAY_LEN(rising)];

		buf_init(&key, STATE_KEY_MAX);
		state_key_releases(&key, SPAN("vpn"), SPAN("linux-x86_64"), channel);
		assert_int_equal(semver_parse(span_from(text), &version), OK);
		semver_key(&key, &version);
		assert_int_equal(buf_error(&key), OK);
		struct state_change change = put(buf_span(&key), span_from(text));

		assert_int_equal(state_apply(s, &from, &to, &change, 1), OK);
		from = to;
		to.seq++;
	}
	AUTO(buf) prefix = {0};
	struct state_view v;
	struct state_walk w;
	span key, value;

	buf_init(&prefix, STATE_KEY_MAX);
	state_key_releases(&prefix, SPAN("vpn"), SPAN("linux-x86_64"), CHANNEL_STABLE);
	assert_int_equal(state_begin(s, &v), OK);
	assert_int_equal(state_walk_begin(&v, buf_span(&prefix), &w), OK);
	for (size_t i = ARRAY_LEN(rising); i > 0; i--) {
		assert_true(state_walk_previous(&w, &key, &value));
		assert_span(value, span_from(rising[i - 1]));
	}
	assert_false(state_walk_previous(&w, &key, &value));
	state_end(&v);
	state_close(s);
}

static void view_is_a_snapshot(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change one = put(SPAN("a"), SPAN("1")), two = put(SPAN("a"), SPAN("2"));
	struct state_view before;
	span value;

	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), &one, 1), OK);
	assert_int_equal(state_begin(s, &before), OK);
	uint64_t version = version_of(s);

	assert_int_equal(apply(s, at(1, 1, 1), at(1, 2, 2), &two, 1), OK);
	assert_int_not_equal(version_of(s), version);
	assert_value(s, SPAN("a"), "2");
	assert_true(state_find(&before, SPAN("a"), &value));
	assert_span(value, SPAN("1"));
	state_end(&before);
	state_close(s);
}

/* A view that has ended leaves its transaction to the next, which must not show the past. */
static void views_follow_each_other(void **unused)
{
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_change one = put(SPAN("a"), SPAN("1")), two = put(SPAN("a"), SPAN("2"));
	struct state_view first, second, third;

	(void)unused;
	assert_int_equal(apply(s, at(1, 0, 0), at(1, 1, 1), &one, 1), OK);
	uint64_t version = version_of(s);

	assert_int_not_equal(version, 0);
	assert_int_equal(state_begin(s, &first), OK);
	assert_int_equal(state_view_version(&first), version);
	assert_int_equal(apply(s, at(1, 1, 1), at(1, 2, 2), &two, 1), OK);
	assert_int_equal(state_begin(s, &second), OK);
	assert_int_not_equal(state_view_version(&second), version);
	assert_int_equal(state_view_version(&first), version);
	assert_int_equal(state_begin(s, &third), OK);
	state_end(&first);
	state_end(&second);
	state_end(&third);
	state_end(&third);
	for (int i = 0; i < 300; i++) { /* more often than there are places for readers */
		assert_int_equal(state_begin(s, &first), OK);
		assert_int_equal(state_begin(s, &second), OK);
		state_end(&first);
		state_end(&second);
	}
	assert_value(s, SPAN("a"), "2");
	state_close(s);
}

static void replaced_environment(void **unused)
{
	(void)unused;
	state_close(open_or_fail(STATE_WRITE));
	struct state *s = open_or_fail(STATE_READ);

	assert_false(state_is_replaced(s));
	assert_int_equal(unlink(in_dir("data.mdb")), 0);
	assert_int_equal(unlink(in_dir("lock.mdb")), 0);
	assert_true(state_is_replaced(s));
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct state *again;

		_exit(state_open(dir, STATE_WRITE, &again) == OK ? 0 : 1);
	}
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(state_is_replaced(s));
	state_close(s);
	s = open_or_fail(STATE_READ);
	assert_false(state_is_replaced(s));
	state_close(s);
}

/* ---- processes that die ---- */

#define CRASH_KEYS   40
#define CRASH_ROUNDS 40

/* Writes batches in which every key says the sequence; reports each one that was acknowledged. */
static NORETURN void write_until_killed(int report)
{
	struct state *s;
	struct state_view v;
	struct state_position p, to;
	char names[CRASH_KEYS][16], value[1200];
	struct state_change batch[CRASH_KEYS];

	if (state_open(dir, STATE_WRITE, &s) || state_begin(s, &v))
		_exit(1);
	state_position(&v, &p);
	state_end(&v);
	for (;;) {
		to = at(1, p.seq + 1, 1);
		memset(value, 'a' + (char)(to.seq % 26), sizeof(value));
		(void)snprintf(value, sizeof(value), "%llu ", (unsigned long long)to.seq);
		for (int i = 0; i < CRASH_KEYS; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "k%d", i);
			batch[i] = put(span_from(names[i]), span_of(value, sizeof(value)));
		}
		if (state_apply(s, &p, &to, batch, CRASH_KEYS) ||
			write(report, &to.seq, sizeof(to.seq)) != sizeof(to.seq))
			_exit(2);
		p = to;
	}
}

/* Gives where the state stands: the batch in flight when the writer was killed may have made it. */
static uint64_t assert_consistent(struct state *s, uint64_t acknowledged)
{
	struct state_view v;
	struct state_position p;
	char expected[32];

	assert_int_equal(state_begin(s, &v), OK);
	state_position(&v, &p);
	assert_true(p.seq >= acknowledged);
	assert_true(p.seq <= acknowledged + 1);
	(void)snprintf(expected, sizeof(expected), "%llu ", (unsigned long long)p.seq);
	for (int i = 0; i < CRASH_KEYS && p.seq > 0; i++) {
		char name[16];
		span value;

		(void)snprintf(name, sizeof(name), "k%d", i);
		assert_true(state_find(&v, span_from(name), &value));
		assert_int_equal(value.len, 1200);
		assert_true(span_starts_with(value, span_from(expected)));
		assert_int_equal(value.ptr[1199], 'a' + (char)(p.seq % 26));
	}
	state_end(&v);
	return p.seq;
}

static void killed_writer(void **unused)
{
	(void)unused;
	uint64_t acknowledged = 0, seq;
	unsigned seed = (unsigned)getpid();

	print_message("seed %u\n", seed);
	for (int round = 0; round < CRASH_ROUNDS; round++) {
		int pipe_fds[2];

		assert_int_equal(pipe(pipe_fds), 0);
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			write_until_killed(pipe_fds[1]);
		assert_int_equal(close(pipe_fds[1]), 0);
		/* a random number of batches, then a random moment inside the next ones */
		seed = seed * 1103515245u + 12345u;
		for (unsigned n = seed >> 16 & 3; n > 0; n--)
			if (read(pipe_fds[0], &seq, sizeof(seq)) == sizeof(seq))
				acknowledged = seq;
		assert_int_equal(usleep((seed >> 8) % 3000), 0);
		assert_int_equal(kill(child, SIGKILL), 0);
		while (read(pipe_fds[0], &seq, sizeof(seq)) == sizeof(seq))
			acknowledged = seq;
		assert_int_equal(close(pipe_fds[0]), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		struct state *s = open_or_fail(STATE_WRITE);

		acknowledged = assert_consistent(s, acknowledged);
		state_close(s);
	}
	assert_true(acknowledged > 0);
}

static off_t size_after_writes(struct state *s, struct state_position *p, int batches)
{
	static char value[STATE_VALUE_MAX];
	struct stat st;

	for (int i = 0; i < batches; i++) {
		struct state_position to = at(1, p->seq + 1, 1);
		struct state_change change = put(SPAN("big"), span_of(value, sizeof(value)));

		value[0]++;
		assert_int_equal(state_apply(s, p, &to, &change, 1), OK);
		*p = to;
	}
	assert_int_equal(stat(in_dir("data.mdb"), &st), 0);
	return st.st_size;
}

/* A reader that lives pins what it sees, and the file grows; a dead one must not. */
static void leaked_reader(void **unused)
{
	(void)unused;
	struct state *s = open_or_fail(STATE_WRITE);
	struct state_position p = at(1, 0, 0);
	int pipe_fds[2];
	char byte;

	(void)size_after_writes(s, &p, 4);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct state *mine;
		struct state_view v;

		if (state_open(dir, STATE_READ, &mine) || state_begin(mine, &v) ||
			write(pipe_fds[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	off_t before = size_after_writes(s, &p, 4);
	off_t pinned = size_after_writes(s, &p, 40);

	assert_true(pinned > before + 30 * STATE_VALUE_MAX);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	state_check_readers(s);
	assert_true(size_after_writes(s, &p, 60) <= pinned + 4 * STATE_VALUE_MAX);
	assert_int_equal(close(pipe_fds[0]) | close(pipe_fds[1]), 0);
	state_close(s);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(open_missing),
		ROW(open_bad_path),
		ROW(file_modes),
		ROW(refused_changes),
		ROW(read_only),
		ROW(conflict_and_repetition),
		ROW(heartbeat),
		ROW(replacement),
		ROW(last_change_counts),
		ROW(walks),
		ROW(releases_in_order),
		ROW(view_is_a_snapshot),
		ROW(views_follow_each_other),
		ROW(replaced_environment),
		ROW(killed_writer),
		ROW(leaked_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
