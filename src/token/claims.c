/*
 * What stands in a token. Registered names where there are any (RFC 7519, 8693, 9068, 9246), short
 * ones for the rest: a download token travels in URLs.
 */
#include "token/claims.h"

#include <stddef.h>

#include "base/banned.h"

#define A   (1 << TOKEN_ACCESS)
#define D   (1 << TOKEN_DEVICE)
#define L   (1 << TOKEN_DOWNLOAD)
#define ALL (A | D | L)

#define ROW(name, type, kinds, required, field)                                                    \
	{                                                                                          \
		SPAN_INIT(name), type, kinds, required, offsetof(struct token_claims, field)       \
	}

/* clang-format off */
const struct claim token_claim_table[TOKEN_CLAIM_COUNT] = {
	/*  name         type          kinds  required  field */
	ROW("iss",       CLAIM_TEXT,   ALL,   ALL,      iss),
	ROW("sub",       CLAIM_TEXT,   ALL,   ALL,      sub),
	ROW("aud",       CLAIM_TEXT,   ALL,   ALL,      aud),
	ROW("jti",       CLAIM_TEXT,   ALL,   ALL,      jti),
	ROW("iat",       CLAIM_TIME,   ALL,   ALL,      iat),
	ROW("nbf",       CLAIM_TIME,   ALL,   0,        nbf),
	ROW("exp",       CLAIM_TIME,   ALL,   ALL,      exp),
	ROW("client_id", CLAIM_TEXT,   A,     A,        client_id),
	ROW("role",      CLAIM_TEXT,   A,     A,        role),
	ROW("scope",     CLAIM_LIST,   A,     0,        permissions),
	ROW("sid",       CLAIM_TEXT,   A,     0,        session),
	ROW("acc",       CLAIM_TEXT,   D,     0,        account),
	ROW("org",       CLAIM_TEXT,   A | D, 0,        org),
	ROW("dev",       CLAIM_TEXT,   A | L, 0,        device),
	ROW("lic",       CLAIM_TEXT,   A | D, 0,        licence),
	ROW("prd",       CLAIM_TEXT,   A | D, 0,        product),
	ROW("ent",       CLAIM_LIST,   A | D, 0,        entitlements),
	ROW("ep",        CLAIM_NUMBER, ALL,   0,        subject_epoch),
	ROW("gep",       CLAIM_NUMBER, ALL,   0,        global_epoch),
	ROW("dl",        CLAIM_TEXT,   L,     L,        download),
	ROW("eps",       CLAIM_TEXT,   L,     0,        epoch_subject),
	ROW("dig",       CLAIM_TEXT,   L,     0,        digest),
	ROW("rel",       CLAIM_TEXT,   L,     0,        release),
	ROW("pkg",       CLAIM_TEXT,   L,     0,        package),
	ROW("fn",        CLAIM_TEXT,   L,     0,        filename),
	ROW("cdniuc",    CLAIM_TEXT,   L,     L,        uri),
	ROW("cdniip",    CLAIM_TEXT,   L,     0,        ip_prefix),
	ROW("rc",        CLAIM_TEXT,   L,     0,        rate_class),
	ROW("edge",      CLAIM_TEXT,   L,     0,        edge),
};
/* clang-format on */

span *claim_text(struct token_claims *c, const struct claim *row)
{
	return (span *)((char *)c + row->offset);
}

int64_t *claim_time(struct token_claims *c, const struct claim *row)
{
	return (int64_t *)((char *)c + row->offset);
}

uint64_t *claim_number(struct token_claims *c, const struct claim *row)
{
	return (uint64_t *)((char *)c + row->offset);
}

bool claim_is_plain(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] > '~' || text.ptr[i] == '"' ||
			text.ptr[i] == '\\')
			return false;
	return true;
}

bool claim_is_list(span text)
{
	size_t words = 0;
	span word;

	while (span_cut(&text, ' ', &word))
		if (word.len == 0 || ++words > TOKEN_MAX_LIST)
			return false;
	return true;
}

bool claim_is_kid(span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '-' || c == '_' || c == '.'))
			return false;
	}
	return text.len > 0 && text.len <= TOKEN_KID_MAX;
}

static bool is_digest(span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') ||
			    (text.ptr[i] >= 'a' && text.ptr[i] <= 'f')))
			return false;
	return text.len == 64;
}

bool claims_are_consistent(const struct token_claims *c)
{
	if (c->exp <= c->iat)
		return false;
	if (c->kind != TOKEN_DOWNLOAD)
		return true;
	/* One file, by its digest and under one name, or the files of one release. */
	if (c->digest.len)
		return is_digest(c->digest) && c->filename.len;
	return c->release.len && !c->filename.len;
}
