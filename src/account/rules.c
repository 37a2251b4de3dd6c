/*
 * What e-mail addresses and passwords may be. Hard rule: length and notoriety are judged, never
 * composition (NIST SP 800-63B 3.1.1.2, OWASP ASVS 5.0 6.2).
 */
#include "account/account.h"

#include "account/common_passwords.h"
#include "crypto/password.h"

#include "base/banned.h"

#define COMMON_MAX 64 /* longer ones are not in the list */

static bool is_atom(char c)
{
	return (unsigned char)c > 0x20 && c != 0x7f && c != '"' && c != '\\' && c != '<' &&
	       c != '>' && c != '(' && c != ')' && c != ',' && c != ';' && c != ':' && c != '[' &&
	       c != ']' && c != '@';
}

bool email_is_valid(span email)
{
	size_t at = span_find(email, '@');
	span domain = span_from_offset(email, at + 1);

	if (email.len > EMAIL_MAX_BYTES || at == 0 || at >= email.len || !span_is_utf8(email))
		return false;
	for (size_t i = 0; i < email.len; i++)
		if (i != at && !is_atom(email.ptr[i]))
			return false;
	return domain.len > 0 && domain.ptr[0] != '.' && domain.ptr[0] != '-' &&
	       !span_ends_with(domain, SPAN(".")) && !span_contains(domain, SPAN("..")) &&
	       email.ptr[0] != '.' && email.ptr[at - 1] != '.';
}

static size_t count_characters(span text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80; /* not the rest of one */
	return count;
}

static bool is_common(span password)
{
	char line[COMMON_MAX + 2] = "\n";

	if (password.len > COMMON_MAX)
		return false;
	for (size_t i = 0; i < password.len; i++) {
		char c = password.ptr[i];

		line[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	line[password.len + 1] = '\n';
	return span_contains(span_from(common_passwords), span_of(line, password.len + 2));
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Without the digits and signs in front and behind: what is left of "slipway-2024!". */
static span core_of(span password)
{
	while (password.len && !is_letter(password.ptr[0]))
		password = span_from_offset(password, 1);
	while (password.len && !is_letter(password.ptr[password.len - 1]))
		password.len--;
	return password;
}

/* core is one of the words, or one of the parts between the dots of one. */
static bool is_one_of(span core, span words)
{
	span word, part;

	while (span_cut(&words, ' ', &word)) {
		if (word.len && span_eq_nocase(core, word))
			return true;
		while (span_cut(&word, '.', &part))
			if (part.len && span_eq_nocase(core, part))
				return true;
	}
	return false;
}

static bool is_expected(span password, span email, span words)
{
	span core = core_of(password), local;

	if (email.len && span_eq_nocase(password, email))
		return true;
	if (core.len == 0)
		return false;
	if (is_one_of(core, SPAN("slipway")) || is_one_of(core, words))
		return true;
	return span_cut(&email, '@', &local) && (is_one_of(core, local) || is_one_of(core, email));
}

const char *password_problem(span password, span email, span words)
{
	if (count_characters(password) < PASSWORD_MIN_CHARACTERS)
		return "A password has at least 8 characters; 15 or more are recommended.";
	if (password.len > PASSWORD_MAX_BYTES)
		return "A password has at most 1024 bytes.";
	if (is_expected(password, email, words))
		return "The password must not be made of the e-mail address or a name of this "
		       "server.";
	if (is_common(password))
		return "This password is among the most used ones, so it is tried first by "
		       "attackers. Choose another.";
	return NULL;
}

span email_key(struct arena *a, span email)
{
	char *key = arena_str(a, email);

	for (char *c = key; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return span_of(key, email.len);
}
