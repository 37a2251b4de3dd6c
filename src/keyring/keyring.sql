-- name: signing_key_live
SELECT kid, kind, public_key, created_at, active_at, pkcs11_uri FROM signing_keys WHERE retired_at IS NULL
ORDER BY kind, active_at, kid;

-- name: signing_key_add
INSERT INTO signing_keys (kid, kind, public_key, created_at, active_at, pkcs11_uri)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: signing_key_set_retired
UPDATE signing_keys SET retired_at = $1 WHERE kid = $2 AND retired_at IS NULL;

-- name: secret_check_find
SELECT value FROM meta WHERE name = 'secret_check';

-- name: secret_check_add
INSERT INTO meta (name, value) VALUES ('secret_check', $1) ON CONFLICT (name) DO NOTHING;
