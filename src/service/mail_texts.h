#ifndef SLIPWAY_SERVICE_MAIL_TEXTS_H
#define SLIPWAY_SERVICE_MAIL_TEXTS_H

/* What the mails say: plain text, short, in words a stranger to Slipway understands. Pure. */

#include "base/buf.h"

enum mail_kind {
	MAIL_INVITATION,
	MAIL_VERIFICATION,
	MAIL_PASSWORD_RESET,
	MAIL_NEW_PLACE,       /* somebody signed in from where they never did before */
	MAIL_FACTOR_CHANGED,  /* a second factor was added or removed */
	MAIL_ACCOUNT_CHANGED, /* password, address or API keys */
	MAIL_ACCOUNT_DISABLED,
	MAIL_TEST,
	MAIL_KINDS
};
const char *mail_kind_name(enum mail_kind k); /* "invitation" … */

struct mail_facts {
	span service; /* mail.name */
	span url;     /* public_url, or empty */
	/* An absolute URL that holds a ticket: invitation, verification, password reset. */
	span link;
	int64_t expires_at_us; /* of the link; 0: not said */
	int64_t at_us;         /* when it happened */
	span by;               /* who did it, or empty: who invites, who disabled */
	span what;   /* the factor, in words: "an authenticator app was added", or the change of the
			account */
	span place;  /* network or country, or empty */
	span device; /* browser and system, or empty */
};

/* Texts of facts come from outside: control characters in them become spaces. */
void mail_write(
	enum mail_kind k, const struct mail_facts *f, struct buf *subject, struct buf *text);

#endif
