/*
 * Formats that need decompression: Debian packages (ar with a compressed control.tar inside) and
 * compressed tar files, through libarchive. Hard rule: what is unpacked is bounded (entries, bytes)
 * however little of it came in, and nothing is ever written to a file.
 */
#include "catalog/inspect.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define AR_HEADER    60
#define AR_MEMBERS   4 /* debian-binary, control.tar.*, data.tar.*, one for _gpgorigin */
#define ENTRIES_MAX  256
#define UNPACKED_MAX (INT64_C(64) << 20)
#define CONTROL_MAX  65536
#define CHUNK_BYTES  65536

/* A part of a source as libarchive reads it. */
struct part {
	const struct sample *source;
	uint64_t at, end;
	char chunk[CHUNK_BYTES];
};

static la_ssize_t read_part(struct archive *a, void *ctx, const void **ret)
{
	struct part *p = ctx;

	(void)a; /* given by libarchive, not needed */
	size_t n = sample_read(p->source, p->at, p->chunk,
		(size_t)MIN((uint64_t)sizeof(p->chunk), p->end - p->at));

	p->at += n;
	*ret = p->chunk;
	return (la_ssize_t)n;
}

static void archive_read_freep(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a); /* was read only */
}
#define AUTO_ARCHIVE __attribute__((cleanup(archive_read_freep))) struct archive *

static void part_freep(struct part **p)
{
	free(*p);
}
#define AUTO_PART __attribute__((cleanup(part_freep))) struct part *

static struct part *part_of(const struct sample *s, uint64_t from, uint64_t size)
{
	struct part *p = calloc(1, sizeof(*p));

	if (p) {
		p->source = s;
		p->at = from;
		p->end = MIN(from + size, s->size);
	}
	return p;
}

/* Opens a tar file in one of the compressions packages use. */
static struct archive *open_tar(struct part *p)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	if (archive_read_support_filter_gzip(a) != ARCHIVE_OK ||
		archive_read_support_filter_xz(a) != ARCHIVE_OK ||
		archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
		archive_read_support_format_tar(a) != ARCHIVE_OK ||
		archive_read_open(a, p, NULL, read_part, NULL) != ARCHIVE_OK) {
		archive_read_freep(&a);
		return NULL;
	}
	return a;
}

/* ---- Debian control fields ---- */

static void translate_architecture(struct inspection *i)
{
	if (strcmp(i->architecture, "i386") == 0)
		(void)snprintf(i->architecture, sizeof(i->architecture), "386");
	else if (strcmp(i->architecture, "all") == 0)
		(void)snprintf(i->architecture, sizeof(i->architecture), "any");
}

static bool is_printable(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return text.len > 0;
}

/* Once, without spaces, and short enough: deb-control(5) allows nothing else for these fields. */
static err set_field(char *to, size_t size, span value)
{
	value = span_trim(value);
	if (to[0] || value.len >= size || !is_printable(value))
		return ERR_INVALID;
	(void)snprintf(to, size, "%.*s", SPAN_ARG(value));
	return OK;
}

err inspect_deb_control(span text, struct inspection *ret)
{
	span line;

	if (span_find(text, '\0') < text.len)
		return ERR_INVALID;
	while (span_cut(&text, '\n', &line)) {
		size_t colon = span_find(line, ':');
		span name = span_sub(line, 0, colon), value = span_from_offset(line, colon + 1);
		err e = OK;

		if (span_eq_nocase(name, SPAN("Package")))
			e = set_field(ret->name, sizeof(ret->name), value);
		else if (span_eq_nocase(name, SPAN("Version")))
			e = set_field(ret->version, sizeof(ret->version), value);
		else if (span_eq_nocase(name, SPAN("Architecture")))
			e = set_field(ret->architecture, sizeof(ret->architecture), value);
		if (e)
			return e;
	}
	if (!ret->name[0] || !ret->version[0] || !ret->architecture[0])
		return ERR_INVALID;
	translate_architecture(ret);
	return OK;
}

static bool is_control(const char *path)
{
	return path && (strcmp(path, "control") == 0 || strcmp(path, "./control") == 0);
}

static err read_control(struct archive *a, struct inspection *ret)
{
	char *text = malloc(CONTROL_MAX);
	la_ssize_t n = 0;
	size_t len = 0;
	err e = text ? OK : ERR_NOMEM;

	while (!e && len < CONTROL_MAX &&
		(n = archive_read_data(a, text + len, CONTROL_MAX - len)) > 0)
		len += (size_t)n;
	if (!e && (n < 0 || len == CONTROL_MAX))
		e = ERR_INVALID;
	if (!e)
		e = inspect_deb_control(span_of(text, len), ret);
	free(text);
	return e;
}

static err find_control(const struct sample *s, uint64_t at, uint64_t size, struct inspection *ret)
{
	AUTO_PART p = part_of(s, at, size);
	AUTO_ARCHIVE a = p ? open_tar(p) : NULL;
	struct archive_entry *entry;
	int64_t unpacked = 0;

	if (!a)
		return ERR_INVALID;
	for (unsigned i = 0; i < ENTRIES_MAX; i++) {
		if (archive_read_next_header(a, &entry) != ARCHIVE_OK)
			return ERR_INVALID;
		if (is_control(archive_entry_pathname(entry)))
			return read_control(a, ret);
		/* Skipping costs as much as reading. */
		if (archive_entry_size(entry) > UNPACKED_MAX - unpacked)
			return ERR_INVALID;
		unpacked += archive_entry_size(entry);
	}
	return ERR_INVALID;
}

/* ---- the ar file around it ---- */

/* ar(5): name 16, date 12, owner 6, group 6, mode 8, size 10, "`\n"; members start on even offsets.
 */
static err read_member(
	const struct sample *s, uint64_t at, char header[AR_HEADER], uint64_t *ret_size)
{
	if (!sample_read_all(s, at, header, AR_HEADER) || memcmp(header + 58, "`\n", 2) != 0)
		return ERR_INVALID;
	return span_to_u64(span_trim(span_of(header + 48, 10)), s->size, ret_size);
}

err inspect_deb(const struct sample *s, struct inspection *ret)
{
	char magic[8], header[AR_HEADER];
	uint64_t at = sizeof(magic), size;

	if (!sample_read_all(s, 0, magic, sizeof(magic)) || memcmp(magic, "!<arch>\n", 8) != 0)
		return ERR_INVALID;
	for (unsigned i = 0; i < AR_MEMBERS; i++) {
		err e = read_member(s, at, header, &size);

		if (e || (i == 0 && memcmp(header, "debian-binary", 13) != 0))
			return ERR_INVALID;
		at += AR_HEADER;
		if (memcmp(header, "control.tar", 11) == 0) {
			(void)snprintf(ret->format, sizeof(ret->format), "deb");
			(void)snprintf(ret->os, sizeof(ret->os), "linux");
			return find_control(s, at, size, ret);
		}
		at += size + size % 2;
	}
	return ERR_INVALID;
}

/* ---- compressed tar files ---- */

static const char *compression_of(const uint8_t magic[6])
{
	if (memcmp(magic, "\x1f\x8b", 2) == 0)
		return "tar.gz";
	if (memcmp(magic,
		    "\xfd"
		    "7zXZ\0",
		    6) == 0)
		return "tar.xz";
	if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
		return "tar.zst";
	return NULL;
}

err inspect_tar(const struct sample *s, struct inspection *ret)
{
	uint8_t magic[6];
	struct archive_entry *entry;
	const char *format =
		sample_read_all(s, 0, magic, sizeof(magic)) ? compression_of(magic) : NULL;

	if (!format)
		return ERR_INVALID;
	AUTO_PART p = part_of(s, 0, s->size);
	AUTO_ARCHIVE a = p ? open_tar(p) : NULL;

	if (!a || archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return ERR_INVALID;
	(void)snprintf(ret->format, sizeof(ret->format), "%s", format);
	return OK;
}
