/*
 * The tailer. Hard rules: a file is deleted only when all of it is stored and nginx has left it;
 * nothing is ever written to a log.
 *
 * Several files may be alive: after a rotation nginx's workers go on with the renamed file for a
 * moment. All are followed, the oldest first. Each round ships what there is; when the control
 * plane does not answer, the next round comes later, up to PAUSE_MAX.
 */
#include "event/tailer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "event/log_file.h"
#include "net/http.h"
#include "sys/clock.h"
#include "sys/log.h"

#include "base/banned.h"

#define FILES_MAX   64
#define BATCH_LINES 1000
#define BATCH_BYTES (1024 * 1024)
#define ROUND_US    (200 * TIME_MS)
#define PAUSE_MAX   (10 * TIME_SECOND)
/* nginx's workers open the new file one after the other, each when it gets to it. */
#define LEFT_AFTER (TIME_MINUTE)

struct tailer {
	const struct tailer_plan *plan;
	struct http *http;
	int dir_fd;
	struct log_file files[FILES_MAX]; /* the oldest first, events.log last */
	size_t count;
	int64_t pause_us; /* 0: all is well */
};

static volatile sig_atomic_t stopping;

static void on_stop(int number UNUSED)
{
	stopping = 1;
}

static bool is_stopping(void *ctx UNUSED)
{
	return stopping;
}

/* The files ------------------------------------------------------------------------------------ */

static struct log_file *find_file(struct tailer *t, const struct stat *st)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->files[i].inode == st->st_ino && t->files[i].device == st->st_dev)
			return &t->files[i];
	return NULL;
}

/* A name in the directory: a file that is known, perhaps by another name, or a new one. */
static void see_name(struct tailer *t, const char *name)
{
	struct log_file *f;
	struct stat st;
	bool rotated;

	if (!log_file_name(span_from(name), &rotated) ||
		fstatat(t->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return;
	f = find_file(t, &st);
	if (!f) {
		if (t->count == FILES_MAX ||
			log_file_open(t->dir_fd, name, clock_monotonic_us(), &t->files[t->count]))
			return; /* tried again in the next round */
		t->files[t->count++].seen = true;
		return;
	}
	f->seen = true;
	f->rotated = rotated;
	memcpy(f->name, name, strlen(name) + 1);
}

/* Times in names have equally many digits; the file that nginx writes to comes last. */
static int compare_files(const void *a, const void *b)
{
	const struct log_file *left = a, *right = b;

	if (left->rotated != right->rotated)
		return left->rotated ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void forget(struct tailer *t, size_t i)
{
	log_file_close(&t->files[i]);
	t->count--;
	memmove(&t->files[i], &t->files[i + 1], (t->count - i) * sizeof(t->files[0]));
}

static void look_around(struct tailer *t)
{
	int fd = openat(t->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (size_t i = 0; i < t->count; i++)
		t->files[i].seen = false;
	while ((entry = readdir(dir)) != NULL) /* NOLINT(concurrency-mt-unsafe): one thread */
		see_name(t, entry->d_name);
	(void)closedir(dir);
	for (size_t i = t->count; i-- > 0;)
		if (!t->files[i].seen)
			forget(t, i); /* somebody deleted it */
	qsort(t->files, t->count, sizeof(t->files[0]), compare_files);
}

/* Shipping ------------------------------------------------------------------------------------- */

static err read_position(span body, int64_t *ret)
{
	struct json_reader r;
	int64_t position = -1;
	span key;

	json_reader_init(&r, body);
	json_enter_object(&r);
	while (json_next_member(&r, &key)) {
		if (span_is(key, "position"))
			position = json_get_i64(&r);
		else
			json_skip(&r);
	}
	if (json_read_end(&r) || position < 0)
		return ERR_CORRUPT;
	*ret = position;
	return OK;
}

/* Sends bytes that stand at `from`; *ret_position is where to go on, whatever became of them. */
static err post(
	struct tailer *t, const struct log_file *f, int64_t from, span bytes, int64_t *ret_position)
{
	char url_text[512];
	struct buf url;
	struct http_answer answer;
	struct http_request rq = {.method = "POST",
		.url = url_text,
		.content_type = "application/x-ndjson",
		.body = bytes,
		.once = true,
		.answer_max = 4096};

	buf_init_fixed(&url, url_text, sizeof(url_text));
	buf_addf(&url,
		"http://localhost/internal/events?generation=%s&from=%lld&edge=", f->generation,
		(long long)from);
	percent_encode(&url, span_from(t->plan->edge));
	if (buf_error(&url))
		return ERR_INVALID;
	http_answer_init(&answer);
	err e = http_send(t->http, &rq, &answer);

	if (!e)
		e = read_position(buf_span(&answer.body), ret_position);
	if (e && !stopping && t->pause_us == 0)
		log_warn("the control plane takes no events", LOG_ERR(e),
			LOG_INT("status", answer.status),
			LOG_SPAN("detail", buf_span(&answer.detail)));
	http_answer_done(&answer);
	return e;
}

/* Nobody writes to it any more. */
static bool is_left(const struct log_file *f)
{
	return f->rotated && clock_monotonic_us() - f->grown_at_us > LEFT_AFTER;
}

static err ship_batch(struct tailer *t, struct log_file *f, struct buf *batch, bool *ret_more)
{
	buf_clear(batch);
	err e = log_file_read(f, BATCH_LINES, is_left(f), batch);

	*ret_more = !e && buf_len(batch) > 0;
	if (e || !*ret_more)
		return e;
	int64_t before = f->position;

	e = post(t, f, f->position, buf_span(batch), &f->position);
	/* Further back is right after a restored backup; nowhere is a fault, and must not spin. */
	if (!e && f->position == before)
		e = ERR_CORRUPT;
	return e;
}

static err ship_file(struct tailer *t, struct log_file *f, struct buf *batch)
{
	bool more = true;
	err e = log_file_look(f, clock_monotonic_us());

	if (!e && f->generation[0] && f->position < 0)
		e = post(t, f, 0, SPAN_EMPTY, &f->position);
	while (!e && f->position >= 0 && more && !stopping)
		e = ship_batch(t, f, batch, &more);
	return e;
}

/* Without one whole line there is nothing to ship. The look has shown that it is still so. */
static bool is_done(const struct log_file *f)
{
	return is_left(f) && (!f->generation[0] || f->position == f->size);
}

static void ship_all(struct tailer *t, struct buf *batch)
{
	err e = OK;

	for (size_t i = 0; !e && i < t->count && !stopping; i++)
		e = ship_file(t, &t->files[i], batch);
	if (e) {
		t->pause_us = MIN(t->pause_us ? t->pause_us * 2 : ROUND_US, PAUSE_MAX);
		return;
	}
	if (t->pause_us)
		log_info("events are taken again");
	t->pause_us = 0;
	for (size_t i = t->count; i-- > 0;) {
		struct log_file *f = &t->files[i];

		if (log_file_look(f, clock_monotonic_us()) || !is_done(f))
			continue;
		if (unlinkat(t->dir_fd, f->name, 0))
			continue; /* tried again in the next round */
		log_info("event log is stored and deleted", LOG_STR("file", f->name));
		forget(t, i);
	}
}

/* The process ---------------------------------------------------------------------------------- */

static void wait_us(int64_t us)
{
	struct timespec pause = {.tv_sec = us / TIME_SECOND, .tv_nsec = us % TIME_SECOND * 1000};

	(void)nanosleep(&pause, NULL); /* a signal ends it: that is what it is for */
}

static void catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
	sigset_t signals;

	(void)sigaction(SIGTERM, &stop, NULL); /* valid signals: cannot fail */
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_UNBLOCK, &signals, NULL); /* the parent had them blocked */
}

static err tailer_open(const struct tailer_plan *plan, struct tailer *ret)
{
	struct http_settings settings = {.plain = true,
		.unix_socket = plan->socket,
		.attempts = 1,
		.cancelled = is_stopping};
	int fd = open(plan->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_from_errno(errno);
	err e = http_new(&settings, &ret->http);

	if (e) {
		(void)close(fd);
		return e;
	}
	ret->plan = plan;
	ret->dir_fd = fd;
	return OK;
}

int tailer_main(const struct tailer_plan *plan)
{
	static struct tailer t; /* large */
	AUTO(buf) batch = {0};

	catch_signals();
	err e = tailer_open(plan, &t);

	if (e) {
		log_error("the tailer cannot start", LOG_STR("directory", plan->directory),
			LOG_ERR(e));
		return err_exit_code(e);
	}
	buf_init(&batch, BATCH_BYTES);
	while (!stopping) {
		look_around(&t);
		ship_all(&t, &batch);
		if (!stopping)
			wait_us(MAX(t.pause_us, ROUND_US));
	}
	while (t.count)
		forget(&t, 0);
	http_free(t.http);
	(void)close(t.dir_fd);
	return 0;
}
