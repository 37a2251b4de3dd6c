#ifndef SLIPWAY_AUDIT_VERIFY_H
#define SLIPWAY_AUDIT_VERIFY_H

/*
 * Whether the audit log is what was written: walks the chain from its first entry, and holds it
 * against the signed head, the kept checkpoints and copies of them elsewhere.
 */

#include "audit/chain.h"

#define AUDIT_FINDINGS(X)                                                                          \
	X(AUDIT_CHANGED, "changed", "An entry is not what its hash was made of")                   \
	X(AUDIT_MISSING, "missing", "Entries are missing")                                         \
	X(AUDIT_INSERTED, "inserted", "There are entries the chain does not know")                 \
	X(AUDIT_TRUNCATED, "truncated", "The end of the chain is missing")                         \
	X(AUDIT_REWRITTEN, "rewritten", "The chain differs from a checkpoint")                     \
	X(AUDIT_RESTORED, "restored", "Entries of before a backup was restored are missing")       \
	X(AUDIT_FORGED, "forged", "A signature is not right")                                      \
	X(AUDIT_UNKNOWN_KEY, "unknown_key", "Signed with a key this machine does not know")        \
	X(AUDIT_UNREADABLE, "unreadable", "A line is not a checkpoint")

#define AUDIT_FINDING_ENUM(code, name, title) code,
enum audit_finding_kind { AUDIT_FINDINGS(AUDIT_FINDING_ENUM) AUDIT_FINDING_KINDS };
#undef AUDIT_FINDING_ENUM

const char *audit_finding_name(enum audit_finding_kind k);
const char *audit_finding_title(enum audit_finding_kind k);

struct audit_finding {
	enum audit_finding_kind kind;
	int64_t seq; /* where; 0: of the whole */
	const char *detail;
};

/* More are counted, not listed. */
#define AUDIT_FINDINGS_MAX 100

struct audit_report {
	bool intact; /* no findings */
	struct checkpoint head;
	int64_t entries;     /* of the chain, walked */
	int64_t unsealed;    /* waiting for their place */
	int64_t checkpoints; /* compared: of the database and of the files */
	size_t findings_count;
	struct audit_finding findings[AUDIT_FINDINGS_MAX];
};

struct audit_verification {
	struct db *db;
	const char *keys_dir;     /* what lies there is trusted */
	const char *const *files; /* of checkpoints; one that does not exist is ERR_NOT_FOUND */
	size_t files_count;
	bool accept_restored; /* AUDIT_RESTORED is no finding */
};

/*
 * Walks page by page, without holding a transaction for long: what is sealed meanwhile is not
 * looked at. Texts in arena a. Only failures to read are errors.
 */
err audit_verify(
	struct arena *a, const struct audit_verification *v, struct audit_report **ret) MUST_USE;

#endif
