/*
 * The data directory's owners and modes. It may be walked as root while a hijacked nginx still
 * runs: hard rule, every step is relative to an opened directory and follows no symbolic link.
 */
#include "server/data_layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/accounts.h"
#include "sys/files.h"

#include "base/banned.h"

#define MAX_DEPTH 8

enum owner { OWNER_CONTROL, OWNER_WEB };

struct folder {
	const char *name;
	mode_t mode;
	enum owner content; /* who owns the files in it */
	bool shared;        /* its group, and that of new files in it, is slipway-web */
};

static const struct folder folders[] = {
	{DATA_DB, 0700, OWNER_CONTROL, false},
	{DATA_KEYS, 0700, OWNER_CONTROL, false},
	{DATA_AUDIT, 0700, OWNER_CONTROL, false},
	{DATA_QUARANTINE, 0700, OWNER_CONTROL, false},
	/* Finished uploads move to blobs/ and keep the group they were born with. */
	{DATA_UPLOADS, 02700, OWNER_CONTROL, true},
	{DATA_BLOBS, 02750, OWNER_CONTROL, true},
	/* Sticky: nginx makes files of its own there, but puts none in the place of another's. */
	{DATA_STATE, 03770, OWNER_CONTROL, true},
	{DATA_LOG, 02770, OWNER_WEB, true},
	{DATA_RUN, 03770, OWNER_CONTROL, true},
	/* People read ca.pem: they may pass through, but not look around. */
	{DATA_TLS, 02711, OWNER_CONTROL, true},
};

#define TOP_MODE  0711
#define CONF_MODE 0640

err data_layout_make(struct arena *a, const char *dir, const char **ret_problem)
{
	err e = dir_make(dir, TOP_MODE);

	if (e != OK)
		*ret_problem = arena_printf(a, "%s: cannot be made (%s)", dir, strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(folders) && e == OK; i++) {
		const char *path = arena_printf(a, "%s/%s", dir, folders[i].name);

		e = dir_make(path, folders[i].mode);
		if (e != OK)
			*ret_problem =
				arena_printf(a, "%s: cannot be made (%s)", path, strerror(errno));
	}
	return e;
}

static void close_dir(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d); /* read only: nothing to lose */
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_ours(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (strcmp(name, folders[i].name) == 0)
			return true;
	/* What file_write_atomic() leaves when it is killed: an init that was, is run again. */
	if (strncmp(name, ".tmp-", 5) == 0)
		return true;
	return is_dots(name) || strcmp(name, "lost+found") == 0;
}

const char *data_layout_foreign(struct arena *a, const char *dir)
{
	__attribute__((cleanup(close_dir))) DIR *d = opendir(dir);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL)
		if (!is_ours(entry->d_name))
			return arena_strdup(a, entry->d_name);
	return NULL;
}

/* A directory below the opened one, never through a symbolic link. */
static DIR *open_below(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (d == NULL && fd >= 0)
		(void)close(fd);
	return d;
}

/* Gives everything below d to uid and gid. Only what differs is touched. */
static err own_all(DIR *d, uid_t uid, gid_t gid, unsigned depth)
{
	struct dirent *entry;
	err e = OK;

	while (e == OK && (entry = readdir(d)) != NULL) {
		struct stat st;

		if (is_dots(entry->d_name))
			continue;
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue; /* went away */
		if ((st.st_uid != uid || st.st_gid != gid) &&
			fchownat(dirfd(d), entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0)
			return err_from_errno(errno);
		if (!S_ISDIR(st.st_mode))
			continue;
		__attribute__((cleanup(close_dir))) DIR *below =
			open_below(dirfd(d), entry->d_name);
		if (below != NULL && depth > 0)
			e = own_all(below, uid, gid, depth - 1);
	}
	return e;
}

/* Removes the files and directories below d: what a former run left. */
static void empty_all(DIR *d, unsigned depth)
{
	struct dirent *entry;

	while ((entry = readdir(d)) != NULL) {
		if (is_dots(entry->d_name) || unlinkat(dirfd(d), entry->d_name, 0) == 0 ||
			depth == 0)
			continue;
		__attribute__((cleanup(close_dir))) DIR *below =
			open_below(dirfd(d), entry->d_name);
		if (below != NULL)
			empty_all(below, depth - 1);
		/* What cannot be removed is overwritten or reported by its user. */
		(void)unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	}
}

static err set_rights(int fd, bool root, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (root && fchown(fd, uid, gid) != 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) != 0)
		return err_from_errno(errno);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
		return err_from_errno(errno);
	return OK;
}

static err fix_folder(const struct folder *f, const struct accounts *accounts)
{
	const struct identity *control = &accounts->control, *web = &accounts->web;
	gid_t gid = f->shared ? web->gid : control->gid;
	__attribute__((cleanup(close_dir))) DIR *d = NULL;
	err e;

	if (mkdir(f->name, f->mode & 0777) != 0 && errno != EEXIST)
		return err_from_errno(errno);
	d = open_below(AT_FDCWD, f->name);
	if (d == NULL)
		return err_from_errno(errno);
	e = set_rights(dirfd(d), accounts->separate, control->uid, gid, f->mode);
	if (e == OK && strcmp(f->name, DATA_RUN) == 0)
		empty_all(d, MAX_DEPTH);
	else if (e == OK && accounts->separate)
		e = own_all(d, f->content == OWNER_WEB ? web->uid : control->uid, gid, MAX_DEPTH);
	return e;
}

static err fix_file(const char *name, const struct accounts *accounts, mode_t mode)
{
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	err e;

	if (fd < 0)
		return err_from_errno(errno);
	e = set_rights(fd, accounts->separate, accounts->control.uid, accounts->control.gid, mode);
	(void)close(fd);
	return e;
}

static err fix_top(const struct accounts *accounts)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err e;

	if (fd < 0)
		return err_from_errno(errno);
	e = set_rights(
		fd, accounts->separate, accounts->control.uid, accounts->control.gid, TOP_MODE);
	(void)close(fd);
	return e;
}

err data_layout_fix(struct arena *a, const struct accounts *accounts, const char **ret_problem)
{
	const char *what = DATA_CONF;
	err e = fix_file(DATA_CONF, accounts, CONF_MODE);

	if (e == OK) {
		what = DATA_LOCK;
		e = fix_file(DATA_LOCK, accounts, CONF_MODE);
		e = e == ERR_NOT_FOUND ? OK : e;
	}
	if (e == OK) {
		what = "the data directory";
		e = fix_top(accounts);
	}
	for (size_t i = 0; i < ARRAY_LEN(folders) && e == OK; i++) {
		what = folders[i].name;
		e = fix_folder(&folders[i], accounts);
	}
	if (e != OK)
		*ret_problem = arena_printf(
			a, "%s: cannot set owner and mode (%s)", what, strerror(errno));
	return e;
}
