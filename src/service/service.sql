-- name: audit_insert
INSERT INTO audit (id, at, actor, action, object, outcome, ip_prefix, request_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: audit_list_sql
-- Newest first; empty filters match all.
SELECT id, at, actor, action, object, outcome, ip_prefix, request_id, detail FROM audit
WHERE ($1 = '' OR id < $1) AND ($2 = '' OR actor = $2) AND ($3 = '' OR action = $3)
    AND ($4 = '' OR object = $4)
ORDER BY id DESC LIMIT $5;

-- name: setup_put
INSERT INTO meta (name, value) VALUES ('setup_token', $1)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: setup_take
DELETE FROM meta WHERE name = 'setup_token' AND value = $1;

-- name: setup_find
SELECT 1 FROM meta WHERE name = 'setup_token' AND value = $1;
