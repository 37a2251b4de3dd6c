#ifndef SLIPWAY_SERVICE_SESSIONS_H
#define SLIPWAY_SERVICE_SESSIONS_H

/*
 * Sessions while they live: recognised by a browser's cookie, listed and ended by their owner or by
 * who administers accounts. Ending is in force on this node when the call returns, and on others as
 * soon as they have followed the feed.
 */

#include "account/session.h"
#include "service/issue_tokens.h"

/* How long unused sessions live, from the settings. */
struct session_idle session_idle(const struct service *s);

/*
 * Makes the caller the account of a browser's session. ERR_UNAUTHENTICATED "session_ended" for a
 * cookie that is none, or whose session has ended, expired or was idle for too long.
 */
err session_cookie_authenticate(struct task *t, span cookie) MUST_USE;

/*
 * Inside a db body: the holder of the session has just proved who they are; methods is what they
 * have shown altogether. A browser's session goes on with another cookie (t->new_cookie), so that
 * who has planted or seen the one before has no part in the proof. That one reads for another
 * REFRESH_RETRY_US, for requests that are under way, and changes nothing.
 */
err session_proved(
	struct db_tx *tx, struct task *t, const struct session *s, span methods) MUST_USE;

/* The caller's own, newest first, at most limit behind the id `after`; in t's arena. */
err sessions_own(
	struct task *t, span after, size_t limit, struct session **ret, size_t *ret_count) MUST_USE;
/* The one the caller's credentials belong to; API keys belong to none. */
err session_current(struct task *t, struct session *ret, bool *ret_found) MUST_USE;
/* ERR_NOT_FOUND when it is not one of the caller's. */
err session_end_own(struct task *t, span id) MUST_USE;
/* All of the caller's but the one of this request. */
err sessions_end_others(struct task *t) MUST_USE;
/* Signs the caller out; OK when the credentials belong to no session. */
err session_end_current(struct task *t) MUST_USE;

/* Of another account, by id or e-mail address; ERR_NOT_FOUND. */
err sessions_of(struct task *t, span account, span after, size_t limit, struct session **ret,
	size_t *ret_count) MUST_USE;
/* All sessions, access and device tokens of an account whose permissions the caller has. */
err sessions_end_of(struct task *t, span account) MUST_USE;

/*
 * Changes the caller's password: all sessions and tokens of the account end, and a new session like
 * the caller's is opened. ERR_DENIED "wrong_password", ERR_LIMIT after too many wrong ones,
 * ERR_INVALID says what is wrong with the new one. Only from a session.
 */
err password_change(
	struct task *t, span current, span new_password, struct issued_tokens *ret) MUST_USE;

#endif
