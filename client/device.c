/*
 * The state directory, and the credentials in it. Hard rule: nothing that the server handed out
 * once is used before it is on disk.
 */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/files.h"

#define STATE_MAX        (1 << 20)
#define COHORTS          65536
#define FINGERPRINT_SIZE 16

/* The state while its lock is held. */
struct state {
	int lock;
	json_t *root;
	bool changed;
};

static err state_fail(struct slipway *s, err e)
{
	return client_fail(
		s, e, "state", "The state in %s cannot be used: %s", s->state_dir, err_title(e));
}

err device_folder(struct slipway *s, const char *name, const char **ret)
{
	const char *path = arena_printf(s->arena, "%s/%s", s->state_dir, name);
	err e = dir_make(s->state_dir, 0700);

	if (e == OK)
		e = dir_make(path, 0700);
	if (e != OK)
		return state_fail(s, e);
	*ret = path;
	return OK;
}

static err take_lock(struct slipway *s, int *ret)
{
	const char *path = arena_printf(s->arena, "%s/lock", s->state_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_from_errno(errno);
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			err e = err_from_errno(errno);

			close(fd);
			return e;
		}
	}
	*ret = fd;
	return OK;
}

/* An empty object when there is no file, or one that cannot be read: it holds nothing then. */
static err read_root(struct slipway *s, json_t **ret)
{
	AUTO(buf) text = {0};
	json_t *root = NULL;
	err e;

	buf_init(&text, STATE_MAX);
	e = file_read(arena_printf(s->arena, "%s/state.json", s->state_dir), &text);
	if (e == OK)
		root = json_loadb(buf_str(&text), buf_len(&text), JSON_REJECT_DUPLICATES, NULL);
	buf_wipe(&text);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	if (e == OK && !json_is_object(root)) {
		client_note(s, "The state in %s is damaged and begun anew", s->state_dir);
		json_decref(root);
		root = NULL;
	}
	*ret = root ? root : json_object();
	return *ret ? OK : ERR_NOMEM;
}

static err state_open(struct slipway *s, struct state *ret)
{
	struct state st = {.lock = -1};
	err e = dir_make(s->state_dir, 0700);

	if (e == OK)
		e = take_lock(s, &st.lock);
	if (e != OK)
		return state_fail(s, e);
	e = read_root(s, &st.root);
	if (e != OK) {
		close(st.lock);
		return state_fail(s, e);
	}
	*ret = st;
	return OK;
}

/* Writes what was changed and gives up the lock; `so_far` is passed on when it is an error. */
static err state_close(struct slipway *s, struct state *st, err so_far)
{
	char *text = NULL;
	err e = OK;

	if (st->changed) {
		text = json_dumps(st->root, JSON_INDENT(2));
		e = text ? file_write_atomic(arena_printf(s->arena, "%s/state.json", s->state_dir),
				   span_from(text), 0600)
			 : ERR_NOMEM;
	}
	if (text)
		wipe(text, strlen(text));
	free(text);
	json_decref(st->root);
	close(st->lock);
	if (so_far != OK)
		return so_far;
	return e == OK ? OK : state_fail(s, e);
}

/* Devices and counts are kept per server and product. */
static const char *place(struct slipway *s)
{
	return arena_printf(s->arena, "%s %s", s->settings.server, s->settings.product);
}

static json_t *get_object(json_t *root, const char *name)
{
	json_t *object = json_object_get(root, name);

	if (!json_is_object(object)) {
		object = json_object();
		json_object_set_new(root, name, object);
	}
	return object;
}

/* Cohort and counting -------------------------------------------------------------------------- */

err device_cohort(struct slipway *s, unsigned *ret)
{
	struct state st;
	json_t *value;
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	value = json_object_get(st.root, "cohort");
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		json_integer_value(value) >= COHORTS) {
		value = json_integer(random_below(COHORTS));
		json_object_set_new(st.root, "cohort", value);
		st.changed = true;
	}
	*ret = (unsigned)json_integer_value(value);
	return state_close(s, &st, OK);
}

/* Days since a Monday long ago. */
static int64_t day_of(int64_t time_us)
{
	return time_us / TIME_DAY + 3; /* 1970-01-01 was a Thursday */
}

static bool same_month(int64_t a_us, int64_t b_us)
{
	char of_a[64], of_b[64];
	struct buf a, b;

	buf_init_fixed(&a, of_a, sizeof(of_a));
	buf_init_fixed(&b, of_b, sizeof(of_b));
	time_format(&a, a_us);
	time_format(&b, b_us);
	return span_eq(span_sub(buf_span(&a), 0, SPAN("2026-01").len),
		span_sub(buf_span(&b), 0, SPAN("2026-01").len));
}

err device_last_counted(struct slipway *s, int64_t now_us, const char **ret)
{
	struct state st;
	const char *text;
	int64_t last_us;
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	text = json_string_value(json_object_get(get_object(st.root, "counted"), place(s)));
	if (!text || time_parse(span_from(text), &last_us) != OK || last_us > now_us)
		*ret = "none";
	else if (day_of(last_us) == day_of(now_us))
		*ret = "day";
	else if (day_of(last_us) / 7 == day_of(now_us) / 7)
		*ret = "week";
	else
		*ret = same_month(last_us, now_us) ? "month" : "none";
	return state_close(s, &st, OK);
}

err device_set_counted(struct slipway *s, int64_t now_us)
{
	struct state st;
	AUTO(buf) text = {0};
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	buf_init(&text, 64);
	time_format(&text, now_us - now_us % TIME_DAY); /* the day is all that is needed */
	json_object_set_new(get_object(st.root, "counted"), place(s), json_string(buf_str(&text)));
	st.changed = true;
	return state_close(s, &st, OK);
}

/* Credentials ---------------------------------------------------------------------------------- */

/* What a licence key is remembered by: never the key itself. */
static const char *key_digest(struct slipway *s)
{
	uint8_t digest[SHA256_SIZE];
	AUTO(buf) canonical = {0};
	AUTO(buf) hex = {0};

	buf_init(&canonical, 4096);
	buf_init(&hex, SHA256_HEX);
	for (const char *c = s->settings.licence_key; *c; c++) {
		if (*c == '-' || *c == ' ')
			continue;
		buf_add_byte(&canonical, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
	}
	sha256(buf_span(&canonical), digest);
	buf_wipe(&canonical);
	hex_encode(&hex, span_of(digest, 16)); /* enough to tell keys apart */
	return arena_str(s->arena, buf_span(&hex));
}

static bool read_device(struct slipway *s, const json_t *entry, struct device *ret)
{
	struct device d = {
		.id = member_text(s->arena, entry, "device_id"),
		.token = member_text(s->arena, entry, "device_token"),
		.access_token = member_text(s->arena, entry, "access_token"),
		.refresh_token = member_text(s->arena, entry, "refresh_token"),
	};
	const char *expires = json_string_value(json_object_get(entry, "access_expires"));

	if (!d.id || !d.token || !d.access_token || !d.refresh_token || !expires ||
		time_parse(span_from(expires), &d.access_expires_us) != OK)
		return false;
	*ret = d;
	return true;
}

static bool find_device(struct slipway *s, const struct state *st, struct device *ret)
{
	const json_t *entry = json_object_get(json_object_get(st->root, "devices"), place(s));
	const char *licence = json_string_value(json_object_get(entry, "licence"));

	if (s->settings.licence_key && (!licence || strcmp(licence, key_digest(s)) != 0))
		return false; /* activated with another key */
	return read_device(s, entry, ret);
}

static void set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

/*
 * Takes over the tokens of an activation or a renewal and writes them before anything else happens.
 * `id` and `old` fill what the answer need not repeat.
 */
static err keep_tokens(struct slipway *s, struct state *st, const json_t *answer,
	const struct device *old, struct device *ret)
{
	json_t *devices = get_object(st->root, "devices");
	json_t *entry = get_object(devices, place(s));
	int64_t expires_in = json_integer_value(json_object_get(answer, "expires_in"));
	const char *device_token = json_string_value(json_object_get(answer, "device_token"));
	const char *id = json_string_value(json_object_get(answer, "device_id"));
	AUTO(buf) expires = {0};

	if (expires_in <= 0 || expires_in > 366 * 86400)
		return client_fail(s, ERR_CORRUPT, "answer", "The server's answer has no tokens");
	buf_init(&expires, 64);
	time_format(&expires, clock_wall_us() + expires_in * TIME_SECOND);
	set_text(entry, "device_id", id ? id : old ? old->id : NULL);
	set_text(entry, "device_token", device_token ? device_token : old ? old->token : NULL);
	set_text(entry, "access_token", json_string_value(json_object_get(answer, "access_token")));
	set_text(entry, "refresh_token",
		json_string_value(json_object_get(answer, "refresh_token")));
	set_text(entry, "access_expires", buf_str(&expires));
	if (s->settings.licence_key)
		set_text(entry, "licence", key_digest(s));
	st->changed = true;
	if (!read_device(s, entry, ret))
		return client_fail(s, ERR_CORRUPT, "answer", "The server's answer has no tokens");
	return OK;
}

static const char *fingerprint(struct slipway *s, struct state *st)
{
	const char *text = json_string_value(json_object_get(st->root, "fingerprint"));
	uint8_t bytes[FINGERPRINT_SIZE];
	AUTO(buf) hex = {0};

	if (!text) {
		random_bytes(bytes, sizeof(bytes));
		buf_init(&hex, 2 * FINGERPRINT_SIZE);
		hex_encode(&hex, span_of(bytes, sizeof(bytes)));
		json_object_set_new(st->root, "fingerprint", json_string(buf_str(&hex)));
		st->changed = true;
		text = json_string_value(json_object_get(st->root, "fingerprint"));
	}
	return arena_strdup(s->arena, text);
}

err device_alias(struct slipway *s, const char **ret)
{
	struct state st;
	uint8_t digest[SHA256_SIZE];
	AUTO(buf) text = {0};
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	buf_init(&text, 4096);
	buf_addf(&text, "%s %s", fingerprint(s, &st), s->settings.product);
	sha256(buf_span(&text), digest);
	buf_clear(&text);
	hex_encode(&text, span_of(digest, 8));
	*ret = arena_str(s->arena, buf_span(&text));
	return state_close(s, &st, OK);
}

/* The fingerprint must be on disk before the server knows it: else a crash costs a device. */
static err write_now(struct slipway *s, struct state *st)
{
	char *text = st->changed ? json_dumps(st->root, JSON_INDENT(2)) : NULL;
	err e;

	if (!st->changed)
		return OK;
	e = text ? file_write_atomic(arena_printf(s->arena, "%s/state.json", s->state_dir),
			   span_from(text), 0600)
		 : ERR_NOMEM;
	free(text);
	return e == OK ? OK : state_fail(s, e);
}

static err activate_locked(struct slipway *s, struct state *st, struct device *ret)
{
	char host[256] = "device";
	const char *mark = fingerprint(s, st);
	struct client_call call = {
		.method = "POST", .path = "/licences/activate", .idempotent = true};
	json_t *body, *answer = NULL;
	err e = write_now(s, st);

	if (e != OK)
		return e;
	if (gethostname(host, sizeof(host) - 1) != 0 || !span_is_utf8(span_from(host)))
		memcpy(host, "device", sizeof("device"));
	body = json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "licence_key", s->settings.licence_key,
		"device", "name", s->settings.device_name ? s->settings.device_name : host, "os",
		s->os, "arch", s->arch, "fingerprint", mark);
	if (!body)
		return client_fail(s, ERR_INVALID, "licence_key", "The licence key is no text");
	call.body = body;
	e = client_call(s, &call, &answer, NULL);
	json_decref(body);
	if (e == OK)
		e = keep_tokens(s, st, answer, NULL, ret);
	json_decref(answer);
	return e;
}

static err refresh_locked(
	struct slipway *s, struct state *st, const struct device *old, struct device *ret)
{
	json_t *body = json_pack("{s:s}", "refresh_token", old->refresh_token), *answer = NULL;
	struct client_call call = {.method = "POST",
		.path = "/auth/refresh",
		.body = body,
		.idempotent = true}; /* the server repeats its answer for a lost one */
	int status = 0;
	err e = client_call(s, &call, &answer, &status);

	json_decref(body);
	if (e == OK)
		e = keep_tokens(s, st, answer, old, ret);
	json_decref(answer);
	if (status != 400 && status != 401)
		return e;
	if (s->settings.licence_key)
		return activate_locked(s, st, ret);
	json_object_del(get_object(st->root, "devices"), place(s));
	st->changed = true;
	return client_fail(s, ERR_UNAUTHENTICATED, "device_signed_out",
		"This device's credentials have ended; activate it again with the licence key");
}

err device_get(struct slipway *s, struct device *ret)
{
	struct state st;
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	if (find_device(s, &st, ret))
		e = OK;
	else if (s->settings.licence_key)
		e = activate_locked(s, &st, ret);
	else
		e = ERR_NOT_FOUND;
	return state_close(s, &st, e);
}

err device_renew(struct slipway *s, const struct device *old, struct device *ret)
{
	struct state st;
	struct device present;
	err e = state_open(s, &st);

	if (e != OK)
		return e;
	if (!find_device(s, &st, &present))
		e = s->settings.licence_key ? activate_locked(s, &st, ret) : ERR_NOT_FOUND;
	else if (strcmp(present.refresh_token, old->refresh_token) != 0)
		*ret = present;
	else
		e = refresh_locked(s, &st, &present, ret);
	return state_close(s, &st, e);
}

enum slipway_status slipway_activate(struct slipway *s, const char **ret_device_id)
{
	struct device d;
	err e = client_ready(s);

	if (e == OK)
		e = device_get(s, &d);
	if (e == ERR_NOT_FOUND && !s->settings.licence_key)
		e = client_fail(s, ERR_INVALID, "licence_key", "There is no licence key");
	if (e == OK && ret_device_id)
		*ret_device_id = d.id;
	return status_of(e);
}
