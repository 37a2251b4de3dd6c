/*
 * Whether mail can be sent: a conversation with the server up to the sign-in, without a message.
 */
#include "cli/doctor.h"

#include "conf/conf.h"
#include "crypto/secret.h"
#include "net/mail.h"
#include "sys/files.h"

#include "base/banned.h"

#define PASSWORD_MAX 1024

static void probe(struct checkup *c, const struct conf *conf, const char *password)
{
	struct mail_server server = {.url = conf_str(conf, CONF_MAIL_SERVER),
		.user = conf_str(conf, CONF_MAIL_USER),
		.password = password,
		.ca_file = conf_str(conf, CONF_MAIL_CA),
		.timeout_us = conf_int(conf, CONF_MAIL_TIMEOUT)};
	struct mail_outcome outcome;

	if (mail_probe(&server, &outcome) == OK)
		checkup_add(c, "mail", FINDING_OK, NULL, "%s answers%s", server.url,
			*server.user ? " and accepts the sign-in" : "");
	else
		checkup_add(c, "mail", FINDING_PROBLEM,
			"see the settings mail.*; then `slipway mail test ADDRESS`", "%s: %s",
			server.url, outcome.detail);
}

void checkup_mail(struct checkup *c, const struct conf *conf)
{
	const char *file = conf_str(conf, CONF_MAIL_PASSWORD);
	span from = span_from(conf_str(conf, CONF_MAIL_FROM));
	struct buf password;
	bool wide = false;
	err e = OK;

	if (!*conf_str(conf, CONF_MAIL_SERVER)) {
		checkup_add(c, "mail", FINDING_WARNING, "set mail.server and mail.from",
			"no mail is sent: no invitations, no password resets");
		return;
	}
	if (!mail_address_is_valid(from)) {
		checkup_add(c, "mail", FINDING_PROBLEM, "set mail.from to an address of yours",
			"mail.from is no mail address");
		return;
	}
	buf_init(&password, PASSWORD_MAX);
	if (*file)
		e = secret_file_read(file, &password, &wide);
	if (e)
		checkup_add(c, "mail", FINDING_PROBLEM, "see mail.password_file",
			"%s cannot be read: %s", file, err_title(e));
	else
		probe(c, conf, buf_str(&password));
	if (wide)
		checkup_add(c, "mail", FINDING_WARNING, "chmod 600", "%s is open to others", file);
	buf_wipe(&password);
}
