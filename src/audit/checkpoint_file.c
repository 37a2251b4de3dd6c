/* Hard rule: the file ends with a whole line before anything is appended to it. */
#include "audit/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "sys/files.h"

#include "base/banned.h"

struct checkpoint_file {
	int fd;
	off_t size;
};

/* What stands at the end of a file of lines: where its last whole line ends, and that line. */
static err find_end(int fd, off_t *ret_end, struct checkpoint *ret_last)
{
	char tail[4 * CHECKPOINT_LINE_MAX];
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(tail) ? size - (off_t)sizeof(tail) : 0;
	ssize_t n = size < 0 ? -1 : pread(fd, tail, (size_t)(size - from), from);

	if (n < 0)
		return err_from_errno(errno);
	span text = span_of(tail, (size_t)n);
	size_t newline = span_rfind(text, '\n');

	*ret_end = newline == text.len ? from : from + (off_t)newline + 1;
	if (newline == text.len)
		return OK;
	text = span_sub(text, 0, newline);
	newline = span_rfind(text, '\n');
	if (newline < text.len)
		text = span_from_offset(text, newline + 1);
	if (checkpoint_parse(text, ret_last))
		*ret_last = (struct checkpoint){0}; /* as if there were none: verifying tells */
	return OK;
}

err checkpoint_file_open(
	const char *path, struct checkpoint_file **ret, struct checkpoint *ret_last)
{
	struct checkpoint_file *f = calloc(1, sizeof(*f));
	struct checkpoint last = {0};

	if (!f)
		return ERR_NOMEM;
	f->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	err e = f->fd < 0 ? err_from_errno(errno) : find_end(f->fd, &f->size, &last);

	if (!e && ftruncate(f->fd, f->size) != 0)
		e = err_from_errno(errno);
	if (!e) {
		AUTO_PTR(arena) a = arena_new();

		e = dir_sync(dirname(arena_strdup(a, path)));
	}
	if (e) {
		checkpoint_file_close(f);
		return e;
	}
	*ret = f;
	*ret_last = last;
	return OK;
}

void checkpoint_file_close(struct checkpoint_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		(void)close(f->fd); /* everything was synced */
	free(f);
}

err checkpoint_file_append(struct checkpoint_file *f, const struct checkpoint *c)
{
	char memory[CHECKPOINT_LINE_MAX];
	struct buf line;

	buf_init_fixed(&line, memory, sizeof(memory));
	checkpoint_format(c, &line);
	buf_add_byte(&line, '\n');
	err e = buf_error(&line);

	if (e)
		return e;
	e = fd_write_all(f->fd, buf_span(&line));
	if (!e && fdatasync(f->fd) != 0)
		e = err_from_errno(errno);
	if (e) {
		(void)!ftruncate(f->fd, f->size); /* else the next opening does it */
		return e;
	}
	f->size += (off_t)buf_len(&line);
	return OK;
}

err checkpoint_file_read(const char *path, checkpoint_each *each, void *ctx)
{
	FILE *file = fopen(path, "re");
	char line[CHECKPOINT_LINE_MAX];
	err e = OK;

	if (!file)
		return err_from_errno(errno);
	for (unsigned number = 1; !e && fgets(line, sizeof(line), file); number++) {
		span text = span_from(line);
		struct checkpoint c;
		bool good;

		if (!span_ends_with(text, SPAN("\n")) && feof(file))
			break;
		good = checkpoint_parse(span_trim(text), &c) == OK;
		e = each(ctx, number, good ? &c : NULL);
	}
	if (!e && ferror(file))
		e = ERR_IO;
	(void)fclose(file);
	return e;
}
