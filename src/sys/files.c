/*
 * Files as a database needs them. Hard rule: a name appears in a directory only when what it names
 * is complete and on disk (write, fsync, rename or link, fsync of the directory).
 */
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/banned.h"

#define PATH_MAX_BYTES 4096
#define READ_STEP      16384

/* Closes on leaving the scope; -1 is none. */
static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing written through it is acknowledged without fsync */
}

#define AUTO_FD __attribute__((cleanup(close_fd))) int

err file_read(const char *path, struct buf *out)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	char chunk[READ_STEP];
	err e = OK;
	ssize_t n;

	if (fd < 0)
		return err_from_errno(errno);
	do {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(out, span_of(chunk, (size_t)n));
		if (n < 0 && errno != EINTR)
			e = err_from_errno(errno);
		if (e == OK)
			e = buf_error(out);
	} while (n != 0 && e == OK);
	explicit_bzero(chunk, sizeof(chunk)); /* it may have been a key */
	return e;
}

/* The directory part of path, "." where there is none. */
static err directory_of(const char *path, char ret[PATH_MAX_BYTES])
{
	span p = span_from(path);
	size_t slash = span_rfind(p, '/');

	if (p.len == 0 || p.len >= PATH_MAX_BYTES)
		return ERR_INVALID;
	if (slash == p.len)
		memcpy(ret, ".", 2);
	else if (slash == 0)
		memcpy(ret, "/", 2);
	else {
		memcpy(ret, path, slash);
		ret[slash] = '\0';
	}
	return OK;
}

err dir_sync(const char *path)
{
	AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return err_from_errno(errno);
	return OK;
}

static err make_one(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return chmod(path, mode) == 0 ? OK : err_from_errno(errno); /* despite umask */
	if (errno != EEXIST)
		return err_from_errno(errno);
	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	return S_ISDIR(st.st_mode) ? OK : ERR_CONFLICT;
}

err dir_make(const char *path, mode_t mode)
{
	char part[PATH_MAX_BYTES];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return ERR_INVALID;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i < len; i++) {
		if (part[i] != '/' || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		err e = path_exists(part) ? OK : make_one(part, mode);
		if (e != OK)
			return e;
		part[i] = '/';
	}
	return make_one(path, mode);
}

err fd_write_all(int fd, span s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n >= 0) {
			s = span_from_offset(s, (size_t)n);
			continue;
		}
		if (errno == EAGAIN) {
			struct pollfd p = {fd, POLLOUT, 0};
			(void)poll(&p, 1, -1); /* the write tells what is wrong, if anything is */
			continue;
		}
		if (errno != EINTR)
			return err_from_errno(errno);
	}
	return OK;
}

static err fill_temporary(int fd, span content, mode_t mode)
{
	err e = fd_write_all(fd, content);

	if (e != OK)
		return e;
	/* fchmod, not the mode of open(): the umask must not decide who reads a key. */
	if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
		return err_from_errno(errno);
	return OK;
}

/* Gives the content its final name: over what is there, or only where there is nothing. */
static err put_in_place(const char *temporary, const char *path, bool replace)
{
	if (replace)
		return rename(temporary, path) == 0 ? OK : err_from_errno(errno);
	if (link(temporary, path) != 0)
		return err_from_errno(errno);
	(void)unlink(temporary); /* a second name is harmless */
	return OK;
}

static err write_named(const char *path, span content, mode_t mode, bool replace)
{
	char directory[PATH_MAX_BYTES], temporary[PATH_MAX_BYTES + 32];
	struct buf name;
	err e = directory_of(path, directory);

	if (e != OK)
		return e;
	buf_init_fixed(&name, temporary, sizeof(temporary));
	buf_addf(&name, "%s/.tmp-XXXXXX", directory);
	if (buf_error(&name) != OK)
		return ERR_INVALID;
	/* Not O_TMPFILE: it cannot replace an existing name. */
	AUTO_FD fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	e = fill_temporary(fd, content, mode);
	if (e == OK)
		e = put_in_place(temporary, path, replace);
	if (e != OK) {
		(void)unlink(temporary); /* the first failure is the one to report */
		return e;
	}
	return dir_sync(directory);
}

err file_write_atomic(const char *path, span content, mode_t mode)
{
	return write_named(path, content, mode, true);
}

err file_create_atomic(const char *path, span content, mode_t mode)
{
	return write_named(path, content, mode, false);
}

bool path_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

err disk_free(const char *path, uint64_t *ret_bytes)
{
	struct statvfs v;

	if (statvfs(path, &v) != 0)
		return err_from_errno(errno);
	*ret_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return OK;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._+~@=- ", c) != NULL);
}

bool filename_is_safe(span name)
{
	if (name.len < 1 || name.len > FILENAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_name_byte(name.ptr[i]))
			return false;
	char first = name.ptr[0], last = name.ptr[name.len - 1];
	return first != '.' && first != '-' && first != ' ' && last != '.' && last != ' ';
}

err secret_file_read(const char *path, struct buf *out, bool *ret_wide)
{
	struct stat st;
	size_t before = buf_len(out);
	err e;

	if (stat(path, &st) != 0)
		return err_from_errno(errno);
	e = file_read(path, out);
	if (e != OK)
		return e;
	span text = span_from_offset(buf_span(out), before);
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		buf_truncate(out, buf_len(out) - 1);
	*ret_wide = (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
	return OK;
}
