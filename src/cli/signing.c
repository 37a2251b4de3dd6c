/*
 * Digests and signatures of files on this machine. A file is read once for all its digests.
 */
#include "cli/signing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/progress.h"
#include "crypto/secret.h"
#include "sys/clock.h"
#include "sys/files.h"

#include "base/banned.h"

#define CHUNK         (256 * 1024)
#define BAR_FROM_SIZE (UINT64_C(256) << 20) /* smaller files are read before one looks */

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static err read_failed(struct cli *cli, const char *path)
{
	return cli_fail(cli, err_from_errno(errno), "file", "%s: %s", path, strerror(errno));
}

static void finish_digest(const struct sha256_stream *sha, const struct blake2b_stream *blake,
	struct file_digest *ret)
{
	struct buf hex; /* over sha256_hex, which stays */

	sha256_stream_get(sha, ret->sha256);
	blake2b_stream_get(blake, ret->blake2b);
	buf_init_fixed(&hex, ret->sha256_hex, sizeof(ret->sha256_hex));
	hex_encode(&hex, span_of(ret->sha256, sizeof(ret->sha256)));
}

static err digest_fd(
	struct cli *cli, const char *path, int fd, uint64_t size, struct file_digest *ret)
{
	AUTO_PTR(sha256_stream) sha = sha256_stream_new();
	AUTO_PTR(blake2b_stream) blake = blake2b_stream_new();
	char *chunk = arena_try_alloc(cli->arena, CHUNK);
	bool bar = size >= BAR_FROM_SIZE && !cli_is_unwatched(cli);
	struct progress progress;
	ssize_t n;

	if (!sha || !blake || !chunk)
		return ERR_NOMEM;
	if (bar)
		progress_start(&progress, cli->errors,
			span_from(arena_printf(cli->arena, "reading %s", path_basename(path))), 0,
			size, clock_monotonic_us());
	ret->size = 0;
	while ((n = read(fd, chunk, CHUNK)) > 0) {
		sha256_stream_add(sha, span_of(chunk, (size_t)n));
		blake2b_stream_add(blake, span_of(chunk, (size_t)n));
		ret->size += (uint64_t)n;
		if (bar)
			progress_update(&progress, ret->size, clock_monotonic_us());
	}
	if (n < 0)
		return read_failed(cli, path);
	if (bar)
		progress_finish(&progress, true, ret->size, clock_monotonic_us());
	finish_digest(sha, blake, ret);
	return OK;
}

err file_digest(struct cli *cli, const char *path, struct file_digest *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	err e;

	if (fd < 0)
		return read_failed(cli, path);
	if (fstat(fd, &st) != 0)
		e = read_failed(cli, path);
	else if (!S_ISREG(st.st_mode))
		e = cli_fail(cli, ERR_INVALID, "not_a_file", "%s is not a regular file", path);
	else
		e = digest_fd(cli, path, fd, (uint64_t)st.st_size, ret);
	close(fd);
	return e;
}

err signing_key_read(struct cli *cli, const char *path, struct minisign_secret *ret)
{
	AUTO(buf) text = {0};
	bool wide = false;
	err e;

	buf_init(&text, MINISIGN_TEXT_MAX);
	e = secret_file_read(path, &text, &wide);
	if (e != OK)
		return cli_fail(cli, e, "sign_key", "the signing key %s cannot be read: %s", path,
			err_title(e));
	if (wide)
		cli_note(cli, "warning: others can read %s; chmod 600 it", path);
	e = minisign_parse_secret(buf_span(&text), ret);
	buf_wipe(&text);
	if (e == ERR_DENIED)
		return cli_fail(cli, e, "sign_key",
			"the signing key %s is protected by a password; sign with `minisign -S` "
			"and give the signature with --signature",
			path);
	if (e != OK)
		return cli_fail(cli, e, "sign_key", "%s is no minisign secret key", path);
	return OK;
}

err signing_sign(struct cli *cli, const struct minisign_secret *key, const char *path,
	const struct file_digest *digest, struct buf *out)
{
	AUTO(buf) comment = {0};
	AUTO(buf) name = {0};
	err e;

	buf_init(&comment, 1000);
	buf_init(&name, 4096);
	text_clean(&name, span_from(path_basename(path)));
	buf_addf(&comment, "timestamp:%lld\tfile:%s\thashed", (long long)(cli->now_us / 1000000),
		buf_str(&name));
	e = minisign_sign(key, digest->blake2b, buf_span(&comment), out);
	if (e != OK)
		return cli_fail(
			cli, e, "signing", "%s could not be signed: %s", path, err_title(e));
	return OK;
}
