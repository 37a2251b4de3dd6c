-- Workload identities: whose word bounds what they may do, and whether they may be used.
ALTER TABLE workload_identities ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
-- The account that made it or changed it last: it gives no more than this one may just now.
ALTER TABLE workload_identities ADD COLUMN account_id TEXT NOT NULL DEFAULT '';
ALTER TABLE workload_identities ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;

-- What came of an exchange, for as long as the access token lives: its id, for which identity, and
-- what the provider's token said of the job ({"claim": "value", …}), for the audit log.
ALTER TABLE exchanged_tokens ADD COLUMN jti TEXT NOT NULL DEFAULT '';
ALTER TABLE exchanged_tokens ADD COLUMN identity_id TEXT NOT NULL DEFAULT '';
ALTER TABLE exchanged_tokens ADD COLUMN claims TEXT NOT NULL DEFAULT '{}';
CREATE INDEX exchanged_tokens_by_jti ON exchanged_tokens (jti);
