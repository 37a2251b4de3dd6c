/*
 * Releases by the names people use: myvpn@1.2.0.
 */
#include "cli/release_ref.h"

#include <string.h>

#include "base/encode.h"
#include "base/semver.h"
#include "base/typeid.h"
#include "cli/session.h"

#include "base/banned.h"

/* Versions are the same when neither precedes the other: build metadata does not count. */
static bool same_version(const json_t *release, const struct semver *wanted)
{
	struct semver v;

	return semver_parse(span_from(json_string_value(json_object_get(release, "version"))),
		       &v) == OK &&
	       semver_cmp(&v, wanted) == 0;
}

err release_find(struct cli *cli, const char *product, const char *version, json_t **ret)
{
	const char *cursor = NULL;
	struct semver wanted;
	err e;

	if (semver_parse(span_from(version), &wanted) != OK)
		return cli_fail(cli, ERR_INVALID, "version",
			"\"%s\" is no semantic version; write it like 1.2.0 or 1.2.0-rc.1",
			version);
	do {
		AUTO(buf) path = {0};
		json_t *page, *release;
		size_t i;

		buf_init(&path, 4096);
		buf_add_str(&path, "/admin/releases?limit=200&product=");
		percent_encode(&path, span_from(product));
		if (cursor) {
			buf_add_str(&path, "&cursor=");
			percent_encode(&path, span_from(cursor));
		}
		e = session_call(cli, "GET", buf_str(&path), NULL, &page);
		if (e != OK)
			return e;
		json_array_foreach(json_object_get(page, "items"), i, release)
		{
			if (!same_version(release, &wanted))
				continue;
			*ret = json_incref(release);
			json_decref(page);
			return OK;
		}
		cursor = json_string_value(json_object_get(page, "next_cursor"));
		cursor = cursor ? arena_strdup(cli->arena, cursor) : NULL;
		json_decref(page);
	} while (cursor);
	*ret = NULL;
	return OK;
}

/* The only package of the release, or words that name those there are. */
static err only_package(struct cli *cli, const char *release, json_t *packages, const char **ret_id)
{
	AUTO(buf) names = {0};
	json_t *package;
	size_t i;

	if (json_array_size(packages) == 1) {
		*ret_id = arena_strdup(cli->arena,
			json_string_value(json_object_get(json_array_get(packages, 0), "id")));
		return OK;
	}
	if (json_array_size(packages) == 0)
		return cli_fail(
			cli, ERR_NOT_FOUND, "package_unknown", "%s has no packages", release);
	buf_init(&names, 1 << 16);
	json_array_foreach(packages, i, package) buf_addf(&names, "%s%s (%s)", i ? ", " : "",
		json_string_value(json_object_get(package, "id")),
		json_string_value(json_object_get(package, "platform")));
	return cli_fail(cli, ERR_INVALID, "package", "%s has %zu packages; name one by its id: %s",
		release, json_array_size(packages), buf_str(&names));
}

err package_ref_get(struct cli *cli, const char *text, const char **ret_id)
{
	const char *release = NULL;
	json_t *page = NULL;
	err e;

	if (typeid_is(span_from(text), "pkg")) {
		*ret_id = text;
		return OK;
	}
	if (!strchr(text, '@'))
		return cli_fail(cli, ERR_INVALID, "package",
			"\"%s\" names no package; write its id or PRODUCT@VERSION", text);
	e = release_ref_get(cli, text, &release);
	if (e == OK)
		e = session_call(cli, "GET",
			arena_printf(cli->arena, "/admin/packages?limit=200&release=%s", release),
			NULL, &page);
	if (e == OK)
		e = only_package(cli, text, json_object_get(page, "items"), ret_id);
	json_decref(page);
	return e;
}

err release_ref_get(struct cli *cli, const char *text, const char **ret_id)
{
	size_t at = span_rfind(span_from(text), '@');
	const char *product;
	json_t *release;
	err e;

	if (typeid_is(span_from(text), "rel")) {
		*ret_id = text;
		return OK;
	}
	if (at == strlen(text))
		return cli_fail(cli, ERR_INVALID, "release",
			"\"%s\" names no release; write its id or PRODUCT@VERSION", text);
	product = arena_str(cli->arena, span_sub(span_from(text), 0, at));
	e = release_find(cli, product, text + at + 1, &release);
	if (e != OK)
		return e;
	if (!release) {
		cli_hint(cli, "slipway release list --product %s", product);
		return cli_fail(cli, ERR_NOT_FOUND, "release_unknown", "%s has no release %s",
			product, text + at + 1);
	}
	*ret_id = arena_strdup(cli->arena, json_string_value(json_object_get(release, "id")));
	json_decref(release);
	return OK;
}
