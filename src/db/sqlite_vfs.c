/*
 * The system's file access with one difference: a name is used as it is given, not made absolute.
 *
 * SQLite makes each name absolute by asking for the working directory and resolving every part. A
 * process that has entered its data directory and may not pass through the directories above it
 * can do neither. So a relative name stays relative, and the working directory must not change.
 *
 * Making names absolute also served to find the real file behind a symbolic link, so that two
 * processes agree on the name of the -wal file beside it. Hard rule instead: the database file
 * itself is never a symbolic link. Links among its directories do no harm.
 */
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "db/sqlite.h"
#include "base/banned.h"

static sqlite3_vfs vfs;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int keep_name(sqlite3_vfs *self UNUSED, const char *name, int size, char *ret)
{
	size_t len = strlen(name);
	struct stat st;

	if (len >= (size_t)size)
		return SQLITE_CANTOPEN;
	if (lstat(name, &st) == 0 && S_ISLNK(st.st_mode))
		return SQLITE_CANTOPEN_SYMLINK;
	memcpy(ret, name, len + 1);
	return SQLITE_OK;
}

static void set_up(void)
{
	/* These fail only when the library is in use already; then they are not needed to be safe.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_URI, 0);       /* "file:" in a path means nothing */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* no global lock per allocation */
	sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");

	if (!unix_vfs)
		return; /* opening will fail: no such VFS */
	vfs = *unix_vfs;
	vfs.pNext = NULL;
	vfs.zName = "slipway";
	vfs.xFullPathname = keep_name;
	(void)sqlite3_vfs_register(&vfs, 0); /* as above */
}

const char *sqlite_vfs_name(void)
{
	(void)pthread_once(&once, set_up);
	return "slipway";
}
