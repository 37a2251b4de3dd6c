/*
 * Applies the compiled-in migrations. Hard rule: what is recorded was applied completely, because
 * a migration and its record are one transaction, and processes take turns by a lock that lasts as
 * long as the transaction.
 */
#include "db/migration.h"

#include "db/db_queries.h"
#include "db/engine.h"
#include "sys/clock.h"
#include "base/banned.h"

static const char *script_of(struct db_tx *tx, const struct db_migration *m)
{
	return tx->db->engine->is_sqlite ? m->sqlite_text : m->postgres_text;
}

/*
 * Index of the first migration that is not recorded yet, db_migrations_count when all are; every
 * record must be one of ours with its checksum.
 */
static err find_next(struct db_tx *tx, unsigned *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	unsigned at = 1, next = db_migrations_count;
	err e = db_query(tx, &rows, schema_migration_list);

	for (bool row; !e; at++) {
		e = db_next(rows, &row);
		if (e || !row)
			break;
		for (; at < db_migrations_count && db_migrations[at].number < db_int(rows, 0); at++)
			next = MIN(next, at);
		if (at == db_migrations_count || db_migrations[at].number != db_int(rows, 0))
			return ERR_CONFLICT;
		if (!span_is(db_text(rows, 2), db_migrations[at].checksum))
			return ERR_CORRUPT;
	}
	if (!e)
		*ret = MIN(next, at);
	return e;
}

static err apply_next(struct db_tx *tx, void *arg)
{
	bool *ret_applied = arg;
	unsigned next = 0;
	err e = tx->db->engine->lock_schema(tx);

	*ret_applied = false;
	if (!e)
		e = db_script(tx, db_migrations[0].name, script_of(tx, &db_migrations[0]));
	if (!e)
		e = find_next(tx, &next);
	if (e || next == db_migrations_count)
		return e;
	const struct db_migration *m = &db_migrations[next];

	e = db_script(tx, m->name, script_of(tx, m));
	if (!e)
		e = db_exec(tx, schema_migration_insert, DB_INT(m->number), DB_CSTR(m->name),
			DB_CSTR(m->checksum), DB_INT(clock_wall_us()));
	*ret_applied = !e;
	return e;
}

err db_migrate(struct db *db, unsigned *ret_applied)
{
	unsigned count = 0;
	bool applied = true;

	while (applied) {
		err e = db_transact_script(db, apply_next, &applied);

		if (e)
			return e;
		count += applied;
	}
	*ret_applied = count;
	return OK;
}

static err query_int(struct db_tx *tx, const struct db_statement *s, int64_t *ret)
{
	AUTO_PTR(db_rows) rows = NULL;
	bool row = false;
	err e = db_query_values(tx, s, NULL, 0, &rows);

	if (!e)
		e = db_next(rows, &row);
	if (!e && row)
		*ret = db_int(rows, 0);
	return e;
}

static err read_version(struct db_tx *tx, void *arg)
{
	int64_t exists = 0, last = 0;
	err e = query_int(tx, tx->db->engine->has_schema, &exists);

	if (!e && exists)
		e = query_int(tx, &schema_migration_last, &last);
	*(unsigned *)arg = (unsigned)last;
	return e;
}

err db_schema_version(struct db *db, unsigned *ret)
{
	unsigned version;
	err e = db_transact(db, DB_READ, read_version, &version);

	if (!e)
		*ret = version;
	return e;
}
