-- The key that made a key: it ends with it. NULL: made by somebody signed in.
ALTER TABLE api_keys ADD COLUMN parent_id TEXT;
CREATE INDEX api_keys_by_parent ON api_keys (parent_id);
