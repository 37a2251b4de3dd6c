#ifndef SLIPWAY_CLIENT_DEVICE_H
#define SLIPWAY_CLIENT_DEVICE_H

/*
 * Who this installation is to the server: a random fingerprint and a cohort, drawn once, and the
 * credentials of a device where a licence was activated. They live in STATE/state.json (0600),
 * which is replaced atomically, under STATE/lock from reading to writing: runs side by side never
 * use the same refresh token, and a crash between the server's answer and the write costs nothing
 * (the server repeats its answer for a few seconds, and the licence key activates again).
 */

#include "client.h"

struct device {
	const char *id;
	const char *token; /* device token: for checks */
	const char *access_token, *refresh_token;
	int64_t access_expires_us;
};

/*
 * The device of this server and product; activates it when a licence key is set that it was not
 * activated with. ERR_NOT_FOUND, without words, when there is none and no key.
 */
err device_get(struct slipway *s, struct device *ret) MUST_USE;
/*
 * Fresh credentials in place of `old`: those another run has got meanwhile, else by its refresh
 * token, else by activating again.
 */
err device_renew(struct slipway *s, const struct device *old, struct device *ret) MUST_USE;

/*
 * What reports call this installation when it is no activated device: a digest of the fingerprint.
 * In s->arena.
 */
err device_alias(struct slipway *s, const char **ret) MUST_USE;
/* 0–65535, drawn at the first call. */
err device_cohort(struct slipway *s, unsigned *ret) MUST_USE;
/* "none", "day", "week" or "month": the shortest period in which a check was counted already. */
err device_last_counted(struct slipway *s, int64_t now_us, const char **ret) MUST_USE;
/* Notes that a check was counted now. */
err device_set_counted(struct slipway *s, int64_t now_us) MUST_USE;

/* The state directory's sub-directory `name`, made if missing. In s->arena. */
err device_folder(struct slipway *s, const char *name, const char **ret) MUST_USE;

#endif
