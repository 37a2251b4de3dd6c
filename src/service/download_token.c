/*
 * Download tokens. Hard rule: a token opens what was decided on and names who can take it back: the
 * device or the account whose epoch it bears.
 */
#include "service/download_token.h"

#include "base/encode.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/issue_tokens.h"

#include "base/banned.h"

#define PSEUDONYM_BYTES 16

/*
 * Whom the data plane counts simultaneous downloads by, without knowing who it is: the device, the
 * account, or for nobody the address.
 */
static void pseudonym(struct task *t, const struct download *d, struct buf *out)
{
	span who = d->device_id.len ? d->device_id : d->account_id;
	uint8_t digest[SHA256_SIZE];

	if (who.len == 0)
		who = t->caller->address.len ? address_network(t->arena, t->caller->address)
					     : d->id;
	keyring_derive(t->service->keys,
		arena_printf(t->arena, "download-subject:%.*s", SPAN_ARG(who)), digest);
	hex_encode(out, span_of(digest, PSEUDONYM_BYTES));
}

static void write_url(struct buf *out, span base_url, span token, span filename)
{
	buf_add(out, base_url);
	buf_add(out, SPAN("/d/"));
	buf_add(out, token);
	buf_add_byte(out, '/');
	percent_encode(out, filename);
}

int64_t download_token_end(const struct task *t)
{
	int64_t end = t->now_us + conf_int(t->service->conf, CONF_DOWNLOAD_TTL);

	return end - end % TIME_SECOND; /* what the token can say */
}

err download_token_sign(struct task *t, const struct download *d, const struct access_verdict *v,
	const struct access_object *files, size_t files_count, span base_url,
	struct download_grant *ret)
{
	char jti[DOWNLOAD_JTI_SIZE], subject_text[2 * PSEUDONYM_BYTES + 1], uri_text[512];
	struct buf subject, uri;
	AUTO(buf) token = {0};
	AUTO(buf) url = {0};
	bool one = d->package_id.len > 0;
	uint64_t epoch = 0;
	err e = token_global_epoch(t, &epoch);

	if (e)
		return e;
	download_jti(d->id, d->renewals, jti);
	buf_init_fixed(&subject, subject_text, sizeof(subject_text));
	pseudonym(t, d, &subject);
	buf_init_fixed(&uri, uri_text, sizeof(uri_text));
	token_download_uri(&uri, d->filename);
	struct token_claims c = {.kind = TOKEN_DOWNLOAD,
		.iss = span_from(t->service->issuer),
		.sub = buf_span(&subject),
		.aud = span_from(t->service->pool),
		.jti = span_from(jti),
		.iat = t->now_us / TIME_SECOND,
		.exp = d->expires_at_us / TIME_SECOND,
		.device = d->device_id,
		.epoch_subject = d->device_id.len ? d->device_id : d->account_id,
		.subject_epoch = d->device_id.len ? v->device.epoch : v->account_epoch,
		.global_epoch = epoch,
		.download = d->id,
		.digest = one ? files[0].package.sha256 : SPAN_EMPTY,
		.package = d->package_id,
		.release = one ? SPAN_EMPTY : d->release_id,
		.filename = d->filename,
		.uri = buf_span(&uri)};

	buf_init(&token, TOKEN_MAX_BYTES);
	buf_init(&url, 8192);
	e = buf_error(&uri) ? buf_error(&uri) : keyring_sign(t->service->keys, &c, &token);
	if (e)
		return e;
	write_url(&url, base_url, buf_span(&token), d->filename);
	if (buf_error(&url))
		return buf_error(&url);
	*ret = (struct download_grant){.download = *d,
		.token = arena_span(t->arena, buf_span(&token)),
		.url = arena_span(t->arena, buf_span(&url)),
		.sha256 = c.digest,
		.files = files,
		.files_count = files_count};
	return OK;
}
