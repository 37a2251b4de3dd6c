-- name: schema_migration_list
SELECT number, name, checksum FROM schema_migrations ORDER BY number;

-- name: schema_migration_insert
INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4);

-- name: schema_migration_last
SELECT COALESCE(MAX(number), 0) FROM schema_migrations;
