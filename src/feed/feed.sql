-- name: feed_upsert
INSERT INTO changes (key, seq, value, deleted, expires_at) VALUES ($1, 0, $2, $3, $4)
ON CONFLICT (key) DO UPDATE SET seq = 0, value = excluded.value, deleted = excluded.deleted,
    expires_at = excluded.expires_at;

-- name: feed_take_seq
UPDATE change_head SET seq = seq + 1 WHERE one = 1 RETURNING seq;

-- name: feed_stamp
UPDATE changes SET seq = $1 WHERE seq = 0;

-- name: feed_head
SELECT seq, incarnation, horizon FROM change_head WHERE one = 1;

-- name: feed_since
SELECT key, value, deleted FROM changes WHERE seq > $1 ORDER BY seq, key;

-- name: feed_expired
SELECT key, deleted, seq FROM changes WHERE expires_at IS NOT NULL AND expires_at <= $1
ORDER BY expires_at LIMIT 1000;

-- name: feed_forget
DELETE FROM changes WHERE key = $1;

-- name: feed_raise_horizon
UPDATE change_head SET horizon = $1 WHERE one = 1 AND horizon < $1;
