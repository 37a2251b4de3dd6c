/*
 * Copies the country database for nginx. Hard rule: what stands at DATA_COUNTRIES is a whole file
 * that libmaxminddb, the reader nginx uses too, has opened and found countries in.
 */
#include "server/geoip.h"

#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "conf/conf.h"
#include "sys/files.h"

#include "base/banned.h"

#define COPY           DATA_COUNTRIES ".new"
#define SIZE_MAX_BYTES (INT64_C(1) << 30) /* the largest known are a tenth of it */

static err fail_with(struct arena *a, err e, const char *path, const char *why, const char **ret)
{
	*ret = arena_printf(a, "geoip.database: %s: %s", path, why);
	return e;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static err copy_to(int from, int to)
{
	ssize_t n;

	while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	return n == 0 ? OK : err_from_errno(errno);
}

static err copy(int from)
{
	int to = open(COPY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	err e;

	if (to < 0)
		return err_from_errno(errno);
	e = copy_to(from, to);
	if (close(to) != 0 && e == OK)
		e = err_from_errno(errno);
	return e;
}

/*
 * MaxMind's databases have country/iso_code, flat ones country_code. Some address with a country is
 * in every database of countries.
 */
static bool has_countries(MMDB_s *db)
{
	static const char *const known[] = {"8.8.8.8", "193.0.6.139", "202.12.29.175"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		int resolver = 0, problem = MMDB_SUCCESS;
		MMDB_lookup_result_s found = MMDB_lookup_string(db, known[i], &resolver, &problem);
		MMDB_entry_data_s value = {.has_data = false};

		if (resolver != 0 || problem != MMDB_SUCCESS || !found.found_entry)
			continue;
		if (MMDB_get_value(&found.entry, &value, "country", "iso_code", NULL) !=
				MMDB_SUCCESS ||
			!value.has_data)
			(void)MMDB_get_value(&found.entry, &value, "country_code", NULL);
		if (value.has_data && value.type == MMDB_DATA_TYPE_UTF8_STRING &&
			value.data_size == 2)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with the copy. */
static const char *judge(void)
{
	MMDB_s db;
	int status = MMDB_open(COPY, MMDB_MODE_MMAP, &db);
	bool good;

	if (status != MMDB_SUCCESS)
		return MMDB_strerror(status);
	good = has_countries(&db);
	MMDB_close(&db);
	return good ? NULL : "it has no country_code and no country/iso_code";
}

static err take(
	struct arena *a, const char *path, int fd, const struct stat *st, const char **ret_problem)
{
	const char *wrong;
	err e;

	if (!S_ISREG(st->st_mode) || st->st_size > SIZE_MAX_BYTES)
		return fail_with(a, ERR_INVALID, path, "no file, or too large", ret_problem);
	e = copy(fd);
	if (e != OK)
		return fail_with(a, e, COPY, err_title(e), ret_problem);
	wrong = judge();
	if (wrong != NULL) {
		(void)unlink(COPY); /* only for tidiness: the next one replaces it */
		return fail_with(a, ERR_INVALID, path, wrong, ret_problem);
	}
	if (rename(COPY, DATA_COUNTRIES) == 0)
		return OK;
	return fail_with(a, err_from_errno(errno), DATA_COUNTRIES, strerror(errno), ret_problem);
}

err geoip_update(struct arena *a, const struct conf *conf, struct geoip *g, bool *ret_changed,
	const char **ret_problem)
{
	const char *path = conf_str(conf, CONF_GEOIP);
	struct stat st = {0};
	int fd, problem;
	err e = OK;

	*ret_changed = false;
	if (path[0] == '\0') {
		*ret_changed = unlink(DATA_COUNTRIES) == 0;
		return OK;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	problem = errno;
	if (fd >= 0 && fstat(fd, &st) != 0)
		st = (struct stat){0}; /* an open file has a status; else it counts as unreadable */
	if (!g->looked || !is_same(&st, &g->seen)) {
		g->looked = true;
		g->seen = st;
		e = fd >= 0 ? take(a, path, fd, &st, ret_problem)
			    : fail_with(a, err_from_errno(problem), path, strerror(problem),
				      ret_problem);
		*ret_changed = e == OK;
	}
	if (fd >= 0)
		(void)close(fd); /* read only: nothing to lose */
	return e;
}

void geoip_forget(struct geoip *g)
{
	g->looked = false;
}
