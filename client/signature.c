/*
 * Pinned keys. Hard rule: the only way out of signature_check() with OK and a pinned key is a
 * signature of that key over these bytes.
 */
#include "signature.h"

#include <string.h>

#include "base/encode.h"
#include "crypto/minisign.h"
#include "device.h"

#define PATH_MAX_BYTES 4096
#define PAGES_MAX      100

static bool has_digest(const json_t *package, const char *sha256)
{
	const char *text = json_string_value(json_object_get(package, "sha256"));

	return text && !strcmp(text, sha256);
}

static bool find_in_release(
	struct slipway *s, const json_t *release, const char *sha256, struct manifest_entry *ret)
{
	json_t *package;
	size_t i;

	json_array_foreach(json_object_get(release, "packages"), i, package)
	{
		if (!has_digest(package, sha256))
			continue;
		*ret = (struct manifest_entry){
			.package_id = member_text(s->arena, package, "id"),
			.version = member_text(s->arena, release, "version"),
			.sha256 = member_text(s->arena, package, "sha256"),
			.signature = member_text(s->arena, package, "signature"),
		};
		return true;
	}
	return false;
}

static void add_parameter(struct buf *path, const char *name, const char *value)
{
	buf_addf(path, "&%s=", name);
	percent_encode(path, span_from(value));
}

/* Of all platforms: an update may be a package for any of them. */
static void manifest_path(
	struct slipway *s, const char *version, const char *cursor, struct buf *ret)
{
	buf_add_str(ret, "/packages/manifest?limit=200");
	add_parameter(ret, "product", s->settings.product);
	add_parameter(ret, "channel", s->settings.channel);
	if (version)
		add_parameter(ret, "version", version);
	if (cursor)
		add_parameter(ret, "cursor", cursor);
}

/* One page, as the device or as nobody. */
static err fetch_page(struct slipway *s, const char *path, json_t **ret)
{
	struct client_call call = {.method = "GET", .path = path};
	struct device d;
	int status = 0;
	err e = device_get(s, &d);

	if (e == ERR_NOT_FOUND && !s->settings.licence_key)
		return client_call(s, &call, ret, NULL);
	if (e != OK)
		return e;
	call.bearer = d.token;
	e = client_call(s, &call, ret, &status);
	if (status != 401)
		return e;
	e = device_renew(s, &d, &d);
	if (e != OK)
		return e;
	call.bearer = d.token;
	return client_call(s, &call, ret, NULL);
}

/* Looks through one page; *cursor becomes that of the next, or NULL. */
static err search_page(struct slipway *s, const char *version, const char *sha256,
	const char **cursor, bool *found, struct manifest_entry *ret)
{
	AUTO(buf) path = {0};
	json_t *manifest = NULL, *release;
	size_t i;
	err e;

	buf_init(&path, PATH_MAX_BYTES);
	manifest_path(s, version, *cursor, &path);
	e = fetch_page(s, buf_str(&path), &manifest);
	if (e != OK)
		return e;
	json_array_foreach(json_object_get(manifest, "releases"), i, release) *found =
		*found || find_in_release(s, release, sha256, ret);
	*cursor = member_text(s->arena, manifest, "next_cursor");
	json_decref(manifest);
	return OK;
}

err manifest_find(
	struct slipway *s, const char *version, const char *sha256, struct manifest_entry *ret)
{
	const char *cursor = NULL;
	bool found = false;
	err e = client_ready(s);

	for (unsigned pages = 0; e == OK && !found && pages < PAGES_MAX; pages++) {
		e = search_page(s, version, sha256, &cursor, &found, ret);
		if (!cursor)
			break;
	}
	if (e == OK && !found)
		return client_fail(s, ERR_NOT_FOUND, "package_unknown",
			"The server knows no package of %s with the digest %s", s->settings.product,
			sha256);
	return e;
}

static err check_with(
	struct slipway *s, const uint8_t blake2b[64], const struct minisign_signature *signature)
{
	bool known = false;

	for (size_t i = 0; s->settings.publisher_keys[i]; i++) {
		struct minisign_public key;

		if (minisign_parse_public(span_from(s->settings.publisher_keys[i]), &key) != OK)
			return client_fail(s, ERR_INVALID, "publisher_key",
				"A pinned key is no minisign public key");
		if (memcmp(key.key_id, signature->key_id, sizeof(key.key_id)) != 0)
			continue;
		known = true;
		if (minisign_verify(&key, blake2b, signature) == OK)
			return OK;
	}
	if (!known)
		return client_fail(s, ERR_DENIED, "signature_unknown_key",
			"The signature was made with a key that is not pinned");
	return client_fail(
		s, ERR_DENIED, "signature_mismatch", "The signature does not match the file");
}

err signature_check(struct slipway *s, const uint8_t blake2b[64], const char *signature,
	enum slipway_signature *ret)
{
	struct minisign_signature parsed;
	err e;

	if (!s->settings.publisher_keys) {
		*ret = SLIPWAY_SIGNATURE_NOT_REQUIRED;
		return OK;
	}
	if (!signature)
		return client_fail(s, ERR_DENIED, "signature_missing",
			"The publisher's key is pinned, but the package has no signature");
	if (minisign_parse_signature(span_from(signature), &parsed) != OK)
		return client_fail(
			s, ERR_DENIED, "signature_malformed", "The signature cannot be read");
	e = check_with(s, blake2b, &parsed);
	if (e == OK)
		*ret = SLIPWAY_SIGNATURE_VERIFIED;
	return e;
}
