#ifndef SLIPWAY_API_BROWSER_H
#define SLIPWAY_API_BROWSER_H

/*
 * Requests of browsers: who they are by cookie, and whether a change was asked for by our own
 * pages. A cookie goes along with whatever any page in the world sends here, so it counts for a
 * change only with two proofs (security by Fetch Metadata, and a token bound to the session).
 */

#include "api/exchange.h"

/*
 * Identifies the caller by cookie; used only when there is no Authorization. Where a route needs no
 * identity, a cookie that does not count makes an anonymous caller; elsewhere ERR_UNAUTHENTICATED
 * "session_ended" or ERR_DENIED "csrf".
 */
err browser_identify(struct exchange *x) MUST_USE;

/*
 * True when the browser says that a page of this server sent the request: Sec-Fetch-Site, or where
 * a browser has none, Origin. False for programs that send neither.
 */
bool request_is_same_origin(struct request *rq);

/* The cookie that the caller's session goes on with, if it got another one (task.new_cookie). */
void browser_give_cookie(struct request *rq);

/* Sets and takes away the session cookie; the latter also empties what the browser has stored. */
void answer_session_cookie(struct request *rq, span cookie, int64_t seconds);
void answer_no_session_cookie(struct request *rq);

#endif
