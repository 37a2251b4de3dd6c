/*
 * Files that grow as bytes arrive. Hard rule: writes happen only under the file's lock (flock,
 * which a second holder in this or another process cannot get), and only at its end.
 */
#include "blob/upload_area.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/files.h"
#include "sys/gate.h"
#include "base/banned.h"

#define PATH_SIZE    4096
#define ID_SIZE      64
#define READ_BYTES   65536
#define FLUSH_BYTES  (UINT64_C(16) << 20) /* writeback is started this often, for a short fsync */
#define KEPT_DIGESTS 32

/* The digest of the first `offset` bytes of an upload that nobody has open. */
struct kept_digest {
	char id[ID_SIZE];
	uint64_t offset;
	struct sha256_stream *digest;
};

struct upload_area {
	char dir[PATH_SIZE];
	struct gate *slots;
	pthread_mutex_t lock; /* guards what is below */
	struct kept_digest kept[KEPT_DIGESTS];
	unsigned next; /* the place taken next when all are full */
};

struct upload_file {
	struct upload_area *area;
	int fd;
	uint64_t offset, flushed;
	uint64_t digested; /* bytes in digest, ≤ offset */
	struct sha256_stream *digest;
	char id[ID_SIZE];
	char path[PATH_SIZE];
};

static bool id_is_valid(span id)
{
	if (id.len == 0 || id.len >= ID_SIZE)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '_'))
			return false;
	}
	return true;
}

static err path_of(const struct upload_area *a, span id, char ret[PATH_SIZE])
{
	if (!id_is_valid(id))
		return ERR_INVALID;
	int n = snprintf(ret, PATH_SIZE, "%s/%.*s", a->dir, SPAN_ARG(id));

	return n > 0 && n < PATH_SIZE ? OK : ERR_INVALID;
}

/* ---- the area ---- */

err upload_area_open(const char *dir, unsigned slots, struct upload_area **ret)
{
	size_t len = strlen(dir);

	if (len + 1 + ID_SIZE > PATH_SIZE)
		return ERR_INVALID;
	err e = dir_make(dir, 0700);

	if (e)
		return e;
	struct upload_area *a = calloc(1, sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	memcpy(a->dir, dir, len + 1);
	a->slots = gate_new(slots, 0);
	(void)pthread_mutex_init(&a->lock, NULL); /* cannot fail without attributes */
	*ret = a;
	return OK;
}

void upload_area_free(struct upload_area *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < KEPT_DIGESTS; i++)
		sha256_stream_free(a->kept[i].digest);
	(void)pthread_mutex_destroy(&a->lock); /* nobody holds it */
	gate_free(a->slots);
	free(a);
}

err upload_area_room(struct upload_area *a, uint64_t length)
{
	uint64_t free_bytes, need;
	err e = disk_free(a->dir, &free_bytes);

	if (e)
		return e;
	if (__builtin_add_overflow(length, UPLOAD_SPARE_BYTES, &need))
		return ERR_NO_SPACE;
	return free_bytes >= need ? OK : ERR_NO_SPACE;
}

/* ---- kept digests ---- */

static struct sha256_stream *take_digest(struct upload_area *a, const char *id, uint64_t offset)
{
	struct sha256_stream *found = NULL;

	(void)pthread_mutex_lock(&a->lock); /* not recursive, never fails */
	for (size_t i = 0; i < KEPT_DIGESTS; i++) {
		struct kept_digest *k = &a->kept[i];

		if (!k->digest || strcmp(k->id, id) != 0)
			continue;
		if (k->offset == offset)
			found = k->digest;
		else
			sha256_stream_free(k->digest);
		*k = (struct kept_digest){0};
	}
	(void)pthread_mutex_unlock(&a->lock);
	return found;
}

/* Takes the digest; the oldest one makes room. */
static void keep_digest(
	struct upload_area *a, const char *id, uint64_t offset, struct sha256_stream *digest)
{
	(void)pthread_mutex_lock(&a->lock);
	struct kept_digest *k = &a->kept[a->next++ % KEPT_DIGESTS];

	sha256_stream_free(k->digest);
	k->digest = digest;
	k->offset = offset;
	(void)snprintf(k->id, sizeof(k->id), "%s", id);
	(void)pthread_mutex_unlock(&a->lock);
}

/* ---- files ---- */

err upload_file_create(struct upload_area *a, span id)
{
	char path[PATH_SIZE];
	err e = path_of(a, id, path);

	if (e)
		return e;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_from_errno(errno);
	if (fsync(fd))
		e = err_from_errno(errno);
	(void)close(fd); /* empty, and fsync has told */
	return e ? e : dir_sync(a->dir);
}

err upload_file_size(struct upload_area *a, span id, uint64_t *ret_bytes)
{
	char path[PATH_SIZE];
	struct stat st;
	err e = path_of(a, id, path);

	if (e)
		return e;
	if (lstat(path, &st))
		return err_from_errno(errno);
	*ret_bytes = (uint64_t)st.st_size;
	return OK;
}

/* Opens and locks; the lock may be won on a file that was renamed into the store meanwhile. */
static err open_locked(const char *path, int *ret_fd)
{
	struct stat opened, named;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_from_errno(errno);
	err e = OK;

	if (flock(fd, LOCK_EX | LOCK_NB))
		e = errno == EWOULDBLOCK ? ERR_CONFLICT : err_from_errno(errno);
	else if (fstat(fd, &opened) || lstat(path, &named) || opened.st_ino != named.st_ino)
		e = ERR_NOT_FOUND;
	if (e) {
		(void)close(fd); /* nothing was written through it */
		return e;
	}
	*ret_fd = fd;
	return OK;
}

err upload_file_remove(struct upload_area *a, span id)
{
	char path[PATH_SIZE];
	int fd;
	err e = path_of(a, id, path);

	if (!e)
		e = open_locked(path, &fd);
	if (e)
		return e == ERR_NOT_FOUND ? OK : e;
	if (unlink(path))
		e = err_from_errno(errno);
	(void)close(fd);
	char name[ID_SIZE];

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_ARG(id));
	sha256_stream_free(take_digest(a, name, 0));
	return e ? e : dir_sync(a->dir);
}

static err open_in_slot(struct upload_area *a, span id, struct upload_file *u)
{
	struct stat st;
	err e = path_of(a, id, u->path);

	if (!e)
		e = open_locked(u->path, &u->fd);
	if (e)
		return e;
	if (fstat(u->fd, &st) || lseek(u->fd, 0, SEEK_END) < 0)
		return err_from_errno(errno);
	(void)snprintf(u->id, sizeof(u->id), "%.*s", SPAN_ARG(id));
	u->offset = u->flushed = u->digested = (uint64_t)st.st_size;
	u->digest = take_digest(a, u->id, u->offset);
	if (!u->digest) {
		u->digested = 0;
		u->digest = sha256_stream_new();
	}
	return u->digest ? OK : ERR_NOMEM;
}

err upload_file_open(struct upload_area *a, span id, struct upload_file **ret)
{
	err e = gate_enter(a->slots, 0);

	if (e)
		return e;
	struct upload_file *u = calloc(1, sizeof(*u));

	if (!u) {
		gate_leave(a->slots);
		return ERR_NOMEM;
	}
	u->area = a;
	u->fd = -1;
	e = open_in_slot(a, id, u);
	if (e) {
		upload_file_free(u);
		return e;
	}
	*ret = u;
	return OK;
}

void upload_file_free(struct upload_file *u)
{
	if (!u)
		return;
	if (u->digest && u->digested == u->offset && u->offset > 0)
		keep_digest(u->area, u->id, u->offset, u->digest);
	else
		sha256_stream_free(u->digest);
	if (u->fd >= 0)
		(void)close(u->fd); /* gives back the lock; upload_file_sync has told of errors */
	gate_leave(u->area->slots);
	free(u);
}

uint64_t upload_file_offset(const struct upload_file *u)
{
	return u->offset;
}

const char *upload_file_path(const struct upload_file *u)
{
	return u->path;
}

/* Adds to the digest what lies between it and the end of the file. */
static err catch_up(struct upload_file *u)
{
	char chunk[READ_BYTES];

	while (u->digested < u->offset) {
		size_t want = (size_t)MIN((uint64_t)sizeof(chunk), u->offset - u->digested);
		ssize_t n = pread(u->fd, chunk, want, (off_t)u->digested);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_from_errno(errno) : ERR_CORRUPT;
		sha256_stream_add(u->digest, span_of(chunk, (size_t)n));
		u->digested += (uint64_t)n;
	}
	return OK;
}

err upload_file_write(struct upload_file *u, span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(u->fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_from_errno(errno);
		if (u->digested == u->offset) {
			sha256_stream_add(u->digest, span_of(bytes.ptr, (size_t)n));
			u->digested += (uint64_t)n;
		}
		u->offset += (uint64_t)n;
		bytes = span_from_offset(bytes, (size_t)n);
	}
	if (u->offset - u->flushed >= FLUSH_BYTES) {
		/* A hint to the kernel: fsync decides. */
		(void)sync_file_range(u->fd, (off_t)u->flushed, (off_t)(u->offset - u->flushed),
			SYNC_FILE_RANGE_WRITE);
		u->flushed = u->offset;
	}
	return OK;
}

err upload_file_cut(struct upload_file *u, uint64_t offset)
{
	if (offset > u->offset)
		return ERR_INVALID;
	if (ftruncate(u->fd, (off_t)offset) || lseek(u->fd, (off_t)offset, SEEK_SET) < 0)
		return err_from_errno(errno);
	u->offset = offset;
	u->flushed = MIN(u->flushed, offset);
	if (u->digested <= offset)
		return OK;
	sha256_stream_free(u->digest);
	u->digest = sha256_stream_new();
	u->digested = 0;
	return u->digest ? OK : ERR_NOMEM;
}

err upload_file_sync(struct upload_file *u)
{
	return fsync(u->fd) ? err_from_errno(errno) : OK;
}

err upload_file_digest(struct upload_file *u, uint8_t ret[SHA256_SIZE])
{
	err e = catch_up(u);

	if (!e)
		sha256_stream_get(u->digest, ret);
	return e;
}

err upload_area_each(struct upload_area *a, upload_visit *visit, void *ctx)
{
	DIR *d = opendir(a->dir);
	struct dirent *entry;
	struct stat st;
	err e = OK;

	if (!d)
		return err_from_errno(errno);
	while (!e && (entry = readdir(d)) != NULL) {
		span id = span_from(entry->d_name);

		if (!id_is_valid(id))
			continue;
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue; /* gone meanwhile */
		e = visit(ctx, id, st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec / 1000);
	}
	(void)closedir(d); /* was read only */
	return e;
}
