/*
 * The settings table and the meaning of its types. Hard rule: what passes here is safe to render
 * into nginx's configuration inside double quotes or, for lists, bare.
 */
#include "conf/rules.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/time.h"
#include "conf/redis_url.h"
#include "update/update.h"

#include "base/banned.h"

#define SETTING_ROW(id, name, type, value, least, most, help)                                      \
	{name, type, value, least, most, help},
const struct setting_row setting_table[CONF_COUNT] = {SETTINGS(SETTING_ROW)};
#undef SETTING_ROW

static bool is_address(span text, int family)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, bytes) == 1;
}

bool address_with_port_is_valid(span text)
{
	size_t colon = span_rfind(text, ':');
	uint64_t port;

	if (colon == text.len)
		return false;
	if (span_to_u64(span_from_offset(text, colon + 1), 65535, &port) != OK || port == 0)
		return false;
	span host = span_sub(text, 0, colon);
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return is_address(span_sub(host, 1, host.len - 2), AF_INET6);
	return is_address(host, AF_INET);
}

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" */
static bool is_network(span text)
{
	size_t slash = span_find(text, '/');
	span host = span_sub(text, 0, slash);
	bool v4 = is_address(host, AF_INET);
	uint64_t bits;

	if (!v4 && !is_address(host, AF_INET6))
		return false;
	return slash == text.len ||
	       span_to_u64(span_from_offset(text, slash + 1), v4 ? 32 : 128, &bits) == OK;
}

static bool is_host_name(span text)
{
	if (text.len == 0 || text.len > 253)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '*')
			return false;
	}
	return text.ptr[0] != '-' && text.ptr[0] != '.';
}

/* Every word of a list separated by single or more spaces passes. */
static bool each_word(span text, bool (*passes)(span word))
{
	span word;

	while (span_cut(&text, ' ', &word))
		if (word.len > 0 && !passes(word))
			return false;
	return true;
}

static bool is_address_list(span text)
{
	return each_word(text, address_with_port_is_valid);
}

static bool is_some_address_list(span text)
{
	return text.len > 0 && is_address_list(text);
}

static bool is_network_list(span text)
{
	return each_word(text, is_network);
}

static bool is_name_list(span text)
{
	return text.len > 0 && each_word(text, is_host_name);
}

static bool is_level(span text)
{
	return span_is(text, "debug") || span_is(text, "info") || span_is(text, "warn") ||
	       span_is(text, "error");
}

static bool is_database(span text)
{
	return span_is(text, "sqlite") || span_starts_with(text, SPAN("postgresql://")) ||
	       span_starts_with(text, SPAN("postgres://"));
}

/* No character that means something inside a quoted string of nginx's configuration. */
static bool is_path(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr("\"'\\$;{}", text.ptr[i]) != NULL)
			return false;
	return text.len == 0 || text.ptr[0] == '/';
}

static bool is_program(span text)
{
	return text.len > 0 && is_path(text);
}

static bool is_url(span text)
{
	if (text.len == 0)
		return true;
	if (!span_starts_with(text, SPAN("https://")) || text.len == strlen("https://"))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || strchr("\"'\\$;{}<>?#", text.ptr[i]) != NULL)
			return false;
	return text.ptr[text.len - 1] != '/';
}

/* The form is checked in full by who uses it (net/mail.h); the way to hide mistakes is closed here.
 */
static bool is_mail_server(span text)
{
	return text.len == 0 || span_starts_with(text, SPAN("smtp://")) ||
	       span_starts_with(text, SPAN("smtps://"));
}

static bool is_channel_list(span text)
{
	enum channel ignored;
	span word;

	while (span_cut(&text, ' ', &word))
		if (word.len > 0 && !channel_from_name(word, &ignored))
			return false;
	return true;
}

static bool is_mail_address(span text)
{
	size_t at = span_find(text, '@');

	return text.len == 0 || (at > 0 && at + 1 < text.len && span_find(text, ' ') == text.len);
}

static bool is_redis(span text)
{
	struct redis_url u;

	return text.len == 0 || redis_url_parse(text, &u) == OK;
}

static const struct string_rule {
	enum setting setting;
	bool (*passes)(span text);
	const char *expected;
} string_rules[] = {
	{CONF_DATABASE, is_database, "`sqlite` or a postgresql:// URL"},
	{CONF_PUBLIC_URL, is_url, "an https:// URL without a slash at its end, or nothing"},
	{CONF_SERVER_NAME, is_name_list, "host names separated by spaces"},
	{CONF_HTTPS, is_some_address_list,
		"addresses with ports separated by spaces, such as 0.0.0.0:443 [::]:443"},
	{CONF_HTTP, is_address_list,
		"addresses with ports separated by spaces, such as 0.0.0.0:80 [::]:80, or nothing"},
	{CONF_PROXIES, is_network_list, "addresses or networks separated by spaces, or nothing"},
	{CONF_METRICS_ALLOW, is_network_list,
		"addresses or networks separated by spaces, or nothing"},
	{CONF_TLS_CERTIFICATE, is_path,
		"an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_TLS_KEY, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_NGINX, is_program, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_MODULE, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_GEOIP, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_STEP_UP_CHANNELS, is_channel_list,
		"stable, beta or dev separated by spaces, or nothing"},
	{CONF_NET_ALLOWED, is_network_list,
		"addresses or networks separated by spaces, or nothing"},
	{CONF_NET_CA_FILE, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_MAIL_SERVER, is_mail_server, "an smtp:// or smtps:// URL, or nothing"},
	{CONF_MAIL_PASSWORD, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_MAIL_CA, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_MAIL_FROM, is_mail_address, "a mail address, or nothing"},
	{CONF_REDIS_URL, is_redis,
		"redis://[USER[:PASSWORD]@]HOST[:PORT][/DB] or "
		"redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB], or nothing"},
	{CONF_REDIS_PASSWORD, is_path, "an absolute path without quotes, '\\', '$', ';' or braces"},
	{CONF_LOG_LEVEL, is_level, "debug, info, warn or error"},
};

/* NULL: any text without control characters. */
static const struct string_rule *find_string_rule(enum setting s)
{
	for (size_t i = 0; i < ARRAY_LEN(string_rules); i++)
		if (string_rules[i].setting == s)
			return &string_rules[i];
	return NULL;
}

static err check_string(enum setting s, span text, struct buf *expected)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f) {
			buf_add_str(expected, "text without control characters");
			return ERR_INVALID;
		}
	if (!span_is_utf8(text)) {
		buf_add_str(expected, "text in UTF-8");
		return ERR_INVALID;
	}
	const struct string_rule *rule = find_string_rule(s);
	if (rule == NULL || rule->passes(text))
		return OK;
	buf_add_str(expected, rule->expected);
	return ERR_INVALID;
}

static err parse_bool(span text, int64_t *ret)
{
	if (!span_is(text, "true") && !span_is(text, "false"))
		return ERR_INVALID;
	*ret = span_is(text, "true");
	return OK;
}

static const char size_units[] = "kmgt";

/* "512", "10k", "8g": binary multiples. */
static err parse_size(span text, int64_t *ret)
{
	const char *unit = text.len > 1 && text.ptr[text.len - 1] != '\0'
				   ? strchr(size_units, text.ptr[text.len - 1])
				   : NULL;
	unsigned shift = unit != NULL ? 10 * (unsigned)(unit - size_units + 1) : 0;
	uint64_t n;
	err e = span_to_u64(
		span_sub(text, 0, text.len - (unit != NULL)), (uint64_t)INT64_MAX >> shift, &n);

	if (e == OK)
		*ret = (int64_t)(n << shift);
	return e;
}

static void format_size(struct buf *out, int64_t n)
{
	size_t unit = 0;

	while (unit < strlen(size_units) && n > 0 && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	buf_add_i64(out, n);
	if (unit > 0)
		buf_add_byte(out, size_units[unit - 1]);
}

static void format_number(struct buf *out, enum setting_type type, int64_t n)
{
	if (type == DURATION)
		duration_format(out, n);
	else if (type == SIZE)
		format_size(out, n);
	else
		buf_add_i64(out, n);
}

void setting_expected(enum setting s, struct buf *out)
{
	const struct setting_row *row = &setting_table[s];
	static const char *const kinds[] = {[BOOL] = "true or false",
		[INT] = "a number",
		[SIZE] = "a size",
		[DURATION] = "a duration"};

	if (row->type == STRING) {
		const struct string_rule *rule = find_string_rule(s);
		buf_add_str(out, rule != NULL ? rule->expected : "text");
		return;
	}
	buf_add_str(out, kinds[row->type]);
	if (row->type == BOOL)
		return;
	if (row->most == INT64_MAX) {
		buf_add_str(out, " of at least ");
		format_number(out, row->type, row->least);
		return;
	}
	buf_add_str(out, " from ");
	format_number(out, row->type, row->least);
	buf_add_str(out, " to ");
	format_number(out, row->type, row->most);
}

err setting_check(enum setting s, span text, int64_t *ret_number, struct buf *expected)
{
	const struct setting_row *row = &setting_table[s];
	int64_t n = 0;
	err e = ERR_BUG;

	switch (row->type) {
	case STRING:
		*ret_number = 0;
		return check_string(s, text, expected);
	case BOOL:
		e = parse_bool(text, &n);
		break;
	case INT:
		e = span_to_i64(text, &n);
		break;
	case SIZE:
		e = parse_size(text, &n);
		break;
	case DURATION:
		e = duration_parse(text, &n);
		break;
	}
	if (e == OK && (row->type == BOOL || (n >= row->least && n <= row->most))) {
		*ret_number = n;
		return OK;
	}
	setting_expected(s, expected);
	return ERR_INVALID;
}
