/* Hard rule: a fact is one line, or part of one, whatever it holds. */
#include "service/mail_texts.h"

#include "base/time.h"

#include "base/banned.h"

#define FACT_MAX 500

static const char *const names[MAIL_KINDS] = {
	[MAIL_INVITATION] = "invitation",
	[MAIL_VERIFICATION] = "verification",
	[MAIL_PASSWORD_RESET] = "password_reset",
	[MAIL_NEW_PLACE] = "new_place",
	[MAIL_FACTOR_CHANGED] = "factor_changed",
	[MAIL_ACCOUNT_CHANGED] = "account_changed",
	[MAIL_ACCOUNT_DISABLED] = "account_disabled",
	[MAIL_TEST] = "test",
};

const char *mail_kind_name(enum mail_kind k)
{
	return names[k];
}

static void add(struct buf *out, span fact)
{
	fact = span_sub(fact, 0, FACT_MAX);
	for (size_t i = 0; i < fact.len; i++) {
		uint8_t c = (uint8_t)fact.ptr[i];

		buf_add_byte(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
}

static void line(struct buf *out, const char *before, span fact, const char *behind)
{
	if (!fact.len)
		return;
	buf_add_str(out, before);
	add(out, fact);
	buf_add_str(out, behind);
}

static void line_time(struct buf *out, const char *before, int64_t at_us)
{
	if (!at_us)
		return;
	buf_add_str(out, before);
	time_format(out, at_us / TIME_SECOND * TIME_SECOND);
	buf_add_byte(out, '\n');
}

static void write_link(struct buf *text, const struct mail_facts *f, const char *what)
{
	buf_addf(text, "%s\n\n", what);
	line(text, "  ", f->link, "\n\n");
	line_time(text, "The link works once, until ", f->expires_at_us);
}

static void write_circumstances(struct buf *text, const struct mail_facts *f)
{
	line_time(text, "  When:    ", f->at_us);
	line(text, "  Where:   ", f->place, "\n");
	line(text, "  Device:  ", f->device, "\n");
	line(text, "  By:      ", f->by, "\n");
}

static void write_alarm(struct buf *text, const struct mail_facts *f)
{
	buf_add_str(text,
		"\nIf this was you, there is nothing to do. If not, change your password and "
		"end your\nother sessions at once");
	line(text, ":\n\n  ", f->url, "/account\n");
	if (!f->url.len)
		buf_add_str(text, ".\n");
}

static void write_subject(enum mail_kind k, const struct mail_facts *f, struct buf *out)
{
	static const char *const before[MAIL_KINDS] = {
		[MAIL_INVITATION] = "You are invited to ",
		[MAIL_VERIFICATION] = "Confirm your e-mail address for ",
		[MAIL_PASSWORD_RESET] = "Reset your password for ",
		[MAIL_NEW_PLACE] = "New sign-in to ",
		[MAIL_FACTOR_CHANGED] = "Your second factor was changed: ",
		[MAIL_ACCOUNT_CHANGED] = "Your account was changed: ",
		[MAIL_ACCOUNT_DISABLED] = "Your account was disabled: ",
		[MAIL_TEST] = "A test from ",
	};

	buf_add_str(out, before[k]);
	add(out, f->service);
}

void mail_write(enum mail_kind k, const struct mail_facts *f, struct buf *subject, struct buf *text)
{
	write_subject(k, f, subject);
	switch (k) {
	case MAIL_INVITATION:
		line(text, "", f->by, " invites you to ");
		if (!f->by.len)
			buf_add_str(text, "You are invited to ");
		add(text, f->service);
		write_link(text, f, ".\n\nOpen this link to choose a password:");
		break;
	case MAIL_VERIFICATION:
		write_link(text, f, "Open this link to confirm that this is your e-mail address:");
		buf_add_str(text, "\nIf you did not ask for this, ignore it.\n");
		break;
	case MAIL_PASSWORD_RESET:
		write_link(text, f, "Open this link to choose a new password:");
		buf_add_str(text,
			"\nIf you did not ask for this, ignore it: your password stays as it "
			"is.\n");
		break;
	case MAIL_NEW_PLACE:
		buf_add_str(text, "Somebody signed in to your account from a new place.\n\n");
		write_circumstances(text, f);
		write_alarm(text, f);
		break;
	case MAIL_FACTOR_CHANGED:
		buf_add_str(text, "The second factor of your account was changed");
		line(text, ": ", f->what, "");
		buf_add_str(text, ".\n\n");
		write_circumstances(text, f);
		write_alarm(text, f);
		break;
	case MAIL_ACCOUNT_CHANGED:
		buf_add_str(text, "Your account was changed");
		line(text, ": ", f->what, "");
		buf_add_str(text, ".\n\n");
		write_circumstances(text, f);
		write_alarm(text, f);
		break;
	case MAIL_ACCOUNT_DISABLED:
		buf_add_str(text, "Your account was disabled. You are signed out everywhere.\n\n");
		write_circumstances(text, f);
		buf_add_str(text, "\nAsk your administrator when you think this is a mistake.\n");
		break;
	case MAIL_TEST:
		buf_add_str(text, "This server can send mail.\n");
		break;
	case MAIL_KINDS:
		break;
	}
	buf_add_str(text, "\n-- \n");
	add(text, f->service);
	buf_add_byte(text, '\n');
	line(text, "", f->url, "\n");
}
