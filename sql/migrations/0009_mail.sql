-- Mail on its way: written by the transaction that wants it sent, sent by a job.
CREATE TABLE mail_outbox (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- May hold links that let their reader in: emptied as soon as the mail is sent or given up.
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    created_at BIGINT NOT NULL,
    -- Not before; moved on after each attempt that failed.
    next_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Who is sending it has it until then.
    claimed_until BIGINT NOT NULL,
    done_at BIGINT,
    last_error TEXT NOT NULL
);
CREATE INDEX mail_outbox_by_turn ON mail_outbox (state, next_at);
