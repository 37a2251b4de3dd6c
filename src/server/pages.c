/*
 * Copying the pages into the data directory. Hard rule: what nginx serves are these copies, so it
 * reads nothing outside the data directory and an upgrade changes nothing under a running server.
 */
#include "server/pages.h"

#include <dirent.h>
#include <errno.h>

#include "base/buf.h"
#include "server/program.h"
#include "sys/files.h"

#include "base/banned.h"

#define PAGE_MAX (INT64_C(4) << 20)

static void close_dir(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d); /* read only: nothing to lose */
}

static err copy_file(const char *from, const char *to)
{
	AUTO(buf) content = {0};
	err e;

	buf_init(&content, PAGE_MAX);
	e = file_read(from, &content);
	return e == OK ? file_write_atomic(to, buf_span(&content), 0644) : e;
}

static err copy_all(struct arena *a, const char *from, DIR *d, const char **ret_problem)
{
	struct dirent *entry;
	err e = dir_make(DATA_PAGES, 0755);

	if (e != OK)
		*ret_problem = arena_printf(a, DATA_PAGES ": %s", err_title(e));
	while (e == OK && (entry = readdir(d)) != NULL) {
		const char *name = entry->d_name;

		/* The folder is flat; what else a build leaves beside the pages has no such name.
		 */
		if (!filename_is_safe(span_from(name)) || entry->d_type == DT_DIR)
			continue;
		e = copy_file(arena_printf(a, "%s/%s", from, name),
			arena_printf(a, DATA_PAGES "/%s", name));
		if (e != OK)
			*ret_problem = arena_printf(a, "%s/%s: %s", from, name, err_title(e));
	}
	return e;
}

err pages_install(struct arena *a, const char **ret_problem)
{
	const char *own = program_directory(a);
	const char *const places[] = {
		arena_printf(a, "%sweb", own), arena_printf(a, "%s../share/slipway/web", own)};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		__attribute__((cleanup(close_dir))) DIR *d =
			path_exists(arena_printf(a, "%s/index.html", places[i]))
				? opendir(places[i])
				: NULL;

		if (d != NULL)
			return copy_all(a, places[i], d, ret_problem);
	}
	*ret_problem =
		arena_printf(a, "the pages are neither in %s nor in %s", places[0], places[1]);
	return ERR_NOT_FOUND;
}
