#ifndef SLIPWAY_SERVER_DATA_LAYOUT_H
#define SLIPWAY_SERVER_DATA_LAYOUT_H

/*
 * What lies where in the data directory, with which rights. All paths are relative to it: every
 * process of the server has it as its working directory, so that it may lie below a directory the
 * service's accounts cannot enter.
 *
 *   slipway.conf   settings                              slipway
 *   db/            the embedded database                 slipway only
 *   keys/          signing keys, the local CA's key      slipway only
 *   audit/         kept checkpoints of the audit log     slipway only
 *   uploads/       what is being received                slipway only
 *   quarantine/    files found damaged                   slipway only
 *   blobs/         packages, by digest                   slipway writes, slipway-web reads
 *   state/         published state (LMDB)                slipway writes, slipway-web its lock file
 *   tls/           certificates; ca.pem is for everyone  slipway; server.key also slipway-web
 *   log/           nginx's logs                          both
 *   run/           socket, module, pages, temporary files   both; emptied at each start
 *   nginx.conf     rendered at each start and reload     everyone may read it
 */

#include "base/arena.h"

#define DATA_CONF       "slipway.conf"
#define DATA_LOCK       "slipway.lock"
#define DATA_DB         "db"
#define DATA_SQLITE     "db/slipway.db"
#define DATA_KEYS       "keys"
#define DATA_AUDIT      "audit"
#define DATA_AUDIT_KEPT "audit/checkpoints.jsonl"
#define DATA_BLOBS      "blobs"
#define DATA_UPLOADS    "uploads"
#define DATA_QUARANTINE "quarantine"
#define DATA_STATE      "state"
#define DATA_LOG        "log"
#define DATA_EVENT_LOG  "log/events.log"
#define DATA_ACCESS_LOG "log/access.log"
#define DATA_ERROR_LOG  "log/nginx-error.log"
#define DATA_RUN        "run"
#define DATA_SOCKET     "run/control.sock"
#define DATA_TLS        "tls"
#define DATA_CA         "tls/ca.pem"

struct accounts;

/*
 * Makes the directories below dir (and dir itself). An existing one is left as it is. On failure
 * *ret_problem, in arena a, names the path.
 */
err data_layout_make(struct arena *a, const char *dir, const char **ret_problem) MUST_USE;
/* The name of something in dir that is not the server's, in arena a; NULL when there is nothing. */
const char *data_layout_foreign(struct arena *a, const char *dir);

/*
 * Sets owners (as root) and modes of everything in the working directory, and empties run/.
 * ERR_NOT_FOUND when it is no data directory, ERR_DENIED when it is not ours to change.
 */
err data_layout_fix(
	struct arena *a, const struct accounts *accounts, const char **ret_problem) MUST_USE;

#endif
