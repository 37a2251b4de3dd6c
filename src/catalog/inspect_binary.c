/*
 * Formats that are recognised by a few numbers at known places: PE, OLE, xar, ELF, dmg and zip.
 * Hard rule: an offset read from the file is used only through sample_read_all, which knows the
 * size.
 */
#include "catalog/inspect.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define SET(field, text) (void)snprintf(field, sizeof(field), "%s", text)

struct machine {
	unsigned number;
	const char *architecture;
};

static const char *machine_name(const struct machine *table, unsigned number)
{
	for (; table->architecture; table++)
		if (table->number == number)
			return table->architecture;
	return "other";
}

/* Microsoft PE/COFF: the offset of "PE\0\0" stands at 0x3c, the machine follows it. */
err inspect_pe(const struct sample *s, struct inspection *ret)
{
	static const struct machine machines[] = {
		{0x14c, "386"}, {0x8664, "amd64"}, {0xaa64, "arm64"}, {0x1c4, "armhf"}, {0}};
	uint8_t dos[64], coff[24];

	if (!sample_read_all(s, 0, dos, sizeof(dos)) || memcmp(dos, "MZ", 2) != 0)
		return ERR_INVALID;
	if (!sample_read_all(s, le32_at(dos + 0x3c), coff, sizeof(coff)) ||
		memcmp(coff, "PE\0\0", 4) != 0)
		return ERR_INVALID;
	SET(ret->format, "exe");
	SET(ret->os, "windows");
	SET(ret->architecture, machine_name(machines, le16_at(coff + 4)));
	/* Installers are mostly 32-bit programs, whatever they carry. */
	ret->stub = le16_at(coff + 4) == 0x14c;
	return OK;
}

/* [MS-CFB]: the class of the root directory entry tells a Windows Installer database. */
err inspect_ole(const struct sample *s, struct inspection *ret)
{
	static const uint8_t magic[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
	static const uint8_t installer[16] = {
		0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
	uint8_t head[512], root[128];

	if (!sample_read_all(s, 0, head, sizeof(head)) || memcmp(head, magic, sizeof(magic)) != 0)
		return ERR_INVALID;
	unsigned shift = le16_at(head + 30);

	if (shift != 9 && shift != 12) /* sectors of 512 or 4096 bytes */
		return ERR_INVALID;
	uint64_t at = ((uint64_t)le32_at(head + 48) + 1) << shift;

	if (!sample_read_all(s, at, root, sizeof(root)) || root[66] != 5 /* root storage */)
		return ERR_INVALID;
	if (memcmp(root + 80, installer, sizeof(installer)) != 0)
		return OK; /* some other document: no format of ours */
	SET(ret->format, "msi");
	SET(ret->os, "windows");
	return OK;
}

/* xar: header with the length of the compressed table of contents, which follows it. */
err inspect_xar(const struct sample *s, struct inspection *ret)
{
	uint8_t head[28];

	if (!sample_read_all(s, 0, head, sizeof(head)) || memcmp(head, "xar!", 4) != 0)
		return ERR_INVALID;
	uint64_t size = be16_at(head + 4), toc = be64_at(head + 8);

	if (size < sizeof(head) || be16_at(head + 6) != 1 || toc == 0 || toc > s->size ||
		size > s->size - toc)
		return ERR_INVALID;
	SET(ret->format, "pkg");
	SET(ret->os, "macos");
	return OK;
}

/* ELF; an AppImage (type 1 or 2) has "AI" and its type in the padding of e_ident. */
err inspect_elf(const struct sample *s, struct inspection *ret)
{
	static const struct machine machines[] = {
		{3, "386"}, {40, "armhf"}, {62, "amd64"}, {183, "arm64"}, {0}};
	uint8_t head[52];

	if (!sample_read_all(s, 0, head, sizeof(head)) || memcmp(head, "\177ELF", 4) != 0)
		return ERR_INVALID;
	if ((head[4] != 1 && head[4] != 2) || (head[5] != 1 && head[5] != 2) || head[6] != 1)
		return ERR_INVALID;
	bool appimage = head[8] == 'A' && head[9] == 'I' && (head[10] == 1 || head[10] == 2);

	SET(ret->format, appimage ? "appimage" : "elf");
	SET(ret->os, "linux");
	SET(ret->architecture,
		machine_name(machines, head[5] == 1 ? le16_at(head + 18) : be16_at(head + 18)));
	return OK;
}

/* A disk image of Apple's ends with 512 bytes that begin with "koly". */
err inspect_dmg(const struct sample *s, struct inspection *ret)
{
	uint8_t trailer[512];

	if (s->size < sizeof(trailer) ||
		!sample_read_all(s, s->size - sizeof(trailer), trailer, sizeof(trailer)))
		return ERR_INVALID;
	if (memcmp(trailer, "koly", 4) != 0 || be32_at(trailer + 4) != 4 ||
		be32_at(trailer + 8) != sizeof(trailer))
		return ERR_INVALID;
	SET(ret->format, "dmg");
	SET(ret->os, "macos");
	return OK;
}

/* ---- zip: an Android package is one with AndroidManifest.xml at its top ---- */

#define ZIP_END_SIZE    22
#define ZIP_COMMENT_MAX 65535
#define ZIP_ENTRY_SIZE  46
#define ZIP_ENTRIES_MAX 65536

/* APPNOTE.TXT 4.3.16: the end record lies before a comment of unknown length. */
static bool find_zip_end(const struct sample *s, uint8_t end[ZIP_END_SIZE])
{
	static const uint8_t magic[4] = {'P', 'K', 5, 6};
	uint8_t tail[4096 + ZIP_END_SIZE];
	uint64_t searched = 0;

	while (searched < ZIP_COMMENT_MAX + ZIP_END_SIZE && searched < s->size) {
		/* Steps overlap by an end record, so that none is cut in two. */
		uint64_t back = MIN(searched + sizeof(tail), s->size);
		size_t n = sample_read(s, s->size - back, tail, sizeof(tail));

		for (size_t i = n; i >= ZIP_END_SIZE; i--) {
			const uint8_t *at = tail + i - ZIP_END_SIZE;

			if (memcmp(at, magic, sizeof(magic)) == 0) {
				memcpy(end, at, ZIP_END_SIZE);
				return true;
			}
		}
		if (back == s->size)
			return false;
		searched += sizeof(tail) - ZIP_END_SIZE;
	}
	return false;
}

static err look_for_manifest(const struct sample *s, const uint8_t *end, bool *ret_found)
{
	static const char manifest[] = "AndroidManifest.xml";
	unsigned count = le16_at(end + 10);
	uint64_t at = le32_at(end + 16);

	for (unsigned i = 0; i < count && i < ZIP_ENTRIES_MAX; i++) {
		uint8_t entry[ZIP_ENTRY_SIZE];
		char name[sizeof(manifest) - 1];

		if (!sample_read_all(s, at, entry, sizeof(entry)) ||
			memcmp(entry, "PK\1\2", 4) != 0)
			return ERR_INVALID;
		if (le16_at(entry + 28) == sizeof(name) &&
			sample_read_all(s, at + ZIP_ENTRY_SIZE, name, sizeof(name)) &&
			memcmp(name, manifest, sizeof(name)) == 0) {
			*ret_found = true;
			return OK;
		}
		at += ZIP_ENTRY_SIZE + (uint64_t)le16_at(entry + 28) + le16_at(entry + 30) +
		      le16_at(entry + 32);
	}
	*ret_found = false;
	return OK;
}

err inspect_zip(const struct sample *s, struct inspection *ret)
{
	uint8_t magic[4], end[ZIP_END_SIZE];
	bool android = false;

	if (!sample_read_all(s, 0, magic, sizeof(magic)) || memcmp(magic, "PK\3\4", 4) != 0 ||
		!find_zip_end(s, end))
		return ERR_INVALID;
	/* 0xffffffff: the true offset stands in the zip64 record; too large for a telephone. */
	if (le32_at(end + 16) != UINT32_MAX) {
		err e = look_for_manifest(s, end, &android);

		if (e)
			return e;
	}
	SET(ret->format, android ? "apk" : "zip");
	if (android)
		SET(ret->os, "android");
	return OK;
}
