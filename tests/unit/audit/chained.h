#ifndef SLIPWAY_TESTS_UNIT_AUDIT_CHAINED_H
#define SLIPWAY_TESTS_UNIT_AUDIT_CHAINED_H

/* A log with its keys and its file of checkpoints in a directory of its own. */
#include "support/databases.h"
#include "test.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/audit_store.h"
#include "audit/chain.h"
#include "audit/verify.h"
#include "crypto/random.h"
#include "db/engine.h"

#define NOW INT64_C(1800000000000000)

struct chained {
	struct db *db;
	struct audit_log *log;
	char dir[64], file[96];
	int64_t now_us;
};

static inline void chained_open(struct chained *c, struct db *db, const char *parent)
{
	*c = (struct chained){.db = db, .now_us = NOW};
	(void)snprintf(c->dir, sizeof(c->dir), "%s/slipway-audit-XXXXXX", parent);
	assert_non_null(mkdtemp(c->dir));
	(void)snprintf(c->file, sizeof(c->file), "%s/checkpoints.jsonl", c->dir);
	assert_ok(audit_log_open(&(struct audit_log_options){.db = db,
					 .keys_dir = c->dir,
					 .file = c->file,
					 .keep_interval_us = INT64_C(600000000),
					 .now_us = NOW},
		&c->log));
}

static inline void chained_close(struct chained *c)
{
	DIR *d = opendir(c->dir);
	char path[400];

	audit_log_close(c->log);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		(void)snprintf(path, sizeof(path), "%s/%s", c->dir, e->d_name);
		(void)unlink(path); /* not . and .. */
	}
	closedir(d);
	assert_int_equal(rmdir(c->dir), 0);
}

struct chained_entry {
	int64_t at_us;
	const char *object;
};

static inline err chained_add_body(struct db_tx *tx, void *arg)
{
	const struct chained_entry *e = arg;
	char id[TYPEID_SIZE];

	random_id("aud", e->at_us, id);
	return audit_append(tx, &(struct audit_entry){.id = span_from(id),
					.at_us = e->at_us,
					.actor_kind = SPAN("account"),
					.actor = SPAN("acc_1"),
					.action = SPAN("release.publish"),
					.object = span_from(e->object),
					.outcome = SPAN("ok"),
					.ip_prefix = SPAN("203.0.113.0/24"),
					.request_id = SPAN("r1"),
					.detail = SPAN("{\"a\":1}")});
}

static inline void chained_add(struct chained *c, const char *object)
{
	struct chained_entry e = {c->now_us += 1000, object};

	assert_ok(db_transact(c->db, DB_WRITE, chained_add_body, &e));
}

static inline int64_t chained_seal(struct chained *c)
{
	int64_t count = -1;

	assert_ok(audit_seal(c->log, c->now_us, &count));
	return count;
}

static inline bool chained_keep(struct chained *c, bool at_once)
{
	struct checkpoint kept;
	bool is_kept;

	assert_ok(audit_keep(c->log, c->now_us, at_once, &kept, &is_kept));
	return is_kept;
}

static inline err chained_verify(
	struct arena *a, const struct chained *c, struct audit_report **ret)
{
	const char *file = c->file;

	return audit_verify(a,
		&(struct audit_verification){
			.db = c->db, .keys_dir = c->dir, .files = &file, .files_count = 1},
		ret);
}

/* A statement, or several: not through the log. */
static inline err script_body(struct db_tx *tx, void *arg)
{
	return db_script(tx, "test", arg);
}

static inline err run_script(struct db *db, const char *text)
{
	return db_transact_script(db, script_body, (void *)(uintptr_t)text);
}

/* What somebody does who owns the database. */
static inline void drop_guards(struct db *db)
{
	assert_ok(run_script(
		db, db_is_sqlite(db)
			    ? "DROP TRIGGER audit_no_delete; DROP TRIGGER audit_only_sealed; "
			      "DROP TRIGGER audit_inserted_unsealed; "
			      "DROP TRIGGER audit_checkpoints_no_delete; "
			      "DROP TRIGGER audit_checkpoints_no_change; DROP INDEX audit_by_seq;"
			    : "ALTER TABLE audit DISABLE TRIGGER USER; "
			      "ALTER TABLE audit_checkpoints DISABLE TRIGGER USER; "
			      "DROP INDEX audit_by_seq;"));
}

#endif
