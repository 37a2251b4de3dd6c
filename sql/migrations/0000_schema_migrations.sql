-- Which migrations this database has had. Runs at every start, hence IF NOT EXISTS.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at {time} NOT NULL
);
