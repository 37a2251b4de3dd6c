-- name: audit_insert
INSERT INTO audit (id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- name: audit_unsealed
SELECT NULL, NULL, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit WHERE seq IS NULL ORDER BY id LIMIT $1;

-- name: audit_stamp
UPDATE audit SET seq = $1, hash = $2 WHERE id = $3 AND seq IS NULL;

-- name: audit_lock_head
UPDATE audit_head SET seq = seq WHERE one = 1
RETURNING seq, hash, incarnation, at, kid, signature;

-- name: audit_set_head
UPDATE audit_head SET seq = $1, hash = $2, incarnation = $3, at = $4, kid = $5, signature = $6
WHERE one = 1;

-- name: audit_get_head
SELECT seq, hash, incarnation, at, kid, signature FROM audit_head WHERE one = 1;

-- name: audit_incarnation
SELECT incarnation FROM change_head WHERE one = 1;

-- name: audit_add_checkpoint
INSERT INTO audit_checkpoints (seq, hash, incarnation, at, kid, signature)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (seq) DO NOTHING;

-- name: audit_checkpoints_after
SELECT seq, hash, incarnation, at, kid, signature FROM audit_checkpoints
WHERE seq > $1 ORDER BY seq LIMIT $2;

-- name: audit_checkpoints_before
SELECT seq, hash, incarnation, at, kid, signature FROM audit_checkpoints
WHERE seq < $1 ORDER BY seq DESC LIMIT $2;

-- name: audit_add_key
INSERT INTO audit_keys (kid, public_key, created_at) VALUES ($1, $2, $3)
ON CONFLICT (kid) DO NOTHING;

-- name: audit_get_key
SELECT public_key FROM audit_keys WHERE kid = $1;

-- name: audit_list_keys
SELECT kid, public_key, created_at FROM audit_keys ORDER BY created_at DESC, kid;

-- name: audit_after
SELECT seq, hash, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit WHERE seq > $1 ORDER BY seq, id LIMIT $2;

-- name: audit_count
SELECT COUNT(*), COUNT(seq) FROM audit;

-- name: audit_find
SELECT seq, hash, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit WHERE id = $1;

-- name: audit_find_seq
SELECT seq, hash, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit WHERE seq = $1;

-- name: audit_search_newest_first
-- Empty texts match all. $2 and $8 are patterns of LIKE, in lower case.
SELECT seq, hash, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit
WHERE seq < $1 AND action LIKE $2 ESCAPE '\' AND ($3 = '' OR actor = $3)
    AND ($4 = '' OR object = $4) AND ($5 = '' OR outcome = $5) AND at >= $6 AND at < $7
    AND ($8 = '%' OR LOWER(actor || ' ' || action || ' ' || object || ' ' || request_id || ' ' ||
        ip_prefix || ' ' || detail) LIKE $8 ESCAPE '\')
ORDER BY seq DESC LIMIT $9;

-- name: audit_search_oldest_first
SELECT seq, hash, id, at, actor_kind, actor, action, object, outcome, ip_prefix, request_id, detail
FROM audit
WHERE seq > $1 AND action LIKE $2 ESCAPE '\' AND ($3 = '' OR actor = $3)
    AND ($4 = '' OR object = $4) AND ($5 = '' OR outcome = $5) AND at >= $6 AND at < $7
    AND ($8 = '%' OR LOWER(actor || ' ' || action || ' ' || object || ' ' || request_id || ' ' ||
        ip_prefix || ' ' || detail) LIKE $8 ESCAPE '\')
ORDER BY seq LIMIT $9;
