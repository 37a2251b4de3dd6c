#ifndef SLIPWAY_CLI_CREDENTIALS_H
#define SLIPWAY_CLI_CREDENTIALS_H

/*
 * What `slipway login` leaves behind: credentials.json in $XDG_CONFIG_HOME/slipway (or
 * ~/.config/slipway), mode 0600, replaced atomically. Who changes it holds the lock from reading
 * to writing, so that of several runs only one trades in a refresh token:
 *
 *     credentials_lock(); credentials_load(); …refresh…; credentials_save(); credentials_unlock();
 */

#include "base/arena.h"

/* One sign-in. Strings in the arena they were loaded into. */
struct credentials {
	const char *server;
	const char *ca_file; /* absolute, or NULL */
	const char *email;
	const char *access_token, *refresh_token;
	int64_t access_expires_us;
};

/* The folder, made (0700) if it is not there. ERR_INVALID when there is no home. In arena a. */
err credentials_folder(struct arena *a, const char **ret) MUST_USE;

/* Waits for other runs. *ret_lock is for credentials_unlock. */
err credentials_lock(struct arena *a, int *ret_lock) MUST_USE;
void credentials_unlock(int lock);

/*
 * The sign-in at a server; server NULL: at the one signed in to last. ERR_NOT_FOUND when there is
 * none, ERR_CORRUPT when the file is damaged.
 */
err credentials_load(struct arena *a, const char *server, struct credentials *ret) MUST_USE;
/* Adds or replaces, and makes this server the last one. The lock must be held. */
err credentials_save(struct arena *a, const struct credentials *c) MUST_USE;
/* Forgets a sign-in. The lock must be held. */
err credentials_remove(struct arena *a, const char *server) MUST_USE;

#endif
