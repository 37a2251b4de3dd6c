#ifndef SLIPWAY_TESTS_UNIT_TOKEN_FIXTURE_H
#define SLIPWAY_TESTS_UNIT_TOKEN_FIXTURE_H

/* One key per kind of token, claims of each kind, and a verifier over the keys. */

#include "test.h"

#include "crypto/eckey.h"
#include "token/token.h"

#define NOW        INT64_C(1700000000)
#define DIGEST_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct fixture {
	struct eckey *keys[TOKEN_KINDS];
	struct token_verifier verifier;
};

static inline const struct eckey *fixture_lookup(void *ctx, enum token_kind kind, span kid)
{
	static const char *const kids[TOKEN_KINDS] = {"acc-1", "dev-1", "dl-1"};
	struct fixture *f = ctx;

	return span_is(kid, kids[kind]) ? f->keys[kind] : NULL;
}

static inline int fixture_setup(void **state)
{
	static struct fixture f;

	for (int kind = 0; kind < TOKEN_KINDS; kind++)
		if (eckey_generate(&f.keys[kind]))
			return -1;
	f.verifier = (struct token_verifier){.lookup = fixture_lookup,
		.ctx = &f,
		.issuer = SPAN("https://slipway.test"),
		.audience = SPAN("slipway")};
	*state = &f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	for (int kind = 0; kind < TOKEN_KINDS; kind++)
		eckey_free(f->keys[kind]);
	return 0;
}

static inline struct token_claims fixture_claims(enum token_kind kind)
{
	struct token_claims c = {.kind = kind,
		.iss = SPAN("https://slipway.test"),
		.aud = SPAN("slipway"),
		.sub = SPAN("acc_1"),
		.jti = SPAN("jti-1"),
		.iat = NOW,
		.exp = NOW + 600,
		.subject_epoch = 3,
		.global_epoch = 4};

	switch (kind) {
	case TOKEN_ACCESS:
		c.kid = SPAN("acc-1");
		c.client_id = SPAN("portal");
		c.role = SPAN("user");
		c.org = SPAN("org_1");
		c.session = SPAN("ses_1");
		c.device = SPAN("dev_1");
		c.licence = SPAN("lic_1");
		c.product = SPAN("prod_1");
		c.permissions = SPAN("self.read self.write");
		c.entitlements = SPAN("pro");
		break;
	case TOKEN_DEVICE:
		c.kid = SPAN("dev-1");
		c.sub = SPAN("dev_1");
		c.account = SPAN("acc_1");
		c.licence = SPAN("lic_1");
		c.product = SPAN("prod_1");
		c.org = SPAN("org_1");
		c.entitlements = SPAN("pro extra");
		break;
	default:
		c.kid = SPAN("dl-1");
		c.nbf = NOW - 5;
		c.download = SPAN("dl_1");
		c.epoch_subject = SPAN("dev_1");
		c.device = SPAN("dev_1");
		c.digest = SPAN(DIGEST_HEX);
		c.package = SPAN("pkg_1");
		c.release = SPAN("rel_1");
		c.filename = SPAN("openvpn_2.6.3-1+deb12u2_amd64.deb");
		c.uri = SPAN("regex:^https?://[^/]+/d/[^/]+/x$");
		c.ip_prefix = SPAN("192.0.2.0/24");
		c.rate_class = SPAN("slow");
		c.edge = SPAN("edg_1");
	}
	return c;
}

/* The signed token for c, with the key of its kind. */
static inline span fixture_sign(struct fixture *f, const struct token_claims *c, struct buf *out)
{
	buf_clear(out);
	assert_ok(token_sign(c, f->keys[c->kind], out));
	return buf_span(out);
}

#endif
