#ifndef SLIPWAY_AUDIT_SIGNER_H
#define SLIPWAY_AUDIT_SIGNER_H

/*
 * The key that signs checkpoints. It signs nothing else, and no token is accepted from it: it is
 * never published. The private part is DIR/audit-KID.pem. The public part stands in the table
 * audit_keys, so that everybody finds it, and in DIR/audit-KID.pub: only what lies there is
 * trusted, as who can write the database could add a key of their own.
 */

#include "audit/checkpoint.h"
#include "db/db.h"

struct audit_signer;

/*
 * The newest key whose private part is in dir; makes one where there is none. Control planes over
 * one database may share a key or have one each. Gives.
 */
err audit_signer_open(
	const char *dir, struct db *db, int64_t now_us, struct audit_signer **ret) MUST_USE;
void audit_signer_close(struct audit_signer *s); /* accepts NULL */
/* Any thread. */
err audit_signer_sign(const struct audit_signer *s, struct checkpoint *c) MUST_USE;

/* The public part in dir; ERR_NOT_FOUND when this machine does not know the key. Gives. */
err audit_trusted_key(const char *dir, const char *kid, struct eckey **ret) MUST_USE;
/* The same, or else what the database says: for askers that do not rely on it alone. */
err audit_key_find(struct db_tx *tx, const char *dir, const char *kid, struct eckey **ret) MUST_USE;

#endif
