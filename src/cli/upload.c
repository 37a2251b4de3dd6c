/*
 * A client of tus 1.0.
 *
 *   known from an earlier run ──HEAD──▶ offset ─┐
 *   else POST (creation) ─────────────▶ 0 ──────┴─▶ PATCH from the offset ──▶ whole ──▶ GET:
 * digest? ▲             │ cut └────HEAD─────┘
 *
 * Hard rule: the server's offset is the only truth about what arrived.
 */
#include "cli/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/time.h"
#include "cli/progress.h"
#include "cli/request.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

#define TUS            "1.0.0"
#define STATE_MAX      16384
#define FRUITLESS_MOST 6 /* attempts in a row that moved nothing */
#define FIRST_PAUSE_MS 250
#define STATE_LIFE_S   (7 * 86400)
#define METADATA_MAX   1024

struct upload {
	struct cli *cli;
	struct session *session;
	const char *path, *name;
	const struct file_digest *digest;
	int fd;
	const char *state_path; /* NULL: another run works on the same file */
	int state_lock;
	const char *url;
	uint64_t offset; /* as the server said last */
	bool bar_shown;
	struct progress bar;
};

static err state_file(
	struct cli *cli, const struct file_digest *digest, const char *suffix, const char **ret)
{
	const char *folder = NULL;
	err e = credentials_folder(cli->arena, &folder);

	if (e == OK)
		e = dir_make(arena_printf(cli->arena, "%s/uploads", folder), 0700);
	if (e == OK)
		*ret = arena_printf(
			cli->arena, "%s/uploads/%s.%s", folder, digest->sha256_hex, suffix);
	return e;
}

/* The server forgets unfinished uploads after a day or so; here what is left goes after a week. */
static void sweep_states(const char *a_state)
{
	span path = span_from(a_state);
	char folder[PATH_MAX];
	struct buf text;
	DIR *dir;
	struct dirent *entry;

	buf_init_fixed(&text, folder, sizeof(folder));
	buf_add(&text, span_sub(path, 0, span_rfind(path, '/')));
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		struct stat st;

		if (entry->d_name[0] != '.' &&
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			clock_wall_us() / TIME_SECOND - st.st_mtime > STATE_LIFE_S)
			(void)unlinkat(dirfd(dir), entry->d_name,
				0); /* another run may have been faster */
	}
	if (dir)
		closedir(dir);
}

/* Claims the right to resume; without it (another run has it, no home) the upload begins anew. */
static void claim_state(struct upload *u)
{
	const char *lock = NULL;

	u->state_lock = -1;
	if (state_file(u->cli, u->digest, "lock", &lock) != OK)
		return;
	u->state_lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (u->state_lock < 0 || flock(u->state_lock, LOCK_EX | LOCK_NB) != 0)
		return;
	if (state_file(u->cli, u->digest, "json", &u->state_path) != OK)
		u->state_path = NULL;
	sweep_states(lock);
}

static void read_state(struct upload *u)
{
	AUTO(buf) text = {0};
	json_t *state;
	const char *server, *url;

	buf_init(&text, STATE_MAX);
	if (!u->state_path || file_read(u->state_path, &text) != OK)
		return;
	state = json_loadb(buf_str(&text), buf_len(&text), 0, NULL);
	server = json_string_value(json_object_get(state, "server"));
	url = json_string_value(json_object_get(state, "url"));
	if (server && url && !strcmp(server, u->session->server) &&
		span_starts_with(span_from(url), span_from(server)))
		u->url = arena_strdup(u->cli->arena, url);
	json_decref(state);
}

static void write_state(const struct upload *u)
{
	json_t *state = json_pack(
		"{s:s, s:s, s:s}", "server", u->session->server, "url", u->url, "file", u->name);
	char *text = state ? json_dumps(state, JSON_INDENT(2)) : NULL;

	/* Without it an interrupted upload starts again: a pity, no failure. */
	if (u->state_path && text)
		(void)!file_write_atomic(u->state_path, span_from(text), 0600);
	free(text);
	json_decref(state);
}

void upload_forget(struct cli *cli, const struct file_digest *digest)
{
	const char *path = NULL;

	if (state_file(cli, digest, "json", &path) == OK)
		(void)unlink(path); /* may never have been there */
	if (state_file(cli, digest, "lock", &path) == OK)
		(void)unlink(path);
}

static err read_offset(struct upload *u, const struct http_answer *a, uint64_t *ret)
{
	if (span_to_u64(http_answer_header(a, "upload-offset"), u->digest->size, ret) == OK)
		return OK;
	return cli_fail(u->cli, ERR_CORRUPT, "upload_offset",
		"the server does not say how much of the upload it has");
}

/* Where the upload stands. ERR_NOT_FOUND when the server has forgotten it. */
static err ask_offset(struct upload *u)
{
	struct http_header headers[] = {{"Tus-Resumable", SPAN(TUS)}};
	struct http_request rq = {.method = "HEAD",
		.url = u->url,
		.headers = headers,
		.headers_count = ARRAY_LEN(headers)};
	struct http_answer a;
	uint64_t size;
	err e;

	http_answer_init(&a);
	e = session_try(u->cli, &rq, &a);
	if (a.status == 404 || a.status == 410 || a.status == 403)
		e = ERR_NOT_FOUND;
	else if (e != OK)
		e = session_explain(u->cli, e, &a);
	else if (span_to_u64(http_answer_header(&a, "upload-length"), UINT64_MAX, &size) != OK ||
		 size != u->digest->size)
		e = ERR_NOT_FOUND;
	else
		e = read_offset(u, &a, &u->offset);
	http_answer_done(&a);
	return e;
}

/* The URL of the new upload: on the same server, or not at all. */
static err take_location(struct upload *u, const struct http_answer *a)
{
	span location = http_answer_header(a, "location");
	span server = span_from(u->session->server);

	if (span_starts_with(location, SPAN("/")) && !span_starts_with(location, SPAN("//")))
		u->url = arena_printf(
			u->cli->arena, "%s%.*s", u->session->server, SPAN_ARG(location));
	else if (span_starts_with(location, server) && location.len > server.len &&
		 location.ptr[server.len] == '/')
		u->url = arena_str(u->cli->arena, location);
	else
		return cli_fail(u->cli, ERR_CORRUPT, "location",
			"the server gives no usable address for the upload");
	return OK;
}

static err create(struct upload *u)
{
	AUTO(buf) metadata = {0};
	AUTO(buf) size = {0};
	struct http_header headers[3];
	struct http_request rq = {.method = "POST",
		.headers = headers,
		.headers_count = ARRAY_LEN(headers),
		.url = session_url(u->cli, u->session, API "/admin/uploads")};
	struct http_answer a;
	err e;

	buf_init(&metadata, METADATA_MAX);
	buf_init(&size, 32);
	buf_add_u64(&size, u->digest->size);
	buf_add_str(&metadata, "filename ");
	base64_encode(&metadata, span_from(u->name));
	if (buf_error(&metadata) != OK)
		return cli_fail(u->cli, ERR_INVALID, "filename", "the file's name is too long");
	headers[0] = (struct http_header){"Tus-Resumable", SPAN(TUS)};
	headers[1] = (struct http_header){"Upload-Length", buf_span(&size)};
	headers[2] = (struct http_header){"Upload-Metadata", buf_span(&metadata)};
	http_answer_init(&a);
	e = session_send(u->cli, &rq, &a);
	if (e == OK)
		e = take_location(u, &a);
	http_answer_done(&a);
	u->offset = 0;
	if (e == OK)
		write_state(u);
	return e;
}

static void on_sent(void *ctx, uint64_t bytes)
{
	struct upload *u = ctx;

	if (u->bar_shown)
		progress_update(&u->bar, u->offset + bytes, clock_monotonic_us());
}

/* Sends from the offset on. Fails with words; what arrived anyway is asked afterwards. */
static err send_rest(struct upload *u)
{
	AUTO(buf) offset = {0};
	struct http_file part = {u->fd, u->offset, u->digest->size - u->offset};
	struct http_header headers[2];
	struct http_request rq = {.method = "PATCH",
		.url = u->url,
		.headers = headers,
		.headers_count = ARRAY_LEN(headers),
		.file = &part,
		.content_type = "application/offset+octet-stream",
		.on_sent = on_sent,
		.ctx = u};
	struct http_answer a;
	err e;

	buf_init(&offset, 32);
	buf_add_u64(&offset, u->offset);
	headers[0] = (struct http_header){"Tus-Resumable", SPAN(TUS)};
	headers[1] = (struct http_header){"Upload-Offset", buf_span(&offset)};
	http_answer_init(&a);
	e = session_send(u->cli, &rq, &a);
	if (e == OK)
		e = read_offset(u, &a, &u->offset);
	http_answer_done(&a);
	return e;
}

/* Failures after which the rest may still get through. */
static bool may_go_on(err e)
{
	return e == ERR_UNAVAILABLE || e == ERR_BUSY || e == ERR_CONFLICT || e == ERR_LIMIT ||
	       e == ERR_IO;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL); /* shorter is no harm */
}

static void forget_failure(struct cli *cli)
{
	cli->detail = cli->hint = cli->code = cli->request_id = NULL;
}

static err send_all(struct upload *u)
{
	unsigned fruitless = 0;

	while (u->offset < u->digest->size) {
		uint64_t before = u->offset;
		err e = send_rest(u), asked;

		if (e == OK)
			continue;
		if (!may_go_on(e) || ++fruitless > FRUITLESS_MOST)
			return e;
		pause_ms(FIRST_PAUSE_MS << (fruitless - 1));
		forget_failure(u->cli);
		asked = ask_offset(u);
		if (asked == ERR_NOT_FOUND) {
			cli_hint(u->cli, "run the same command again: the upload begins anew");
			return cli_fail(u->cli, ERR_EXPIRED, "upload_gone",
				"the server has dropped the unfinished upload of %s", u->path);
		}
		if (asked != OK && !may_go_on(asked))
			return asked;
		if (u->offset > before)
			fruitless = 0;
	}
	return OK;
}

/* The server's own account of what it received. */
static err confirm(struct upload *u, const char **ret_id)
{
	json_t *answer;
	const char *id, *sha256;
	err e = session_call(u->cli, "GET",
		arena_printf(u->cli->arena, "/admin/uploads/%s", path_basename(u->url)), NULL,
		&answer);

	if (e != OK)
		return e;
	id = json_string_value(json_object_get(answer, "id"));
	sha256 = json_string_value(json_object_get(answer, "sha256"));
	if (!id || !sha256 || strcmp(sha256, u->digest->sha256_hex) != 0) {
		upload_forget(u->cli, u->digest);
		cli_hint(u->cli, "publish it again; was the file changed while it was sent?");
		e = cli_fail(u->cli, ERR_CORRUPT, "digest_mismatch",
			"what the server received of %s is not what was sent", u->path);
	} else {
		*ret_id = arena_strdup(u->cli->arena, id);
	}
	json_decref(answer);
	return e;
}

static err begin(struct upload *u)
{
	err e;

	read_state(u);
	if (u->url) {
		e = ask_offset(u);
		if (e == OK && u->offset > 0 && u->offset < u->digest->size)
			cli_note(u->cli, "%s: going on with an interrupted upload", u->name);
		if (e != ERR_NOT_FOUND)
			return e;
		forget_failure(u->cli);
	}
	return create(u);
}

static err transfer(struct upload *u, const char **ret_id)
{
	err e = begin(u);

	if (e != OK)
		return e;
	u->bar_shown = !cli_is_unwatched(u->cli);
	if (u->bar_shown)
		progress_start(&u->bar, u->cli->errors, span_from(u->name), u->offset,
			u->digest->size, clock_monotonic_us());
	e = send_all(u);
	if (u->bar_shown)
		progress_finish(&u->bar, e == OK, u->offset, clock_monotonic_us());
	if (e == OK)
		e = confirm(u, ret_id);
	else if (may_go_on(e) && !u->cli->hint)
		cli_hint(u->cli, "run the same command again: the upload goes on where it stopped");
	return e;
}

err upload_file(
	struct cli *cli, const char *path, const struct file_digest *digest, const char **ret_id)
{
	struct upload u = {.cli = cli, .path = path, .name = path_basename(path), .digest = digest};
	err e = session_get(cli, &u.session);

	if (e != OK)
		return e;
	u.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (u.fd < 0)
		return cli_fail(
			cli, err_from_errno(errno), "file", "%s: %s", path, strerror(errno));
	claim_state(&u);
	e = transfer(&u, ret_id);
	if (u.state_lock >= 0)
		close(u.state_lock);
	close(u.fd);
	return e;
}
