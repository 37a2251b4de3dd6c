/*
 * Rotation by size. Hard rule: a file is only ever renamed here while nginx may write to it; lines
 * that arrive between the rename and nginx's new file end up in the renamed one, not nowhere.
 */
#include "server/rotate.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/data_layout.h"

#include "base/banned.h"

struct log {
	const char *name;
	bool bounded; /* old ones are deleted here */
};

static const struct log logs[] = {
	{"events", false},
	{"access", true},
	{"nginx-error", true},
};

static bool is_large(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > LOG_ROTATE_BYTES;
}

/* NAME.DIGITS.log */
static bool is_rotated(span file, span name)
{
	span digits;

	if (!span_starts_with(file, name) || !span_ends_with(file, SPAN(".log")))
		return false;
	digits = span_from_offset(file, name.len);
	if (digits.len < sizeof("..log") || digits.ptr[0] != '.')
		return false;
	digits = span_sub(digits, 1, digits.len - sizeof(".log"));
	for (size_t i = 0; i < digits.len; i++)
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
	return true;
}

/* Counts rotated files of this name and finds the oldest: times have equally many digits. */
static size_t find_oldest(const char *name, char ret[256])
{
	DIR *d = opendir(DATA_LOG);
	struct dirent *entry;
	size_t count = 0;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		span file = span_from(entry->d_name);

		if (!is_rotated(file, span_from(name)))
			continue;
		if (count++ == 0 || span_cmp(file, span_from(ret)) < 0)
			memcpy(ret, entry->d_name, file.len + 1);
	}
	if (d != NULL)
		(void)closedir(d);
	return count;
}

static void delete_old(const char *name)
{
	char oldest[256];
	char path[300];
	struct buf text;

	while (find_oldest(name, oldest) > LOG_KEEP) {
		buf_init_fixed(&text, path, sizeof(path));
		buf_addf(&text, DATA_LOG "/%s", oldest);
		if (buf_error(&text) != OK || unlink(path) != 0)
			return; /* tried again at the next rotation */
	}
}

static bool rotate_one(const struct log *log, int64_t now_us)
{
	char from[64], to[96];
	struct buf text;

	buf_init_fixed(&text, from, sizeof(from));
	buf_addf(&text, DATA_LOG "/%s.log", log->name);
	if (!is_large(from))
		return false;
	buf_init_fixed(&text, to, sizeof(to));
	buf_addf(&text, DATA_LOG "/%s.%016lld.log", log->name, (long long)now_us);
	if (rename(from, to) != 0)
		return false;
	if (log->bounded)
		delete_old(log->name);
	return true;
}

bool logs_rotate(int64_t now_us)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(logs); i++)
		any |= rotate_one(&logs[i], now_us);
	return any;
}
