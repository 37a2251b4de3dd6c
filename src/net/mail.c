/*
 * Hard rule: credentials and messages leave this machine only over a connection whose certificate
 * was verified.
 */
#include "net/mail.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "net/networks.h"

#include "base/banned.h"

#define CONNECT_TIMEOUT_MS 10000L
#define URL_MAX            512

struct sending {
	span message;
	size_t sent;
	bool only_loopback, refused;
};

static bool has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK && *text;

	curl_free(text);
	return has;
}

const char *mail_url_problem(const char *url)
{
	span s = span_from(url);
	const char *problem = NULL;
	char *path = NULL;
	CURLU *u;

	if (!span_starts_with(s, SPAN("smtp://")) && !span_starts_with(s, SPAN("smtps://")))
		return "must begin with smtp:// or smtps://";
	if (s.len > URL_MAX)
		return "is too long";
	u = curl_url();
	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		!has_part(u, CURLUPART_HOST))
		problem = "is not a URL";
	else if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		problem = "must not hold a user name or password";
	else if (has_part(u, CURLUPART_QUERY) || has_part(u, CURLUPART_FRAGMENT) ||
		 (curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK && strlen(path) > 1))
		problem = "must end with the host or the port";
	curl_free(path);
	curl_url_cleanup(u);
	return problem;
}

/* By name; that it is one is seen again when the connection is made. */
static bool is_loopback_name(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool is = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		  curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		  (span_is(span_from(host), "localhost") || span_is(span_from(host), "[::1]") ||
			  span_starts_with(span_from(host), SPAN("127.")));

	curl_free(host);
	curl_url_cleanup(u);
	return is;
}

static size_t on_read(char *ret, size_t size, size_t count, void *ctx)
{
	struct sending *s = ctx;
	span rest = span_sub(s->message, s->sent, size * count);

	if (rest.len)
		memcpy(ret, rest.ptr, rest.len);
	s->sent += rest.len;
	return rest.len;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct sending *s = ctx;

	if (purpose == CURLSOCKTYPE_IPCXN && s->only_loopback &&
		!address_is_loopback(&address->addr)) {
		s->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t drop(char *text UNUSED, size_t size, size_t count, void *ctx UNUSED)
{
	return size * count;
}

static CURL *open_connection(
	const struct mail_server *s, struct sending *sending, char words[CURL_ERROR_SIZE])
{
	CURL *c = curl_easy_init();

	if (!c)
		return NULL;
	sending->only_loopback =
		is_loopback_name(s->url) && span_starts_with(span_from(s->url), SPAN("smtp://"));
	curl_easy_setopt(c, CURLOPT_URL, s->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USE_SSL,
		(long)(sending->only_loopback ? CURLUSESSL_TRY : CURLUSESSL_ALL));
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(s->timeout_us / TIME_MS));
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, sending);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	if (s->ca_file && *s->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
	if (s->user && *s->user) {
		curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, s->password ? s->password : "");
	}
	return c;
}

static void explain(struct mail_outcome *o, const char *why, const char *more)
{
	struct buf out;

	buf_init_fixed(&out, o->detail, sizeof(o->detail));
	buf_add_str(&out, why);
	if (*more) {
		buf_add_str(&out, ": ");
		buf_add(&out, span_sub(span_from(more), 0, sizeof(o->detail) - buf_len(&out) - 1));
	}
}

/*
 * Only what is said of the recipient or of the message ends it. A refused sender, a sign-in that is
 * asked for, a command that is not known are mistakes in our settings: mail waits until they are
 * mended.
 */
static bool is_permanent(long status, const char *words)
{
	return status >= 550 && status < 560 &&
	       !span_starts_with(span_from(words), SPAN("MAIL failed"));
}

static err judge(CURL *c, CURLcode code, const struct sending *s, const char *words,
	struct mail_outcome *ret)
{
	long status = 0;

	*ret = (struct mail_outcome){0};
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	if (code == CURLE_OK)
		return OK;
	if (!*words)
		words = curl_easy_strerror(code);
	if (s->refused) {
		explain(ret, "A name of the loopback leads elsewhere", "");
		return ERR_DENIED;
	}
	switch (code) {
	case CURLE_USE_SSL_FAILED:
		explain(ret, "The server offers no STARTTLS, which is required", "");
		return ERR_UNAVAILABLE;
	case CURLE_LOGIN_DENIED:
		explain(ret, "The server refuses the sign-in (mail.user, mail.password_file)",
			words);
		return ERR_DENIED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		explain(ret, "The server's certificate is not trusted (mail.ca_file)", words);
		return ERR_UNAVAILABLE;
	case CURLE_OPERATION_TIMEDOUT:
		explain(ret, "The server does not answer in time", words);
		return ERR_UNAVAILABLE;
	case CURLE_SEND_ERROR: /* what libcurl makes of a refused sender, recipient or message */
	case CURLE_RECV_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		ret->permanent = is_permanent(status, words);
		explain(ret,
			ret->permanent ? "The server refuses the message"
				       : "The server does not take the message now",
			words);
		return ret->permanent ? ERR_DENIED : ERR_UNAVAILABLE;
	default:
		explain(ret, "The server cannot be reached", words);
		return ERR_UNAVAILABLE;
	}
}

static err bad_settings(struct mail_outcome *ret, const char *what, const char *problem)
{
	*ret = (struct mail_outcome){0};
	explain(ret, what, problem);
	return ERR_INVALID;
}

err mail_send(
	const struct mail_server *s, span from, span to, span message, struct mail_outcome *ret)
{
	const char *problem = mail_url_problem(s->url);
	char words[CURL_ERROR_SIZE] = "", sender[MAIL_ADDRESS_MAX + 3],
	     recipient[MAIL_ADDRESS_MAX + 3];
	struct sending sending = {.message = message};
	struct curl_slist *recipients;
	struct buf text;
	CURL *c;

	if (problem)
		return bad_settings(ret, "mail.server", problem);
	if (!mail_address_is_valid(from) || !mail_address_is_valid(to)) {
		err e = bad_settings(ret, "Not a mail address", "");

		ret->permanent = true;
		return e;
	}
	buf_init_fixed(&text, sender, sizeof(sender));
	buf_addf(&text, "<%.*s>", SPAN_ARG(from));
	buf_init_fixed(&text, recipient, sizeof(recipient));
	buf_addf(&text, "<%.*s>", SPAN_ARG(to));
	c = open_connection(s, &sending, words);
	recipients = curl_slist_append(NULL, recipient);
	if (!c || !recipients) {
		curl_easy_cleanup(c);
		curl_slist_free_all(recipients);
		return ERR_NOMEM;
	}
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, sender);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(c, CURLOPT_READDATA, &sending);
	CURLcode code = curl_easy_perform(c);
	err e = judge(c, code, &sending, words, ret);

	curl_slist_free_all(recipients);
	curl_easy_cleanup(c);
	return e;
}

err mail_probe(const struct mail_server *s, struct mail_outcome *ret)
{
	const char *problem = mail_url_problem(s->url);
	char words[CURL_ERROR_SIZE] = "";
	struct sending sending = {0};
	CURL *c;

	if (problem)
		return bad_settings(ret, "mail.server", problem);
	c = open_connection(s, &sending, words);
	if (!c)
		return ERR_NOMEM;
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "NOOP");
	CURLcode code = curl_easy_perform(c);
	err e = judge(c, code, &sending, words, ret);

	curl_easy_cleanup(c);
	return e;
}
