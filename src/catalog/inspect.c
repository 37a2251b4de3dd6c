/*
 * Recognising a package file by its content, and comparing what it says with what was declared.
 * Hard rule: inspect_file parses nothing in this process.
 */
#include "catalog/inspect.h"

#include <stdio.h>
#include <string.h>

#include "base/semver.h"
#include "catalog/sandbox.h"
#include "base/banned.h"

bool format_exists(span name)
{
	span rest = SPAN(FORMAT_NAMES), word;

	while (span_cut(&rest, ' ', &word))
		if (span_eq(word, name))
			return true;
	return false;
}

/* ---- recognising ---- */

/* A script, usually with an archive behind it; what it needs is its own affair. */
static err inspect_run(const struct sample *s, struct inspection *ret)
{
	(void)s; /* its magic was all there is to see */
	(void)snprintf(ret->format, sizeof(ret->format), "run");
	return OK;
}

static const struct {
	const char *magic;
	size_t len;
	err (*parse)(const struct sample *s, struct inspection *ret);
} formats[] = {
	{"!<arch>\n", 8, inspect_deb},
	{"\xed\xab\xee\xdb", 4, inspect_rpm},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, inspect_ole},
	{"xar!", 4, inspect_xar},
	{"\177ELF", 4, inspect_elf},
	{"PK\3\4", 4, inspect_zip},
	{"\x1f\x8b", 2, inspect_tar},
	{"\xfd"
	 "7zXZ\0",
		6, inspect_tar},
	{"\x28\xb5\x2f\xfd", 4, inspect_tar},
	{"MZ", 2, inspect_pe},
	{"#!", 2, inspect_run},
};

static bool has_koly(const struct sample *s)
{
	char magic[4];

	return s->size >= 512 && sample_read_all(s, s->size - 512, magic, 4) &&
	       memcmp(magic, "koly", 4) == 0;
}

err inspect_sample(const struct sample *s, struct inspection *ret)
{
	char head[8];
	size_t n = sample_read(s, 0, head, sizeof(head));

	*ret = (struct inspection){0};
	/* First: a disk image may begin with anything. */
	if (has_koly(s))
		return inspect_dmg(s, ret);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (n >= formats[i].len && memcmp(head, formats[i].magic, formats[i].len) == 0)
			return formats[i].parse(s, ret);
	return OK;
}

/* ---- in the child ---- */

struct answer {
	err error;
	struct inspection inspection;
};

static void inspect_in_child(int fd, void *result)
{
	struct answer *a = result;
	struct sample s;

	a->error = sample_from_fd(fd, &s);
	if (!a->error)
		a->error = inspect_sample(&s, &a->inspection);
}

int inspect_main(void)
{
	return sandbox_main(inspect_in_child, sizeof(struct answer));
}

err inspect_file(int fd, int64_t timeout_us, struct inspection *ret, const char **ret_why)
{
	struct answer a = {0};
	err e = sandbox_run(inspect_in_child, fd, &a, sizeof(a), timeout_us, ret_why);

	if (!e && a.error) {
		*ret_why = "its structure is damaged";
		e = a.error == ERR_NOMEM ? ERR_NOMEM : ERR_INVALID;
	}
	if (e)
		return e;
	/* The child is not trusted: its texts are terminated here. */
	*ret = a.inspection;
	ret->format[sizeof(ret->format) - 1] = '\0';
	ret->os[sizeof(ret->os) - 1] = '\0';
	ret->architecture[sizeof(ret->architecture) - 1] = '\0';
	ret->name[sizeof(ret->name) - 1] = '\0';
	ret->version[sizeof(ret->version) - 1] = '\0';
	return OK;
}

/* ---- versions ---- */

#define WORDS_MAX 32

/* A version as words: runs of digits or letters; `core` of them are the leading numbers. */
struct words {
	span word[WORDS_MAX];
	size_t count, core;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Cuts the longest run of digits or of letters off the front of *s; leading zeros are dropped. */
static span cut_word(span *s)
{
	bool digits = is_digit(s->ptr[0]);
	size_t n = 0;

	while (n < s->len && (digits ? is_digit(s->ptr[n]) : is_letter(s->ptr[n])))
		n++;
	span word = span_sub(*s, 0, n);

	*s = span_from_offset(*s, n);
	while (digits && word.len > 1 && word.ptr[0] == '0')
		word = span_from_offset(word, 1);
	return word;
}

static bool split(span text, struct words *ret)
{
	bool core = true;

	*ret = (struct words){0};
	while (text.len > 0) {
		char c = text.ptr[0];

		if (!is_digit(c) && !is_letter(c)) {
			core = core && c == '.'; /* numbers joined by points, up to anything else */
			text = span_from_offset(text, 1);
			continue;
		}
		core = core && is_digit(c);
		if (ret->count == WORDS_MAX)
			return false;
		ret->word[ret->count++] = cut_word(&text);
		if (core)
			ret->core = ret->count;
	}
	return ret->count > 0;
}

/* Core numbers without the zeros at the end: 1.2 is 1.2.0. */
static size_t core_len(const struct words *w)
{
	size_t n = w->core;

	while (n > 0 && span_is(w->word[n - 1], "0"))
		n--;
	return n;
}

static bool same_words(const span *a, const span *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!span_eq_nocase(a[i], b[i]))
			return false;
	return true;
}

/* Debian policy 5.6.12: [epoch:]upstream[-revision]; '+' starts a repacker's or builder's suffix.
 */
static span upstream_version(span format, span text)
{
	size_t colon = span_find(text, ':');

	if (colon < text.len)
		text = span_from_offset(text, colon + 1);
	if (span_is(format, "deb"))
		text = span_sub(text, 0, span_rfind(text, '-'));
	return span_sub(text, 0, span_find(text, '+'));
}

bool inspect_version_matches(span format, span package_version, span semver_text)
{
	struct words a, b;

	if (!split(upstream_version(format, package_version), &a) ||
		!split(span_sub(semver_text, 0, span_find(semver_text, '+')), &b))
		return false;
	size_t core = core_len(&a), rest = a.count - a.core;

	return core == core_len(&b) && rest == b.count - b.core &&
	       same_words(a.word, b.word, core) &&
	       same_words(a.word + a.core, b.word + b.core, rest);
}

/* ---- platforms ---- */

bool inspect_platform_matches(const struct inspection *i, span platform)
{
	size_t dash = span_find(platform, '-');
	span os = span_sub(platform, 0, dash), arch = span_from_offset(platform, dash + 1);
	span found = span_from(i->architecture);

	if (i->os[0] && !span_is(os, i->os))
		return false;
	if (!found.len || span_eq(arch, found))
		return true;
	return i->stub && (span_is(arch, "amd64") || span_is(arch, "arm64"));
}
