-- Roles besides the built-in ones: sets of permissions, and what narrows them.
CREATE TABLE roles (
    name TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    -- Space-separated, with the words that narrow them (policy.h).
    permissions TEXT NOT NULL,
    -- Sessions of one account at the same time; 0: as the setting says.
    max_sessions BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX accounts_by_role ON accounts (role);
