/*
 * The file of sign-ins. The lock is a file of its own: the credentials file is replaced, and a
 * lock on a replaced file protects nothing.
 */
#include "cli/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/time.h"
#include "crypto/secret.h"
#include "sys/files.h"

#include "base/banned.h"

#define FILE_MAX (1 << 20)

err credentials_folder(struct arena *a, const char **ret)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const char *path = NULL;
	err e;

	if (config && config[0] == '/')
		path = arena_printf(a, "%s/slipway", config);
	else if (home && home[0] == '/')
		path = arena_printf(a, "%s/.config/slipway", home);
	else
		return ERR_INVALID;
	e = dir_make(path, 0700);
	if (e == OK)
		*ret = path;
	return e;
}

static err file_path(struct arena *a, const char *name, const char **ret)
{
	const char *folder = NULL;
	err e = credentials_folder(a, &folder);

	if (e == OK)
		*ret = arena_printf(a, "%s/%s", folder, name);
	return e;
}

err credentials_lock(struct arena *a, int *ret_lock)
{
	const char *path = NULL;
	err e = file_path(a, "credentials.lock", &path);
	int fd;

	if (e != OK)
		return e;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_from_errno(errno);
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			e = err_from_errno(errno);
			close(fd);
			return e;
		}
	}
	*ret_lock = fd;
	return OK;
}

void credentials_unlock(int lock)
{
	close(lock);
}

/* The whole file; an empty object when it is not there. */
static err read_all(const char *path, json_t **ret)
{
	AUTO(buf) text = {0};
	json_t *root;
	err e;

	buf_init(&text, FILE_MAX);
	e = file_read(path, &text);
	if (e == ERR_NOT_FOUND)
		root = json_object();
	else if (e != OK)
		return e;
	else
		root = json_loadb(buf_str(&text), buf_len(&text), JSON_REJECT_DUPLICATES, NULL);
	buf_wipe(&text);
	if (!root)
		return ERR_CORRUPT;
	if (!json_is_object(root)) {
		json_decref(root);
		return ERR_CORRUPT;
	}
	*ret = root;
	return OK;
}

static err write_all(const char *path, const json_t *root)
{
	char *text = json_dumps(root, JSON_INDENT(2));
	err e;

	if (!text)
		return ERR_NOMEM;
	e = file_write_atomic(path, span_from(text), 0600);
	wipe(text, strlen(text));
	free(text);
	return e;
}

static const char *member(struct arena *a, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_strdup(a, text) : NULL;
}

static err read_entry(
	struct arena *a, const char *server, const json_t *entry, struct credentials *ret)
{
	struct credentials c = {
		.server = arena_strdup(a, server),
		.ca_file = member(a, entry, "ca_file"),
		.email = member(a, entry, "email"),
		.access_token = member(a, entry, "access_token"),
		.refresh_token = member(a, entry, "refresh_token"),
	};

	if (!c.access_token || !c.refresh_token ||
		time_parse(span_from(json_string_value(json_object_get(entry, "access_expires"))),
			&c.access_expires_us) != OK)
		return ERR_CORRUPT;
	*ret = c;
	return OK;
}

err credentials_load(struct arena *a, const char *server, struct credentials *ret)
{
	const char *path = NULL;
	json_t *root = NULL, *entry;
	err e = file_path(a, "credentials.json", &path);

	if (e == OK)
		e = read_all(path, &root);
	if (e != OK)
		return e;
	if (!server)
		server = json_string_value(json_object_get(root, "current"));
	entry = server ? json_object_get(json_object_get(root, "servers"), server) : NULL;
	e = entry ? read_entry(a, server, entry, ret) : ERR_NOT_FOUND;
	json_decref(root);
	return e;
}

static err put(json_t *object, const char *name, const char *value)
{
	if (!value)
		return OK;
	return json_object_set_new(object, name, json_string(value)) == 0 ? OK : ERR_INVALID;
}

static err make_entry(const struct credentials *c, json_t **ret)
{
	json_t *entry = json_object();
	AUTO(buf) expires = {0};
	err e;

	buf_init(&expires, 64);
	time_format(&expires, c->access_expires_us);
	e = put(entry, "email", c->email);
	if (e == OK)
		e = put(entry, "ca_file", c->ca_file);
	if (e == OK)
		e = put(entry, "access_token", c->access_token);
	if (e == OK)
		e = put(entry, "access_expires", buf_str(&expires));
	if (e == OK)
		e = put(entry, "refresh_token", c->refresh_token);
	if (e != OK) {
		json_decref(entry);
		return e;
	}
	*ret = entry;
	return OK;
}

/* Reads, lets change one server's entry (entry NULL: removes it), writes. */
static err replace_entry(struct arena *a, const char *server, json_t *entry)
{
	const char *path = NULL;
	json_t *root = NULL, *servers;
	err e = file_path(a, "credentials.json", &path);

	if (e == OK)
		e = read_all(path, &root);
	/* A damaged file holds nothing worth keeping; signing in again repairs it. */
	if (e == ERR_CORRUPT && (root = json_object()))
		e = OK;
	if (e != OK) {
		json_decref(entry);
		return e;
	}
	servers = json_object_get(root, "servers");
	if (!json_is_object(servers)) {
		servers = json_object();
		json_object_set_new(root, "servers", servers);
	}
	if (entry) {
		json_object_set_new(servers, server, entry);
		json_object_set_new(root, "current", json_string(server));
	} else {
		json_object_del(servers, server);
		json_object_del(root, "current");
	}
	e = write_all(path, root);
	json_decref(root);
	return e;
}

err credentials_save(struct arena *a, const struct credentials *c)
{
	json_t *entry;
	err e = make_entry(c, &entry);

	return e == OK ? replace_entry(a, c->server, entry) : e;
}

err credentials_remove(struct arena *a, const char *server)
{
	return replace_entry(a, server, NULL);
}
