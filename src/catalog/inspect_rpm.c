/*
 * RPM packages: lead, signature header, header (rpm's docs/manual/format). Hard rule: a number from
 * the file is checked against the file's size or a limit before it is added to anything.
 */
#include "catalog/inspect.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define LEAD_SIZE   96
#define HEADER_SIZE 16
#define ENTRY_SIZE  16
#define ENTRIES_MAX UINT32_C(65536)               /* rpm's own limit for the header */
#define STORE_MAX   (UINT32_C(256) * 1024 * 1024) /* rpm's own limit */
#define TYPE_STRING 6
#define TYPE_I18N   9

enum tag { TAG_NAME = 1000, TAG_VERSION = 1001, TAG_ARCH = 1022, TAG_SOURCERPM = 1044 };

struct header {
	uint64_t index, store, end; /* offsets in the file */
	uint32_t entries, store_bytes;
};

static err read_header(const struct sample *s, uint64_t at, struct header *ret)
{
	static const uint8_t magic[4] = {0x8e, 0xad, 0xe8, 1};
	uint8_t head[HEADER_SIZE];

	if (!sample_read_all(s, at, head, sizeof(head)) || memcmp(head, magic, sizeof(magic)) != 0)
		return ERR_INVALID;
	uint32_t entries = be32_at(head + 8), store = be32_at(head + 12);

	if (entries == 0 || entries > ENTRIES_MAX || store > STORE_MAX)
		return ERR_INVALID;
	ret->entries = entries;
	ret->store_bytes = store;
	ret->index = at + HEADER_SIZE;
	ret->store = ret->index + (uint64_t)entries * ENTRY_SIZE;
	ret->end = ret->store + store;
	return ret->end <= s->size ? OK : ERR_INVALID;
}

/* The string of an index entry; longer ones than fit are damaged: no real name is that long. */
static err read_string(
	const struct sample *s, const struct header *h, const uint8_t *entry, char *to, size_t size)
{
	uint32_t type = be32_at(entry + 4), offset = be32_at(entry + 8);

	if ((type != TYPE_STRING && type != TYPE_I18N) || offset >= h->store_bytes)
		return ERR_INVALID;
	size_t n = sample_read(s, h->store + offset, to, MIN(size, h->store_bytes - offset));

	return memchr(to, '\0', n) ? OK : ERR_INVALID;
}

static void translate_architecture(struct inspection *i)
{
	static const struct {
		const char *theirs, *ours;
	} table[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"}, {"i486", "386"},
		{"i586", "386"}, {"i686", "386"}, {"armv7hl", "armhf"}, {"noarch", "any"}};

	for (size_t k = 0; k < ARRAY_LEN(table); k++)
		if (strcmp(i->architecture, table[k].theirs) == 0) {
			(void)snprintf(
				i->architecture, sizeof(i->architecture), "%s", table[k].ours);
			return;
		}
}

static err read_entries(
	const struct sample *s, const struct header *h, struct inspection *i, bool *ret_binary)
{
	*ret_binary = false;
	for (uint32_t k = 0; k < h->entries; k++) {
		uint8_t entry[ENTRY_SIZE];
		err e = OK;

		if (!sample_read_all(s, h->index + (uint64_t)k * ENTRY_SIZE, entry, sizeof(entry)))
			return ERR_INVALID;
		switch (be32_at(entry)) {
		case TAG_NAME:
			e = read_string(s, h, entry, i->name, sizeof(i->name));
			break;
		case TAG_VERSION:
			e = read_string(s, h, entry, i->version, sizeof(i->version));
			break;
		case TAG_ARCH:
			e = read_string(s, h, entry, i->architecture, sizeof(i->architecture));
			break;
		case TAG_SOURCERPM:
			*ret_binary = true;
			break;
		default:
			break;
		}
		if (e)
			return e;
	}
	return OK;
}

err inspect_rpm(const struct sample *s, struct inspection *ret)
{
	static const uint8_t magic[4] = {0xed, 0xab, 0xee, 0xdb};
	struct header signature, header;
	uint8_t lead[LEAD_SIZE];
	bool binary;

	if (!sample_read_all(s, 0, lead, sizeof(lead)) || memcmp(lead, magic, sizeof(magic)) != 0)
		return ERR_INVALID;
	err e = read_header(s, LEAD_SIZE, &signature);

	/* The signature header is padded to 8 bytes, the other one is not. */
	if (!e)
		e = read_header(s, (signature.end + 7) / 8 * 8, &header);
	if (!e)
		e = read_entries(s, &header, ret, &binary);
	if (e)
		return e;
	if (!ret->name[0] || !ret->version[0] || !ret->architecture[0])
		return ERR_INVALID;
	(void)snprintf(ret->format, sizeof(ret->format), "rpm");
	(void)snprintf(ret->os, sizeof(ret->os), "linux");
	translate_architecture(ret);
	/* A source package names the architecture it was made on; nobody can install it. */
	if (!binary)
		(void)snprintf(ret->architecture, sizeof(ret->architecture), "source");
	return OK;
}
