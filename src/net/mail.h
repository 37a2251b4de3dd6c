#ifndef SLIPWAY_NET_MAIL_H
#define SLIPWAY_NET_MAIL_H

/*
 * Sends mail through one SMTP server (RFC 5321) over libcurl. TLS is required: from the first byte
 * (smtps://) or by STARTTLS (smtp://), the certificate verified; only a server on the loopback may
 * be spoken to in the clear.
 */

#include "net/mail_message.h"

struct mail_server {
	const char *url;             /* "smtp://mail.example.com:587", "smtps://mail.example.com" */
	const char *user, *password; /* NULL or "": none */
	const char *ca_file; /* PEM, instead of the system's authorities; NULL or "": those */
	int64_t timeout_us;  /* of the whole conversation */
};

#define MAIL_DETAIL_SIZE 256

struct mail_outcome {
	int status;     /* the server's last reply code; 0: there was none */
	bool permanent; /* the server refused this message; trying again is of no use */
	char detail[MAIL_DETAIL_SIZE]; /* why it failed, for people; no secrets */
};

/*
 * Hands a built message over. OK: the server has taken responsibility for it. ERR_DENIED: it
 * refused the sign-in or the message; ERR_UNAVAILABLE: anything else; ERR_INVALID for a URL or an
 * address that is none. Any thread.
 */
err mail_send(const struct mail_server *s, span from, span to, span message,
	struct mail_outcome *ret) MUST_USE;
/* The same conversation up to the sign-in, without a message. */
err mail_probe(const struct mail_server *s, struct mail_outcome *ret) MUST_USE;

/* Whether url has the form mail_server.url must have; NULL, or what is wrong. */
const char *mail_url_problem(const char *url);

#endif
