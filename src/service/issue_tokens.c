/* Hard rule: what a token says was read from the database in the transaction it belongs to. */
#include "service/issue_tokens.h"

#include "base/encode.h"
#include "base/time.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "keyring/keyring.h"
#include "service/audit.h"
#include "service/roles.h"
#include "state/records.h"

#include "base/banned.h"

/* What a device may do, whoever its licence belongs to: nothing that tells of its owner. */
#define DEVICE_PERMISSIONS "product.read download.request"

void refresh_key(const struct service *s, uint8_t ret[REFRESH_KEY_SIZE])
{
	keyring_derive(s->keys, "refresh-token", ret);
}

span scoped_permissions(struct arena *a, span list, span scope)
{
	return scope.len ? permissions_common(a, list, scope) : list;
}

void token_subject_set_account(struct token_subject *s, const struct account *account)
{
	s->account = account->id;
	s->role = account->role;
	s->org = account->org;
	s->permissions = account->permissions;
	s->account_epoch = account->epoch;
}

static span refresh_text(struct task *t, span session, int64_t generation)
{
	char memory[REFRESH_TOKEN_MAX + 1];
	uint8_t key[REFRESH_KEY_SIZE];
	struct buf text;

	buf_init_fixed(&text, memory, sizeof(memory));
	refresh_key(t->service, key);
	refresh_token_format(&text, session, generation, key);
	wipe(key, sizeof(key));
	return arena_span(t->arena, buf_span(&text));
}

span csrf_token(struct task *t, span session)
{
	uint8_t key[32], tag[SHA256_SIZE];
	char memory[64];
	struct buf text;

	keyring_derive(t->service->keys, "csrf", key);
	hmac_sha256(span_of(key, sizeof(key)), session, tag);
	wipe(key, sizeof(key));
	buf_init_fixed(&text, memory, sizeof(memory));
	base64url_encode(&text, span_of(tag, sizeof(tag)));
	return arena_span(t->arena, buf_span(&text));
}

static span new_cookie(struct task *t, span session)
{
	char text[COOKIE_SIZE];

	session_cookie_make(session, text);
	return span_from(arena_strdup(t->arena, text));
}

err session_begin(
	struct db_tx *tx, struct task *t, struct token_subject *s, const struct proof *proof)
{
	const struct conf *conf = t->service->conf;
	char id[TYPEID_SIZE];
	struct session row;

	random_id("ses", t->now_us, id);
	s->session = span_from(arena_strdup(t->arena, id));
	s->generation = 1;
	s->session_ends_us =
		t->now_us + conf_int(conf, proof->cookie ? CONF_COOKIE_TTL : CONF_REFRESH_TTL);
	s->cookie = proof->cookie ? new_cookie(t, s->session) : SPAN_EMPTY;
	row = (struct session){.id = s->session,
		.account = s->account,
		.device = s->device,
		.client_id = s->client_id,
		.ip_prefix = address_prefix(t->arena, t->caller->address),
		.cookie = proof->cookie,
		.methods = proof->methods,
		.user_agent = t->caller->user_agent,
		.scope = proof->scope,
		.provider = proof->provider,
		.provider_session = proof->provider_session,
		.created_at_us = t->now_us,
		.expires_at_us = s->session_ends_us};
	sha256(proof->cookie ? s->cookie : refresh_text(t, s->session, 1), row.token_hash);
	return session_insert(tx, &row);
}

err token_global_epoch(struct task *t, uint64_t *ret)
{
	char memory[STATE_KEY_MAX + 1];
	struct state_view view;
	struct buf key;
	span value;
	err e = state_begin(t->service->state, &view);

	if (e)
		return e;
	*ret = 0;
	buf_init_fixed(&key, memory, sizeof(memory));
	state_key_global_epoch(&key);
	if (state_find(&view, buf_span(&key), &value))
		e = state_unpack_u64(value, ret);
	state_end(&view);
	return e;
}

/* The first words of list, as many as a token takes. */
static span words_that_fit(span list)
{
	size_t words = 0;

	for (size_t i = 0; i < list.len; i++)
		if (list.ptr[i] == ' ' && ++words == TOKEN_MAX_LIST)
			return span_sub(list, 0, i);
	return list;
}

static err sign_for(struct task *t, struct token_claims *c, int64_t life_s, span *ret)
{
	AUTO(buf) text = {0};

	c->iss = c->aud = span_from(t->service->issuer);
	c->iat = t->now_us / TIME_SECOND;
	c->exp = c->iat + life_s;
	buf_init(&text, TOKEN_MAX_BYTES);
	err e = keyring_sign(t->service->keys, c, &text);

	if (!e)
		e = buf_error(&text);
	if (!e)
		*ret = arena_span(t->arena, buf_span(&text));
	return e;
}

/* until_us: the token ends then at the latest; 0: no such limit. */
static err sign(
	struct task *t, struct token_claims *c, enum setting life, int64_t until_us, span *ret)
{
	int64_t life_s = conf_int(t->service->conf, life) / TIME_SECOND;
	char jti[TYPEID_SIZE];

	random_id("jti", t->now_us, jti);
	c->jti = span_from(jti);
	if (until_us)
		life_s = MIN(life_s, until_us / TIME_SECOND - t->now_us / TIME_SECOND);
	return sign_for(t, c, life_s, ret);
}

static err sign_access(struct task *t, const struct token_subject *s, uint64_t global, span *ret)
{
	struct token_claims c = {.kind = TOKEN_ACCESS,
		.sub = s->account,
		.client_id = s->client_id,
		.role = s->role,
		.org = s->org,
		.session = s->session,
		.account = s->account,
		.device = s->device,
		.licence = s->licence,
		.product = s->licence.len ? s->product : SPAN_EMPTY,
		.permissions = s->device.len ? SPAN(DEVICE_PERMISSIONS) : s->permissions,
		.entitlements = words_that_fit(s->entitlements),
		.subject_epoch = s->account_epoch,
		.global_epoch = global};

	return sign(t, &c, CONF_ACCESS_TTL, 0, ret);
}

static err sign_device(struct task *t, const struct token_subject *s, uint64_t global, span *ret)
{
	struct token_claims c = {.kind = TOKEN_DEVICE,
		.sub = s->device,
		.org = s->org,
		.account = s->account,
		.device = s->device,
		.licence = s->licence,
		.product = s->licence.len ? s->product : SPAN_EMPTY,
		.entitlements = words_that_fit(s->entitlements),
		.subject_epoch = s->device_epoch,
		.global_epoch = global};

	return sign(t, &c, CONF_DEVICE_TTL, s->licence.len ? s->licence_expires_at_us : 0, ret);
}

err issue_tokens(struct task *t, const struct token_subject *s, struct issued_tokens *ret)
{
	struct issued_tokens out = {.session = s->session,
		.expires_in_s = conf_int(t->service->conf, CONF_ACCESS_TTL) / TIME_SECOND};
	uint64_t global;
	err e;

	if (s->cookie.len) {
		*ret = (struct issued_tokens){.session = s->session,
			.cookie = s->cookie,
			.csrf_token = csrf_token(t, s->session),
			.ends_at_us = s->session_ends_us};
		return OK;
	}
	e = token_global_epoch(t, &global);
	if (!e)
		e = sign_access(t, s, global, &out.access_token);
	if (!e && s->device.len)
		e = sign_device(t, s, global, &out.device_token);
	if (e)
		return e;
	out.refresh_token = refresh_text(t, s->session, s->generation);
	*ret = out;
	return OK;
}

err issue_workload_token(struct task *t, const struct workload_token *w, span *ret)
{
	struct token_claims c = {.kind = TOKEN_ACCESS,
		.sub = w->workload,
		.jti = w->jti,
		.client_id = w->workload,
		.role = SPAN("workload"),
		.permissions = w->permissions,
		.subject_epoch = w->epoch};
	err e = token_global_epoch(t, &c.global_epoch);

	return e ? e : sign_for(t, &c, w->lifetime_s, ret);
}
