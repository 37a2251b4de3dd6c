#ifndef SLIPWAY_SERVICE_REVOKE_H
#define SLIPWAY_SERVICE_REVOKE_H

#include "service/service.h"

/* What is to be revoked: exactly one member is not empty. */
struct revocation {
	span token;       /* an access, device or download token */
	span jti;         /* of such a token */
	span download_id; /* all tokens of the download, and the download itself ends */
	span device_id;   /* all tokens and sessions of the device; it may activate again */
	span account; /* its id or, with the permission, e-mail address: all tokens and sessions of
			 it and its devices */
};

/*
 * In force on this node when it returns OK. Owners revoke what is theirs; everything else needs
 * the permission token.revoke, without which it is ERR_NOT_FOUND. Revoking again is OK.
 */
err revoke(struct task *t, const struct revocation *r) MUST_USE;

#endif
