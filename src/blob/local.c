/*
 * Blobs as files: DIR/ab/cd/<64 hex>. Hard rule: a name in the store means bytes on disk. The order
 * is always: bytes to disk (fsync), name (rename), name to disk (fsync of the directory); a crash
 * in between leaves the old state or the new one. Everything is opened beneath a directory
 * descriptor and no symbolic link is followed.
 */
#include "blob/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "sys/files.h"
#include "base/banned.h"

#define DIR_MODE  02750 /* set-gid: what is made inside belongs to the data plane's group */
#define FILE_MODE 0440
#define PATH_SIZE (6 + BLOB_NAME_SIZE + 1) /* "ab/cd/NAME" */

struct local_store {
	struct blob_store store;
	int root, quarantine; /* directories */
	gid_t group;          /* of the root directory */
};

static struct local_store *local(struct blob_store *s)
{
	return (struct local_store *)s;
}

static err last_error(void)
{
	return err_from_errno(errno);
}

/* Writes "ab/cd/NAME" and gives its directory "ab/cd" in dir. */
static void path_of(span name, char path[PATH_SIZE], char dir[6])
{
	(void)snprintf(path, PATH_SIZE, "%.2s/%.2s/%.64s", name.ptr, name.ptr + 2, name.ptr);
	(void)snprintf(dir, 6, "%.5s", path);
}

static err sync_at(int root, const char *dir)
{
	int fd = openat(root, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	err e = fsync(fd) ? last_error() : OK;

	(void)close(fd); /* nothing was written through it */
	return e;
}

/*
 * One directory below root with the right mode, and its entry in `parent` durable. Nothing is
 * inferred from the directory being there: another thread, or a run that crashed, may have got
 * only as far as making it.
 */
static err make_dir(int root, const char *dir, const char *parent)
{
	struct stat st;

	if (mkdirat(root, dir, DIR_MODE & 0777) && errno != EEXIST)
		return last_error();
	if (fstatat(root, dir, &st, AT_SYMLINK_NOFOLLOW))
		return last_error();
	if ((st.st_mode & 07777) != DIR_MODE && fchmodat(root, dir, DIR_MODE, 0))
		return last_error();
	return sync_at(root, parent);
}

static err make_dirs(int root, const char dir[6])
{
	char top[3] = {dir[0], dir[1], '\0'};
	err e = make_dir(root, top, ".");

	return e ? e : make_dir(root, dir, top);
}

/* Owner, mode and bytes as a blob has them, on disk. */
static err settle(const struct local_store *s, const char *path)
{
	struct stat st;
	err e = OK;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	if (fstat(fd, &st) || (st.st_gid != s->group && fchown(fd, (uid_t)-1, s->group)) ||
		fchmod(fd, FILE_MODE) || fsync(fd))
		e = last_error();
	(void)close(fd); /* fsync has told already */
	return e;
}

static err local_put(struct blob_store *store, const char *path, span name)
{
	struct local_store *s = local(store);
	char to[PATH_SIZE], dir[6];

	path_of(name, to, dir);
	err e = settle(s, path);

	if (!e)
		e = make_dirs(s->root, dir);
	if (!e && renameat(AT_FDCWD, path, s->root, to))
		e = last_error();
	return e ? e : sync_at(s->root, dir);
}

static err local_open(struct blob_store *store, span name, int *ret_fd)
{
	char path[PATH_SIZE], dir[6];

	path_of(name, path, dir);
	int fd = openat(local(store)->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	*ret_fd = fd;
	return OK;
}

static err local_size(struct blob_store *store, span name, uint64_t *ret_bytes)
{
	char path[PATH_SIZE], dir[6];
	struct stat st;

	path_of(name, path, dir);
	if (fstatat(local(store)->root, path, &st, AT_SYMLINK_NOFOLLOW))
		return last_error();
	if (!S_ISREG(st.st_mode))
		return ERR_CORRUPT;
	*ret_bytes = (uint64_t)st.st_size;
	return OK;
}

static err local_remove(struct blob_store *store, span name)
{
	char path[PATH_SIZE], dir[6];

	path_of(name, path, dir);
	if (unlinkat(local(store)->root, path, 0))
		return errno == ENOENT ? OK : last_error();
	return sync_at(local(store)->root, dir);
}

static err local_quarantine(struct blob_store *store, span name)
{
	struct local_store *s = local(store);
	char path[PATH_SIZE], dir[6];

	path_of(name, path, dir);
	if (renameat(s->root, path, s->quarantine, path + 6))
		return errno == ENOENT ? OK : last_error();
	err e = sync_at(s->root, dir);

	return e ? e : sync_at(s->quarantine, ".");
}

/* ---- walking ---- */

typedef err entry_visit(struct local_store *s, const char *path, void *arg);

static bool is_hex_pair(const char *name)
{
	return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

/* Calls visit for the entries of a directory that `wanted` admits, with their paths below root. */
static err walk(struct local_store *s, const char *dir, bool (*wanted)(const char *name),
	entry_visit *visit, void *arg)
{
	int fd = openat(s->root, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char path[PATH_SIZE];
	err e = OK;

	if (!d) {
		e = last_error();
		if (fd >= 0)
			(void)close(fd); /* nothing was written through it */
		return e == ERR_NOT_FOUND ? OK : e;
	}
	while (!e && (entry = readdir(d)) != NULL) {
		if (!wanted(entry->d_name))
			continue;
		bool top = strcmp(dir, ".") == 0;

		(void)snprintf(path, sizeof(path), "%.5s%s%.64s", top ? "" : dir, top ? "" : "/",
			entry->d_name);
		e = visit(s, path, arg);
	}
	(void)closedir(d); /* was read only */
	return e;
}

struct each {
	blob_visit *visit;
	void *ctx;
};

static bool is_blob_name(const char *name)
{
	return blob_name_is_valid(span_from(name));
}

static err visit_file(struct local_store *s, const char *path, void *arg)
{
	const struct each *each = arg;
	struct stat st;

	if (fstatat(s->root, path, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? OK : last_error();
	if (!S_ISREG(st.st_mode))
		return OK;
	return each->visit(each->ctx, span_from(path + 6), (uint64_t)st.st_size,
		st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec / 1000);
}

static err visit_second(struct local_store *s, const char *path, void *arg)
{
	return walk(s, path, is_blob_name, visit_file, arg);
}

static err visit_first(struct local_store *s, const char *path, void *arg)
{
	return walk(s, path, is_hex_pair, visit_second, arg);
}

static err local_each(struct blob_store *store, blob_visit *visit, void *ctx)
{
	struct each each = {visit, ctx};

	return walk(local(store), ".", is_hex_pair, visit_first, &each);
}

/* ---- life ---- */

static void local_free(struct blob_store *store)
{
	struct local_store *s = local(store);

	if (s->root >= 0)
		(void)close(s->root); /* directories: nothing to lose */
	if (s->quarantine >= 0)
		(void)close(s->quarantine);
	free(s);
}

static const struct blob_ops local_ops = {
	.put = local_put,
	.open = local_open,
	.size = local_size,
	.remove = local_remove,
	.quarantine = local_quarantine,
	.each = local_each,
	.free = local_free,
};

static err open_dir(const char *path, mode_t mode, int *ret_fd)
{
	err e = dir_make(path, mode);

	if (e)
		return e;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return last_error();
	*ret_fd = fd;
	return OK;
}

err blob_local_open(const char *dir, const char *quarantine_dir, struct blob_store **ret)
{
	struct local_store *s = calloc(1, sizeof(*s));
	struct stat st;

	if (!s)
		return ERR_NOMEM;
	s->store.ops = &local_ops;
	s->root = s->quarantine = -1;
	err e = open_dir(dir, DIR_MODE, &s->root);

	if (!e)
		e = open_dir(quarantine_dir, 0700, &s->quarantine);
	if (!e && fstat(s->root, &st))
		e = last_error();
	if (e) {
		local_free(&s->store);
		return e;
	}
	s->group = st.st_gid;
	*ret = &s->store;
	return OK;
}
