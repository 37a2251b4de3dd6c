#ifndef SLIPWAY_AUDIT_CHAIN_H
#define SLIPWAY_AUDIT_CHAIN_H

/*
 * The audit log as a hash chain.
 *
 *   audit_append   inside the transaction of the change: a row without place in the chain
 *   audit_seal     soon after: gives all such rows, in the order of their ids, seq and hash, and
 *                  renews the signed head; in one transaction that holds the lock of the head
 *   audit_keep     now and then: copies the head to the kept checkpoints
 *
 * So transactions do not wait for one another because of the log, and the chain has no fork however
 * many control planes seal. What is deleted before it is sealed leaves no trace: that is a second.
 */

#include "audit/entry.h"
#include "audit/signer.h"

/* Writes e without seq and hash. */
err audit_append(struct db_tx *tx, const struct audit_entry *e) MUST_USE;

/* Kept checkpoints are at most so many entries apart. */
#define AUDIT_KEEP_ENTRIES 1000

struct audit_log;

struct audit_log_options {
	struct db *db;        /* kept */
	const char *keys_dir; /* copied */
	const char *file;     /* of kept checkpoints; copied */
	int64_t keep_interval_us;
	int64_t now_us;
};
/* Gives. */
err audit_log_open(const struct audit_log_options *options, struct audit_log **ret) MUST_USE;
void audit_log_close(struct audit_log *l); /* accepts NULL */
const char *audit_log_keys_dir(const struct audit_log *l);
const char *audit_log_file(const struct audit_log *l);

/*
 * Seals all there is. ERR_CORRUPT, and nothing is sealed any more, when the head is not as this
 * program left it. Any thread.
 */
err audit_seal(struct audit_log *l, int64_t now_us, int64_t *ret_count) MUST_USE;
/*
 * Keeps the head, when it has grown and it is time (or now: `at_once`): in the table, then in the
 * file. *ret_kept tells whether. Any thread.
 */
err audit_keep(struct audit_log *l, int64_t now_us, bool at_once, struct checkpoint *ret,
	bool *ret_kept) MUST_USE;

/* The head; seq 0 when nothing was sealed. */
err audit_read_head(struct db_tx *tx, struct checkpoint *ret) MUST_USE;

#endif
