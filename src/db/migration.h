#ifndef SLIPWAY_DB_MIGRATION_H
#define SLIPWAY_DB_MIGRATION_H

/*
 * The schema as compiled in: one row per file of sql/migrations, in the order of their numbers,
 * which may have gaps. Number 0 makes the table of applied migrations itself; it is run each time,
 * not recorded.
 */

struct db_migration {
	unsigned number;
	const char *name;
	const char *checksum; /* SHA-256, hex, of the statements without comments and layout */
	const char *sqlite_text;
	const char *postgres_text;
};

extern const struct db_migration db_migrations[];
extern const unsigned db_migrations_count;

#endif
