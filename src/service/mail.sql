-- name: mail_add
INSERT INTO mail_outbox (id, kind, recipient, subject, body, state, created_at, next_at, expires_at,
    attempts, claimed_until, last_error)
VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, $7, 0, 0, '');

-- name: mail_claim
-- Locks the row it takes: of two that ask at the same time one gets another row, or none.
UPDATE mail_outbox SET claimed_until = $1, attempts = attempts + 1
WHERE id = (SELECT id FROM mail_outbox WHERE state = 'waiting' AND next_at <= $2
    AND claimed_until <= $2 ORDER BY next_at, id LIMIT 1) AND claimed_until <= $2
RETURNING id, kind, recipient, subject, body, created_at, expires_at, attempts;

-- name: mail_finish
UPDATE mail_outbox SET state = $1, subject = '', body = '', done_at = $2, last_error = $3,
    claimed_until = 0
WHERE id = $4 AND claimed_until = $5;

-- name: mail_postpone
UPDATE mail_outbox SET next_at = $1, last_error = $2, claimed_until = 0
WHERE id = $3 AND claimed_until = $4;

-- name: mail_forget
DELETE FROM mail_outbox WHERE state <> 'waiting' AND done_at < $1;
