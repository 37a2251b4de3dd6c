/* The text of browser sessions' cookies. */
#include "account/session.h"

#include "base/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#include "base/banned.h"

#define PREFIX        "slc_"
#define SESSION_CHARS 26
#define SECRET_BYTES  32
#define SECRET_CHARS  43

void session_cookie_make(span session, char ret[COOKIE_SIZE])
{
	uint8_t secret[SECRET_BYTES];
	struct buf text;

	random_bytes(secret, sizeof(secret));
	buf_init_fixed(&text, ret, COOKIE_SIZE);
	buf_add_str(&text, PREFIX);
	buf_add(&text, span_from_offset(session, session.len - SESSION_CHARS));
	buf_add_byte(&text, '_');
	base64url_encode(&text, span_of(secret, sizeof(secret)));
	wipe(secret, sizeof(secret));
}

err session_cookie_parse(span text, char ret_session[TYPEID_SIZE])
{
	struct buf session;

	if (text.len != COOKIE_SIZE - 1 || !span_starts_with(text, SPAN(PREFIX)) ||
		text.ptr[COOKIE_SIZE - 2 - SECRET_CHARS] != '_')
		return ERR_INVALID;
	buf_init_fixed(&session, ret_session, TYPEID_SIZE);
	buf_add_str(&session, "ses_");
	buf_add(&session, span_sub(text, sizeof(PREFIX) - 1, SESSION_CHARS));
	return buf_error(&session) || !typeid_is(buf_span(&session), "ses") ? ERR_INVALID : OK;
}
