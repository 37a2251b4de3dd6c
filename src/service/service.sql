-- name: setup_put
-- The token's hash, a space, and when it ends (µs).
INSERT INTO meta (name, value) VALUES ('setup_token', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: setup_take
DELETE FROM meta WHERE name = 'setup_token' AND value = $1;

-- name: setup_find
SELECT value FROM meta WHERE name = 'setup_token';
