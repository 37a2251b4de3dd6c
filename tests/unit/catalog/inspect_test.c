/* Recognising package files made here byte by byte, damaged ones, and comparing what they say. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "catalog/inspect.h"

#define FILE_MAX (1 << 20)

static struct buf file;

static int fresh(void **state)
{
	(void)state;
	buf_init(&file, FILE_MAX);
	return 0;
}

static int done(void **state)
{
	(void)state;
	buf_done(&file);
	return 0;
}

static void add_zeros(size_t n)
{
	while (n--)
		buf_add_byte(&file, '\0');
}

static void add_number(uint64_t n, size_t bytes, bool big)
{
	for (size_t i = 0; i < bytes; i++)
		buf_add_byte(&file, (char)(n >> (8 * (big ? bytes - 1 - i : i))));
}

static err look(struct inspection *ret)
{
	struct sample s = sample_from_memory(buf_span(&file));

	assert_ok(buf_error(&file));
	return inspect_sample(&s, ret);
}

static void poke(size_t at, const char *bytes, size_t len)
{
	char copy[FILE_MAX / 16];
	size_t all = buf_len(&file);

	assert_true(all <= sizeof(copy) && at + len <= all);
	memcpy(copy, buf_str(&file), all);
	memcpy(copy + at, bytes, len);
	buf_clear(&file);
	buf_add(&file, span_of(copy, all));
}

/* ---- Debian packages ---- */

static size_t make_tar(char *to, size_t size, int (*filter)(struct archive *), const char *name,
	const char *content)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	size_t used = 0;

	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, to, size, &used), ARCHIVE_OK);
	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, (la_int64_t)strlen(content));
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, content, strlen(content)), strlen(content));
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_entry_free(entry);
	(void)archive_write_free(a);
	return used;
}

static void add_member(const char *name, span content)
{
	buf_addf(&file, "%-16s%-12s%-6s%-6s%-8s%-10zu`\n", name, "0", "0", "0", "100644",
		content.len);
	buf_add(&file, content);
	if (content.len % 2)
		buf_add_byte(&file, '\n');
}

static void make_deb(int (*filter)(struct archive *), const char *suffix, const char *control)
{
	static char tar[262144];
	char name[32];
	size_t n = make_tar(tar, sizeof(tar), filter, "./control", control);

	buf_clear(&file);
	(void)snprintf(name, sizeof(name), "control.tar%s", suffix);
	buf_add_str(&file, "!<arch>\n");
	add_member("debian-binary", SPAN("2.0\n"));
	add_member(name, span_of(tar, n));
	add_member("data.tar", SPAN("whatever"));
}

#define CONTROL                                                                                    \
	"Package: openvpn\nVersion: 1:2.6.3-1+deb12u1\nArchitecture: amd64\n"                      \
	"Description: vpn\n Version: not a field\n"

static void test_deb(void **state)
{
	static const struct {
		int (*filter)(struct archive *);
		const char *suffix;
	} rows[] = {{archive_write_add_filter_none, ""}, {archive_write_add_filter_gzip, ".gz"},
		{archive_write_add_filter_xz, ".xz"}, {archive_write_add_filter_zstd, ".zst"}};
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		make_deb(rows[k].filter, rows[k].suffix, CONTROL);
		assert_ok(look(&i));
		assert_string_equal(i.format, "deb");
		assert_string_equal(i.os, "linux");
		assert_string_equal(i.name, "openvpn");
		assert_string_equal(i.version, "1:2.6.3-1+deb12u1");
		assert_string_equal(i.architecture, "amd64");
	}
}

static void test_deb_damaged(void **state)
{
	struct inspection i;

	(void)state;
	make_deb(archive_write_add_filter_gzip, ".gz", CONTROL);
	size_t whole = buf_len(&file);

	/* Cut anywhere before the control file is read, it is damaged; never anything worse. */
	for (size_t len = 8; len < whole; len += 7) {
		struct sample s = sample_from_memory(span_sub(buf_span(&file), 0, len));
		err e = inspect_sample(&s, &i);

		assert_true(e == OK || e == ERR_INVALID);
		if (len < 200)
			assert_int_equal(e, ERR_INVALID);
	}
	make_deb(archive_write_add_filter_none, "", "Package: a\nArchitecture: amd64\n");
	assert_int_equal(look(&i), ERR_INVALID); /* no version */
	buf_clear(&file);
	buf_add_str(&file, "!<arch>\n");
	add_member("something", SPAN("2.0\n"));
	assert_int_equal(look(&i), ERR_INVALID); /* another ar file */
}

static void test_control(void **state)
{
	static const struct {
		const char *name, *text;
		bool good;
		const char *architecture;
	} rows[] = {
		{"plain", "Package: a\nVersion: 1\nArchitecture: amd64\n", true, "amd64"},
		{"no newline at the end", "Package: a\nVersion: 1\nArchitecture: all", true, "any"},
		{"any case, any order", "architecture: i386\nVERSION: 1\npackage:a", true, "386"},
		{"carriage returns", "Package: a\r\nVersion: 1\r\nArchitecture: arm64\r\n", true,
			"arm64"},
		{"empty", "", false, ""},
		{"no colon", "Package a\nVersion: 1\nArchitecture: amd64\n", false, ""},
		{"twice", "Package: a\nVersion: 1\nVersion: 2\nArchitecture: amd64\n", false, ""},
		{"space inside", "Package: a b\nVersion: 1\nArchitecture: amd64\n", false, ""},
		{"empty value", "Package:\nVersion: 1\nArchitecture: amd64\n", false, ""},
		{"control character", "Package: a\001\nVersion: 1\nArchitecture: amd64\n", false,
			""},
		{"too long",
			"Package: a\nVersion: 1\nArchitecture: "
			"0123456789012345678901234567890123456789\n",
			false, ""},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct inspection i = {0};
		err e = inspect_deb_control(span_from(rows[k].text), &i);

		assert_row(rows[k].good == (e == OK), rows[k].name);
		if (rows[k].good)
			assert_row(strcmp(i.architecture, rows[k].architecture) == 0, rows[k].name);
	}
}

/* ---- RPM ---- */

struct rpm_tag {
	uint32_t tag, type;
	const char *value;
};

static void add_rpm_header(const struct rpm_tag *tags, size_t count)
{
	uint32_t offset = 0, store = 0;

	for (size_t k = 0; k < count; k++)
		store += (uint32_t)strlen(tags[k].value) + 1;
	buf_add(&file, span_of("\x8e\xad\xe8\x01\0\0\0\0", 8));
	add_number(count, 4, true);
	add_number(store, 4, true);
	for (size_t k = 0; k < count; k++) {
		add_number(tags[k].tag, 4, true);
		add_number(tags[k].type, 4, true);
		add_number(offset, 4, true);
		add_number(1, 4, true);
		offset += (uint32_t)strlen(tags[k].value) + 1;
	}
	for (size_t k = 0; k < count; k++)
		buf_add(&file, span_of(tags[k].value, strlen(tags[k].value) + 1));
}

static void make_rpm(const struct rpm_tag *tags, size_t count)
{
	static const struct rpm_tag signature[] = {{267, 7, "abc"}};

	buf_clear(&file);
	buf_add(&file, span_of("\xed\xab\xee\xdb\x03\0", 6));
	add_zeros(90);
	add_rpm_header(signature, 1);
	while (buf_len(&file) % 8)
		add_zeros(1);
	add_rpm_header(tags, count);
	buf_add_str(&file, "payload");
}

static void test_rpm(void **state)
{
	static const struct rpm_tag tags[] = {{1000, 6, "wireguard-tools"},
		{1001, 6, "1.0.20210914"}, {1002, 6, "3.fc40"}, {1022, 6, "x86_64"},
		{1044, 6, "wireguard-tools.src.rpm"}};
	struct inspection i;

	(void)state;
	make_rpm(tags, ARRAY_LEN(tags));
	assert_ok(look(&i));
	assert_string_equal(i.format, "rpm");
	assert_string_equal(i.architecture, "amd64");
	assert_string_equal(i.version, "1.0.20210914");
	assert_string_equal(i.name, "wireguard-tools");
	make_rpm(tags, 4); /* made from no source package: it is one */
	assert_ok(look(&i));
	assert_string_equal(i.architecture, "source");
	for (size_t len = 4; len < buf_len(&file) - 7; len++) {
		struct sample s = sample_from_memory(span_sub(buf_span(&file), 0, len));

		assert_int_equal(inspect_sample(&s, &i), ERR_INVALID);
	}
}

#define MAIN_HEADER 136 /* lead 96, signature header 36, padded */

static void test_rpm_numbers(void **state)
{
	static const struct rpm_tag tags[] = {{1000, 6, "a"}, {1001, 6, "1"}, {1022, 6, "noarch"}};
	static const struct {
		const char *name;
		size_t at; /* from the start of the main header */
		uint8_t bytes[4];
	} rows[] = {{"no entries", 8, {0, 0, 0, 0}},
		{"too many entries", 8, {0xff, 0xff, 0xff, 0xff}},
		{"more entries than file", 8, {0, 0, 0xff, 0xff}},
		{"store past the end", 12, {0, 0, 0xff, 0xff}},
		{"huge store", 12, {0xff, 0xff, 0xff, 0xff}}, {"wrong type", 20, {0, 0, 0, 4}},
		{"offset past the store", 24, {0, 0, 1, 0}},
		{"negative offset", 24, {0xff, 0xff, 0xff, 0xff}},
		{"not ended by NUL", 24, {0, 0, 0, 10}}, {"bad magic", 0, {0x8e, 0xad, 0xe8, 2}}};
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		make_rpm(tags, ARRAY_LEN(tags));
		if (strcmp(rows[k].name, "not ended by NUL") == 0) {
			/* The last byte of the store, which is a NUL, becomes a letter. */
			poke(buf_len(&file) - 8, "x", 1);
			poke(MAIN_HEADER + 16 + 32 + 8, "\0\0\0\4", 4); /* arch: from the 'n' on */
			assert_row(look(&i) == ERR_INVALID, rows[k].name);
			continue;
		}
		poke(MAIN_HEADER + rows[k].at, (const char *)rows[k].bytes, 4);
		assert_row(look(&i) == ERR_INVALID, rows[k].name);
	}
}

/* ---- binaries ---- */

static void make_pe(unsigned machine)
{
	buf_clear(&file);
	buf_add_str(&file, "MZ");
	add_zeros(58);
	add_number(64, 4, false);
	buf_add(&file, span_of("PE\0\0", 4));
	add_number(machine, 2, false);
	add_zeros(40);
}

static void make_elf(unsigned machine, bool big, const char *mark)
{
	buf_clear(&file);
	buf_add_str(&file, "\177ELF");
	add_number(2, 1, false);
	add_number(big ? 2 : 1, 1, false);
	add_number(1, 1, false);
	add_zeros(1);
	buf_add(&file, span_of(mark, 3));
	add_zeros(5);
	add_number(2, 2, big);
	add_number(machine, 2, big);
	add_zeros(60);
}

static void test_machines(void **state)
{
	static const struct {
		unsigned machine;
		bool elf;
		const char *architecture;
	} rows[] = {{0x8664, false, "amd64"}, {0xaa64, false, "arm64"}, {0x14c, false, "386"},
		{0x1234, false, "other"}, {62, true, "amd64"}, {183, true, "arm64"},
		{3, true, "386"}, {40, true, "armhf"}, {21, true, "other"}};
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		if (rows[k].elf)
			make_elf(rows[k].machine, false, "\0\0\0");
		else
			make_pe(rows[k].machine);
		assert_row(look(&i) == OK, rows[k].architecture);
		assert_row(strcmp(i.architecture, rows[k].architecture) == 0, rows[k].architecture);
		assert_string_equal(i.format, rows[k].elf ? "elf" : "exe");
	}
	make_elf(62, false, "AI\2");
	assert_ok(look(&i));
	assert_string_equal(i.format, "appimage");
	make_elf(40, true, "\0\0\0");
	assert_ok(look(&i));
	assert_string_equal(i.architecture, "armhf");
}

static void test_binaries_damaged(void **state)
{
	struct inspection i;

	(void)state;
	make_pe(0x8664);
	poke(0x3c, "\xff\xff\xff\xff", 4);
	assert_int_equal(look(&i), ERR_INVALID);
	make_pe(0x8664);
	poke(64, "NE", 2);
	assert_int_equal(look(&i), ERR_INVALID);
	make_elf(62, false, "\0\0\0");
	poke(5, "\3", 1);
	assert_int_equal(look(&i), ERR_INVALID);
	buf_clear(&file);
	buf_add_str(&file, "\177ELF");
	assert_int_equal(look(&i), ERR_INVALID);
	buf_clear(&file);
	buf_add_str(&file, "MZ");
	assert_int_equal(look(&i), ERR_INVALID);
}

static void make_ole(const char *class_, unsigned shift)
{
	buf_clear(&file);
	buf_add(&file, span_of("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8));
	add_zeros(22);
	add_number(shift, 2, false);
	add_zeros(16);
	add_number(1, 4, false); /* directory in sector 1 */
	add_zeros(512 - 52);
	add_zeros((UINT32_C(2) << shift) - 512);
	add_zeros(66);
	add_number(5, 1, false);
	add_zeros(13);
	buf_add(&file, span_of(class_, 16));
	add_zeros(512);
}

static void test_ole(void **state)
{
	struct inspection i;

	(void)state;
	make_ole("\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 9);
	assert_ok(look(&i));
	assert_string_equal(i.format, "msi");
	make_ole("\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 12);
	assert_ok(look(&i));
	assert_string_equal(i.format, "msi");
	make_ole("\x06\x09\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 9); /* a Word document */
	assert_ok(look(&i));
	assert_string_equal(i.format, "");
	make_ole("\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", 9);
	poke(30, "\x20", 1);
	assert_int_equal(look(&i), ERR_INVALID);
	poke(30, "\x09", 1);
	poke(48, "\xfe\xff\xff\xff", 4);
	assert_int_equal(look(&i), ERR_INVALID);
}

static void test_apple(void **state)
{
	struct inspection i;

	(void)state;
	buf_add_str(&file, "xar!");
	add_number(28, 2, true);
	add_number(1, 2, true);
	add_number(10, 8, true);
	add_zeros(30);
	assert_ok(look(&i));
	assert_string_equal(i.format, "pkg");
	poke(8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_int_equal(look(&i), ERR_INVALID);
	buf_clear(&file);
	add_zeros(1000);
	buf_add_str(&file, "koly");
	add_number(4, 4, true);
	add_number(512, 4, true);
	add_zeros(500);
	assert_ok(look(&i));
	assert_string_equal(i.format, "dmg");
	assert_string_equal(i.os, "macos");
	poke(1004, "\0\0\0\5", 4);
	assert_int_equal(look(&i), ERR_INVALID);
}

static void add_zip_name(const char *name)
{
	buf_add(&file, span_of("PK\1\2", 4));
	add_zeros(24);
	add_number(strlen(name), 2, false);
	add_zeros(16);
	buf_add_str(&file, name);
}

static void make_zip(const char *name, size_t comment)
{
	buf_clear(&file);
	buf_add(&file, span_of("PK\3\4", 4));
	add_zeros(50);
	uint32_t directory = (uint32_t)buf_len(&file);

	add_zip_name("classes.dex");
	add_zip_name(name);
	buf_add(&file, span_of("PK\5\6\0\0\0\0\2\0\2\0\0\0\0\0", 16));
	add_number(directory, 4, false);
	add_number(comment, 2, false);
	add_zeros(comment);
}

static void test_zip(void **state)
{
	static const size_t comments[] = {0, 1, 4095, 4096, 4097, 9000, 60000};
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(comments); k++) {
		make_zip("AndroidManifest.xml", comments[k]);
		assert_ok(look(&i));
		assert_string_equal(i.format, "apk");
		make_zip("res/AndroidManifest.xml", comments[k]);
		assert_ok(look(&i));
		assert_string_equal(i.format, "zip");
	}
	make_zip("a", 0);
	poke(54, "XX", 2);
	assert_int_equal(look(&i), ERR_INVALID);
	buf_clear(&file);
	buf_add(&file, span_of("PK\3\4", 4));
	add_zeros(70000);
	assert_int_equal(look(&i), ERR_INVALID);
}

static void test_tar(void **state)
{
	static const struct {
		int (*filter)(struct archive *);
		const char *format;
	} rows[] = {{archive_write_add_filter_gzip, "tar.gz"},
		{archive_write_add_filter_xz, "tar.xz"},
		{archive_write_add_filter_zstd, "tar.zst"}};
	static char tar[262144];
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		size_t n = make_tar(tar, sizeof(tar), rows[k].filter, "a", "content");

		buf_clear(&file);
		buf_add(&file, span_of(tar, n));
		assert_ok(look(&i));
		assert_string_equal(i.format, rows[k].format);
		assert_string_equal(i.os, "");
		poke(n / 2, "\1\2\3\4\5\6\7\x8\1\2\3\4\5\6\7\x8", 16);
		err e = look(&i);

		assert_true(e == OK || e == ERR_INVALID);
	}
	buf_clear(&file);
	buf_add(&file, span_of("\x1f\x8b\x08\0\0\0\0\0\0\0garbage garbage garbage", 33));
	assert_int_equal(look(&i), ERR_INVALID);
}

static void test_unknown(void **state)
{
	static const char *const contents[] = {
		"", "M", "#", "<html>", "%PDF-1.4", "\177EL", "!<arch"};
	struct inspection i;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(contents); k++) {
		buf_clear(&file);
		buf_add_str(&file, contents[k]);
		assert_row(look(&i) == OK, contents[k]);
		assert_row(i.format[0] == '\0', contents[k]);
	}
}

/* ---- in the child, and comparisons ---- */

static void test_in_child(void **state)
{
	char path[] = "/tmp/slipway-inspect-XXXXXX";
	int fd = mkstemp(path);
	const char *why = NULL;
	struct inspection i;

	(void)state;
	make_deb(archive_write_add_filter_xz, ".xz", CONTROL);
	assert_int_equal(write(fd, buf_str(&file), buf_len(&file)), buf_len(&file));
	assert_ok(inspect_file(fd, INSPECT_TIMEOUT_US, &i, &why));
	assert_string_equal(i.format, "deb");
	assert_string_equal(i.version, "1:2.6.3-1+deb12u1");
	assert_int_equal(ftruncate(fd, 90), 0);
	assert_int_equal(inspect_file(fd, INSPECT_TIMEOUT_US, &i, &why), ERR_INVALID);
	assert_non_null(why);
	(void)close(fd);
	(void)unlink(path);
}

static void test_versions(void **state)
{
	static const struct {
		const char *format, *package, *semver;
		bool same;
	} rows[] = {
		{"deb", "2.6.3-1+deb12u1", "2.6.3", true},
		{"deb", "1:2.6.3-1", "2.6.3", true},
		{"deb", "2.6.3", "2.6.4", false},
		{"deb", "9.01-3", "9.1.0", true},
		{"deb", "5.9.8-5+deb12u1", "5.9.8", true},
		{"deb", "1.0.20210914-1", "1.0.20210914", true},
		{"deb", "2.0+dfsg-1", "2.0.0", true},
		{"deb", "2-1", "2.0.0", true},
		{"deb", "1.2.0~rc1-1", "1.2.0-rc.1", true},
		{"deb", "1.2.0~rc1-1", "1.2.0", false},
		{"deb", "1.2.0", "1.2.0-rc.1", false},
		{"deb", "1.2.0~beta2", "1.2.0-beta.3", false},
		{"deb", "1.20", "1.2.0", false},
		{"deb", "1.2.3-4-1", "1.2.3-4", true},
		{"deb", "1.2.3", "1.2.3+build.7", true},
		{"deb", "", "1.2.3", false},
		{"deb", "-1", "1.0.0", false},
		{"rpm", "2.6.3", "2.6.3", true},
		{"rpm", "2.6.3~rc2", "2.6.3-rc2", true},
		{"rpm", "0", "0.0.0", true},
		{"deb", "a.b.c", "1.2.3", false},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		assert_row(inspect_version_matches(span_from(rows[k].format),
				   span_from(rows[k].package),
				   span_from(rows[k].semver)) == rows[k].same,
			rows[k].package);
}

static void test_platforms(void **state)
{
	static const struct {
		struct inspection i;
		const char *platform;
		bool fits;
	} rows[] = {
		{{.os = "linux", .architecture = "amd64"}, "linux-amd64", true},
		{{.os = "linux", .architecture = "amd64"}, "linux-arm64", false},
		{{.os = "linux", .architecture = "amd64"}, "windows-amd64", false},
		{{.os = "linux", .architecture = "any"}, "linux-any", true},
		{{.os = "linux", .architecture = "any"}, "linux-amd64", false},
		{{.os = "linux", .architecture = "amd64"}, "linux-any", false},
		{{.os = "windows", .architecture = "386", .stub = true}, "windows-amd64", true},
		{{.os = "windows", .architecture = "386", .stub = true}, "windows-arm64", true},
		{{.os = "windows", .architecture = "386", .stub = true}, "windows-386", true},
		{{.os = "windows", .architecture = "amd64"}, "windows-386", false},
		{{.os = "windows"}, "windows-arm64", true},
		{{.os = "macos"}, "macos-universal", true},
		{{.os = "macos"}, "linux-amd64", false},
		{{.os = ""}, "any-any", true},
		{{.os = ""}, "linux-amd64", true},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		assert_row(inspect_platform_matches(&rows[k].i, span_from(rows[k].platform)) ==
				   rows[k].fits,
			rows[k].platform);
}

static void test_format_names(void **state)
{
	(void)state;
	assert_true(format_exists(SPAN("deb")));
	assert_true(format_exists(SPAN("tar.zst")));
	assert_false(format_exists(SPAN("")));
	assert_false(format_exists(SPAN("deb rpm")));
	assert_false(format_exists(SPAN("iso")));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		CASE(test_deb),
		CASE(test_deb_damaged),
		CASE(test_control),
		CASE(test_rpm),
		CASE(test_rpm_numbers),
		CASE(test_machines),
		CASE(test_binaries_damaged),
		CASE(test_ole),
		CASE(test_apple),
		CASE(test_zip),
		CASE(test_tar),
		CASE(test_unknown),
		CASE(test_in_child),
		CASE(test_versions),
		CASE(test_platforms),
		CASE(test_format_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
