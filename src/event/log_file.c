/*
 * Reading an event log that grows. Hard rule: what is given begins at the position and ends at the
 * end of a line, but for lines that will never have one.
 */
#include "event/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "event/event_line.h"

#include "base/banned.h"

#define PREFIX "events."
#define SUFFIX "log"

bool log_file_name(span name, bool *ret_rotated)
{
	span rest = span_from_offset(name, sizeof(PREFIX) - 1);

	if (!span_starts_with(name, SPAN(PREFIX)) || name.len > 255)
		return false;
	*ret_rotated = !span_is(rest, SUFFIX);
	return !*ret_rotated ||
	       (span_ends_with(rest, SPAN("." SUFFIX)) && rest.len > sizeof(SUFFIX));
}

err log_file_open(int dir_fd, const char *name, int64_t now_us, struct log_file *ret)
{
	struct log_file f = {.position = -1, .grown_at_us = now_us};
	struct stat st;
	struct buf text;

	if (!log_file_name(span_from(name), &f.rotated))
		return ERR_INVALID;
	buf_init_fixed(&text, f.name, sizeof(f.name));
	buf_add_str(&text, name);
	/* Not blocking: somebody may have put a pipe there. */
	f.fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (f.fd < 0)
		return err_from_errno(errno);
	if (fstat(f.fd, &st) || !S_ISREG(st.st_mode)) {
		(void)close(f.fd);
		return ERR_INVALID;
	}
	f.device = st.st_dev;
	f.inode = st.st_ino;
	*ret = f;
	return OK;
}

void log_file_close(struct log_file *f)
{
	(void)close(f->fd); /* read only: nothing can be lost */
	f->fd = -1;
}

/* Reads up to n bytes at offset; fewer only at the end of the file. */
static err read_at(const struct log_file *f, int64_t offset, size_t n, struct buf *out)
{
	char *to = buf_reserve(out, n);
	size_t got = 0;

	if (!to)
		return buf_error(out);
	while (got < n) {
		ssize_t r = pread(f->fd, to + got, n - got, (off_t)(offset + (int64_t)got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_from_errno(errno);
		if (r == 0)
			break;
		got += (size_t)r;
	}
	buf_advance(out, got);
	return OK;
}

/* The digest of the first line; of the first bytes where no line is that long. */
static err find_generation(struct log_file *f)
{
	AUTO(buf) head = {0};
	uint8_t digest[SHA256_SIZE];
	struct buf text;

	buf_init(&head, EVENT_LINE_MAX);
	err e = read_at(f, 0, EVENT_LINE_MAX, &head);

	if (e)
		return e;
	size_t end = span_find(buf_span(&head), '\n');

	if (end == buf_len(&head) && end < EVENT_LINE_MAX)
		return OK;
	sha256(span_sub(buf_span(&head), 0, end), digest);
	buf_init_fixed(&text, f->generation, sizeof(f->generation));
	hex_encode(&text, span_of(digest, (GENERATION_SIZE - 1) / 2));
	return OK;
}

err log_file_look(struct log_file *f, int64_t now_us)
{
	struct stat st;

	if (fstat(f->fd, &st))
		return err_from_errno(errno);
	if (st.st_size < f->size || st.st_size < f->position) {
		f->generation[0] = '\0';
		f->position = -1;
		f->size = 0;
	}
	if (st.st_size > f->size)
		f->grown_at_us = now_us;
	f->size = st.st_size;
	return f->generation[0] ? OK : find_generation(f);
}

/* The length of the first lines_max lines of text, without an unfinished last one. */
static size_t whole_lines(span text, size_t lines_max)
{
	size_t len = 0;

	while (lines_max-- > 0) {
		size_t end = span_find(span_from_offset(text, len), '\n');

		if (len + end >= text.len)
			break;
		len += end + 1;
	}
	return len;
}

err log_file_read(const struct log_file *f, size_t lines_max, bool all, struct buf *out)
{
	int64_t left = f->size - f->position;
	size_t room = out->max_ - buf_len(out);

	if (left <= 0)
		return OK;
	err e = read_at(f, f->position, (size_t)MIN(left, (int64_t)room), out);

	if (e)
		return e;
	size_t len = whole_lines(buf_span(out), lines_max);

	if (len == 0 && (all || buf_len(out) > EVENT_LINE_MAX))
		len = MIN(buf_len(out), EVENT_LINE_MAX + 1);
	buf_truncate(out, len);
	return OK;
}
