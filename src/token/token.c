/*
 * What is said of tokens without reading one: names, times, lists, the URL container.
 */
#include "token/token.h"

#include <assert.h>

#include "base/encode.h"

#include "base/banned.h"

const char *token_verdict_name(enum token_verdict v)
{
	static const char *const names[TOKEN_VERDICTS] = {
		[TOKEN_OK] = "ok",
		[TOKEN_MALFORMED] = "malformed",
		[TOKEN_WRONG_KIND] = "wrong_kind",
		[TOKEN_UNKNOWN_KEY] = "unknown_key",
		[TOKEN_BAD_SIGNATURE] = "bad_signature",
		[TOKEN_WRONG_AUDIENCE] = "wrong_audience",
		[TOKEN_NOT_YET_VALID] = "not_yet_valid",
		[TOKEN_EXPIRED] = "expired",
	};

	return (unsigned)v < TOKEN_VERDICTS ? names[v] : "malformed";
}

const char *token_kind_typ(enum token_kind kind)
{
	static const char *const types[TOKEN_KINDS] = {
		[TOKEN_ACCESS] = "at+jwt", /* RFC 9068 section 2.1 */
		[TOKEN_DEVICE] = "slipway-device+jwt",
		[TOKEN_DOWNLOAD] = "slipway-dl+jwt",
	};

	assert((unsigned)kind < TOKEN_KINDS);
	return types[kind];
}

enum token_verdict token_check_time(const struct token_claims *c, int64_t now_s)
{
	if (now_s >= c->exp + TOKEN_LEEWAY_S)
		return TOKEN_EXPIRED;
	if (now_s < MAX(c->nbf, c->iat) - TOKEN_LEEWAY_S)
		return TOKEN_NOT_YET_VALID;
	return TOKEN_OK;
}

/* One character of a file name as POSIX extended regular expression, without any backslash. */
static void add_literal(struct buf *out, char c)
{
	/* May stand in a path as they are (RFC 3986 section 3.3), or encoded. */
	static const span either_way = SPAN_INIT("!$&'()*+,;=:@");

	if (c == '.')
		buf_add(out, SPAN("[.]"));
	else if (span_find(either_way, c) < either_way.len)
		buf_addf(out, "([%c]|%%%02X)", c, (unsigned)c);
	else
		percent_encode(out, span_of(&c, 1));
}

void token_download_uri(struct buf *out, span filename)
{
	buf_add(out, SPAN("regex:^https?://[^/]+/d/[^/]+/"));
	for (size_t i = 0; i < filename.len; i++)
		add_literal(out, filename.ptr[i]);
	if (filename.len == 0)
		buf_add(out, SPAN("[^/?]+"));
	buf_add(out, SPAN("([?].*)?$"));
}

bool token_list_has(span list, span word)
{
	span item;

	while (span_cut(&list, ' ', &item))
		if (item.len && span_eq(item, word))
			return true;
	return false;
}
