/*
 * .part files. Hard rule: a file gets its name only after its bytes are on disk and its digest is
 * right; a reader of OUTPUT never sees half a package under a package's name.
 */
#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "sys/files.h"

#define CHUNK     (256 * 1024)
#define STATE_MAX 65536

static err part_fail(struct slipway *s, const struct part *p, err e)
{
	return client_fail(s, e, err_name(e), "%s: %s", p->path, err_title(e));
}

static err open_locked(struct slipway *s, struct part *p)
{
	struct stat here, there;

	for (;;) {
		p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (p->fd < 0)
			return part_fail(s, p, err_from_errno(errno));
		if (flock(p->fd, LOCK_EX | LOCK_NB) != 0)
			return client_fail(s, ERR_BUSY, "download_running",
				"Another run is downloading %s", p->final_path);
		/* The other run may have finished and renamed it while we waited to open. */
		if (fstat(p->fd, &here) != 0)
			return part_fail(s, p, err_from_errno(errno));
		if (stat(p->path, &there) == 0 && here.st_ino == there.st_ino &&
			here.st_dev == there.st_dev)
			break;
		close(p->fd);
		p->fd = -1;
	}
	if (!S_ISREG(here.st_mode))
		return client_fail(s, ERR_CONFLICT, "not_a_file", "%s is no file", p->path);
	p->at = (uint64_t)here.st_size;
	return OK;
}

/*
 * Time the last run spent without being able to note it, because it was killed: from its note to
 * the last byte it wrote.
 */
static int64_t unnoted_ms(const struct part *p)
{
	struct stat bytes, note;

	if (fstat(p->fd, &bytes) != 0 || stat(p->json_path, &note) != 0)
		return 0;
	return MAX((int64_t)(bytes.st_mtim.tv_sec - note.st_mtim.tv_sec) * 1000 +
			   (bytes.st_mtim.tv_nsec - note.st_mtim.tv_nsec) / 1000000,
		0);
}

/* What the bytes there are of; false when they are not of this package. */
static bool read_note(struct slipway *s, struct part *p, const char *package_id)
{
	AUTO(buf) text = {0};
	json_t *note;
	const char *server, *sha256, *id;
	bool same;

	buf_init(&text, STATE_MAX);
	if (file_read(p->json_path, &text) != OK)
		return false;
	note = json_loadb(buf_str(&text), buf_len(&text), 0, NULL);
	server = json_string_value(json_object_get(note, "server"));
	sha256 = json_string_value(json_object_get(note, "sha256"));
	id = json_string_value(json_object_get(note, "package_id"));
	same = sha256 && !strcmp(sha256, p->sha256);
	/* The bytes count by digest; the download only if it is this package of this server. */
	if (same && server && id && !strcmp(server, s->settings.server) &&
		!strcmp(id, package_id)) {
		p->download_id = member_text(p->arena, note, "download_id");
		p->spent_ms = json_integer_value(json_object_get(note, "spent_ms"));
		p->spent_ms = MAX(p->spent_ms, 0) + unnoted_ms(p);
	}
	json_decref(note);
	return same;
}

static err start_digest(struct slipway *s, struct part *p)
{
	sha256_stream_free(p->sha);
	blake2b_stream_free(p->blake);
	p->sha = sha256_stream_new();
	p->blake = blake2b_stream_new();
	if (!p->sha || !p->blake)
		return client_fail(s, ERR_NOMEM, "nomem", "Out of memory");
	return OK;
}

static void hash(struct part *p, span bytes)
{
	sha256_stream_add(p->sha, bytes);
	blake2b_stream_add(p->blake, bytes);
}

/* Hashes what an earlier run left. */
static err read_again(struct slipway *s, struct part *p)
{
	char *chunk = malloc(CHUNK);
	uint64_t done = 0;
	err e = chunk ? OK : client_fail(s, ERR_NOMEM, "nomem", "Out of memory");

	while (e == OK && done < p->at) {
		ssize_t n = pread(p->fd, chunk, CHUNK, (off_t)done);

		if (n <= 0)
			e = part_fail(s, p, n < 0 ? err_from_errno(errno) : ERR_IO);
		else
			hash(p, span_of(chunk, (size_t)n));
		if (n > 0)
			done += (uint64_t)n;
		if (e == OK && client_cancelled(s))
			e = client_fail(s, ERR_CANCELLED, "cancelled", "Cancelled");
	}
	free(chunk);
	return e;
}

err part_restart(struct slipway *s, struct part *p)
{
	p->at = p->resumed_from = 0;
	if (ftruncate(p->fd, 0) != 0)
		return part_fail(s, p, err_from_errno(errno));
	return start_digest(s, p);
}

err part_open(struct slipway *s, struct arena *a, const struct slipway_package *package,
	const char *folder, struct part *ret)
{
	struct part *p = ret;
	err e;

	*p = (struct part){.arena = a,
		.folder = folder,
		.package_id = package->id,
		.sha256 = package->sha256,
		.size = package->size,
		.fd = -1};
	p->final_path = arena_printf(a, "%s/%s", folder, package->filename);
	p->path = arena_printf(a, "%s.part", p->final_path);
	p->json_path = arena_printf(a, "%s.json", p->path);
	e = open_locked(s, p);
	if (e != OK)
		return e;
	if (!read_note(s, p, package->id) || p->at > p->size)
		return part_restart(s, p);
	e = start_digest(s, p);
	if (e == OK)
		e = read_again(s, p);
	p->resumed_from = p->at;
	return e;
}

void part_close(struct part *p)
{
	sha256_stream_free(p->sha);
	blake2b_stream_free(p->blake);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

err part_add(struct part *p, span bytes)
{
	if (bytes.len > p->size - p->at)
		return ERR_CORRUPT; /* endless data */
	while (bytes.len > 0) {
		ssize_t n = pwrite(p->fd, bytes.ptr, bytes.len, (off_t)p->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_from_errno(errno) : ERR_IO;
		hash(p, span_sub(bytes, 0, (size_t)n));
		bytes = span_from_offset(bytes, (size_t)n);
		p->at += (uint64_t)n;
	}
	return OK;
}

err part_note(struct slipway *s, const struct part *p, const char *download_id, int64_t spent_ms)
{
	json_t *note = json_pack("{s:s, s:s, s:s, s:I, s:s?, s:I}", "server", s->settings.server,
		"package_id", p->package_id, "sha256", p->sha256, "size", (json_int_t)p->size,
		"download_id", download_id, "spent_ms", (json_int_t)spent_ms);
	char *text;
	err e;

	if (!note)
		return ERR_NOMEM;
	text = json_dumps(note, JSON_INDENT(2));
	json_decref(note);
	e = text ? file_write_atomic(p->json_path, span_from(text), 0600) : ERR_NOMEM;
	free(text);
	return e == OK ? OK : part_fail(s, p, e);
}

void part_digest(const struct part *p, char ret_sha256[SHA256_HEX + 1], uint8_t ret_blake2b[64])
{
	uint8_t digest[SHA256_SIZE];
	struct buf hex;

	sha256_stream_get(p->sha, digest);
	blake2b_stream_get(p->blake, ret_blake2b);
	buf_init_fixed(&hex, ret_sha256, SHA256_HEX + 1);
	hex_encode(&hex, span_of(digest, sizeof(digest)));
}

err part_finish(struct slipway *s, struct part *p)
{
	if (fchmod(p->fd, 0644) != 0 || fsync(p->fd) != 0 || rename(p->path, p->final_path) != 0)
		return part_fail(s, p, err_from_errno(errno));
	(void)unlink(p->json_path); /* without its .part it means nothing */
	err e = dir_sync(p->folder);

	return e == OK ? OK : part_fail(s, p, e);
}

void part_discard(struct part *p)
{
	(void)unlink(p->path); /* gone already is as good */
	(void)unlink(p->json_path);
}
