/*
 * For tests of the data plane: plays the control plane through the real libraries.
 *
 *   edge-tool key FILE            makes a signing key (PEM)
 *   edge-tool token KEY KIND      reads claims (a JSON object) from stdin, writes the token
 *   edge-tool apply DIR           reads changes (a JSON array) from stdin, publishes them as one
 * batch edge-tool position DIR        incarnation, sequence, issued at
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "crypto/eckey.h"
#include "state/records.h"
#include "state/state.h"

static NORETURN void die(const char *what, err e)
{
	(void)fprintf(stderr, "edge-tool: %s: %s\n", what, err_name(e));
	exit(1);
}

static void check(const char *what, err e)
{
	if (e)
		die(what, e);
}

static span text(const json_t *o, const char *key)
{
	return span_from(json_string_value(json_object_get(o, key)));
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static bool truth(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static json_t *read_stdin(void)
{
	json_error_t error;
	json_t *value = json_loadf(stdin, 0, &error);

	if (!value) {
		(void)fprintf(stderr, "edge-tool: stdin: %s\n", error.text);
		exit(1);
	}
	return value;
}

static struct eckey *load_key(const char *path)
{
	static char memory[4096];
	struct eckey *key;
	FILE *f = fopen(path, "re");

	if (!f)
		die(path, ERR_NOT_FOUND);
	size_t n = fread(memory, 1, sizeof(memory), f);

	(void)fclose(f);
	check(path, eckey_from_pem(span_of(memory, n), &key));
	return key;
}

static void make_key(const char *path)
{
	AUTO_PTR(eckey) key = NULL;
	AUTO(buf) pem = {0};

	buf_init(&pem, 4096);
	check("key", eckey_generate(&key));
	check("key", eckey_to_pem(key, &pem));
	FILE *f = fopen(path, "we");

	if (!f || fwrite(buf_str(&pem), 1, buf_len(&pem), f) != buf_len(&pem) || fclose(f))
		die(path, ERR_IO);
}

static enum token_kind kind_of(span name)
{
	if (span_is(name, "access"))
		return TOKEN_ACCESS;
	return span_is(name, "device") ? TOKEN_DEVICE : TOKEN_DOWNLOAD;
}

static void make_token(const char *key_path, const char *kind)
{
	json_t *o = read_stdin();
	AUTO_PTR(eckey) key = load_key(key_path);
	AUTO(buf) out = {0};
	AUTO(buf) uri = {0};

	buf_init(&out, TOKEN_MAX_BYTES);
	buf_init(&uri, 1024);
	token_download_uri(&uri, text(o, "filename"));
	struct token_claims c = {.kind = kind_of(span_from(kind)),
		.kid = text(o, "kid"),
		.iss = text(o, "iss"),
		.sub = text(o, "sub"),
		.aud = text(o, "aud"),
		.jti = text(o, "jti"),
		.iat = number(o, "iat"),
		.nbf = number(o, "nbf"),
		.exp = number(o, "exp"),
		.client_id = text(o, "client_id"),
		.session = text(o, "session"),
		.role = text(o, "role"),
		.org = text(o, "org"),
		.account = text(o, "account"),
		.device = text(o, "device"),
		.licence = text(o, "licence"),
		.product = text(o, "product"),
		.permissions = text(o, "permissions"),
		.entitlements = text(o, "entitlements"),
		.subject_epoch = (uint64_t)number(o, "subject_epoch"),
		.global_epoch = (uint64_t)number(o, "global_epoch"),
		.epoch_subject = text(o, "epoch_subject"),
		.download = text(o, "download"),
		.digest = text(o, "digest"),
		.release = text(o, "release"),
		.package = text(o, "package"),
		.filename = text(o, "filename"),
		.ip_prefix = text(o, "ip_prefix"),
		.rate_class = text(o, "rate_class"),
		.edge = text(o, "edge")};

	if (c.kind == TOKEN_DOWNLOAD)
		c.uri = buf_span(&uri);
	check("token", token_sign(&c, key, &out));
	(void)puts(buf_str(&out));
	json_decref(o);
}

static void pack_release(const json_t *o, struct buf *key, struct buf *value)
{
	static struct update_release r;
	const json_t *item;
	size_t i;

	memset(&r, 0, sizeof(r));
	r.id = text(o, "id");
	r.version_text = text(o, "version");
	r.notes_url = text(o, "notes_url");
	r.state = json_object_get(o, "state") ? (enum release_state)number(o, "state")
					      : RELEASE_PUBLISHED;
	r.critical = truth(o, "critical");
	r.mandatory = truth(o, "mandatory");
	r.eol_us = number(o, "eol_us");
	r.min_from = text(o, "min_from");
	r.rollout_seed = text(o, "rollout_seed");
	r.rollout_reach = (uint32_t)number(o, "rollout_reach");
	r.rollout_paused = truth(o, "rollout_paused");
	r.countries_denied = text(o, "denied");
	r.countries_allowed = text(o, "allowed");
	json_array_foreach(json_object_get(o, "packages"), i, item)
	{
		struct update_package *p = &r.packages[r.packages_count++];

		p->id = text(item, "id");
		p->filename = text(item, "filename");
		p->format = text(item, "format");
		p->sha256 = text(item, "sha256");
		p->size = (uint64_t)number(item, "size");
		p->class_ = (enum package_class)number(item, "class");
		p->entitlement = text(item, "entitlement");
		p->org = text(item, "org");
		p->min_os_version = text(item, "min_os_version");
	}
	json_array_foreach(json_object_get(o, "requires"), i, item)
	{
		r.requires[r.requires_count].product = text(item, "product");
		r.requires[r.requires_count++].range = text(item, "range");
	}
	struct semver version;

	check("version", semver_parse(r.version_text, &version));
	state_key_releases(
		key, text(o, "product"), text(o, "platform"), (enum channel)number(o, "channel"));
	semver_key(key, &version);
	state_pack_release(value, &r);
}

static void pack_key(const json_t *o, struct buf *key, struct buf *value)
{
	AUTO_PTR(eckey) signing = load_key(json_string_value(json_object_get(o, "pem")));
	uint8_t point[ECKEY_PUBLIC_SIZE];

	eckey_public(signing, point);
	state_key_signing(key, kind_of(text(o, "kind")), text(o, "kid"));
	buf_add(value, span_of(point, sizeof(point)));
}

static void pack_product(const json_t *o, struct buf *key, struct buf *value)
{
	struct state_product p = {.id = text(o, "id"),
		.title = text(o, "title"),
		.countries_denied = text(o, "denied"),
		.countries_allowed = text(o, "allowed"),
		.next_check_s = (uint32_t)number(o, "next_check_s")};

	state_key_product(key, text(o, "name"));
	state_pack_product(value, &p);
}

static void pack_file(const json_t *o, struct buf *key, struct buf *value)
{
	struct state_file f = {.sha256 = text(o, "sha256"),
		.package_id = text(o, "package"),
		.size = (uint64_t)number(o, "size")};

	state_key_file(key, text(o, "release"), text(o, "name"));
	state_pack_file(value, &f);
}

static void pack_change(const json_t *o, struct buf *key, struct buf *value)
{
	span type = text(o, "type");

	if (span_is(type, "product")) {
		pack_product(o, key, value);
	} else if (span_is(type, "release")) {
		pack_release(o, key, value);
	} else if (span_is(type, "key")) {
		pack_key(o, key, value);
	} else if (span_is(type, "file")) {
		pack_file(o, key, value);
	} else if (span_is(type, "epoch")) {
		state_key_epoch(key, text(o, "subject"));
		state_pack_u64(value, (uint64_t)number(o, "epoch"));
	} else if (span_is(type, "global_epoch")) {
		state_key_global_epoch(key);
		state_pack_u64(value, (uint64_t)number(o, "epoch"));
	} else if (span_is(type, "revoked")) {
		state_key_revoked(key, text(o, "jti"));
		state_pack_u64(value, (uint64_t)number(o, "expires"));
	} else if (span_is(type, "blocked")) {
		state_key_blocked(key, text(o, "sha256"));
		buf_add(value, text(o, "reason"));
	} else {
		die("unknown type", ERR_INVALID);
	}
	if (json_object_get(o, "raw")) { /* a damaged value, for tests of damage */
		buf_clear(value);
		buf_add(value, text(o, "raw"));
	}
}

static struct state_position position_of(struct state *s)
{
	struct state_position p;
	struct state_view v;

	check("begin", state_begin(s, &v));
	state_position(&v, &p);
	state_end(&v);
	return p;
}

static void apply(const char *dir)
{
	json_t *array = read_stdin();
	size_t count = json_array_size(array), i;
	struct buf *parts = calloc(2 * count + 1, sizeof(*parts));
	struct state_change *changes = calloc(count + 1, sizeof(*changes));
	struct state *s;
	const json_t *o;

	if (!parts || !changes)
		die("memory", ERR_NOMEM);
	json_array_foreach(array, i, o)
	{
		struct buf *key = &parts[2 * i], *value = &parts[2 * i + 1];

		buf_init(key, STATE_KEY_MAX);
		buf_init(value, STATE_VALUE_MAX);
		pack_change(o, key, value);
		check("key", buf_error(key));
		check("value", buf_error(value));
		changes[i] =
			(struct state_change){buf_span(key), buf_span(value), truth(o, "deleted")};
	}
	check(dir, state_open(dir, STATE_WRITE, &s));
	struct state_position from = position_of(s), to = from;

	to.incarnation = from.incarnation ? from.incarnation : 1;
	to.seq++;
	to.issued_at_us = (int64_t)time(NULL) * 1000000;
	check("apply", state_apply(s, &from, &to, changes, count));
	state_close(s);
	for (i = 0; i < 2 * count; i++)
		buf_done(&parts[i]);
	free(parts);
	free(changes);
	json_decref(array);
}

static void print_position(const char *dir)
{
	struct state *s;

	check(dir, state_open(dir, STATE_READ, &s));
	struct state_position p = position_of(s);

	state_close(s);
	(void)printf("%llu %llu %lld\n", (unsigned long long)p.incarnation,
		(unsigned long long)p.seq, (long long)p.issued_at_us);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "key"))
		make_key(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "token"))
		make_token(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "apply"))
		apply(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "position"))
		print_position(argv[2]);
	else
		die("usage", ERR_INVALID);
	return 0;
}
