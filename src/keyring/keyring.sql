-- name: keyring_live
SELECT kid, kind, public_key, active_at FROM signing_keys WHERE retired_at IS NULL ORDER BY active_at, kid;

-- name: keyring_add
INSERT INTO signing_keys (kid, kind, public_key, created_at, active_at) VALUES ($1, $2, $3, $4, $4);
