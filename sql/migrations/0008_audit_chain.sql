-- The audit log becomes a hash chain: an entry is inserted with the change it tells of, and sealed a
-- moment later, in order (docs/audit.md).

ALTER TABLE audit ADD COLUMN actor_kind TEXT NOT NULL DEFAULT '';
-- Without gaps from 1; NULL until sealed.
ALTER TABLE audit ADD COLUMN seq BIGINT;
ALTER TABLE audit ADD COLUMN hash {blob};
DROP INDEX audit_by_time;
CREATE UNIQUE INDEX audit_by_seq ON audit (seq);
CREATE INDEX audit_unsealed ON audit (id) WHERE seq IS NULL;

-- The last sealed entry, signed; also the lock of those who seal.
CREATE TABLE audit_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL,
    hash {blob},
    incarnation BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kid TEXT NOT NULL,
    signature {blob}
);
INSERT INTO audit_head (one, seq, incarnation, at, kid) VALUES (1, 0, 0, 0, '');

-- Heads of the past. Copies of them stand in a file beside the database and in the log.
CREATE TABLE audit_checkpoints (
    seq BIGINT PRIMARY KEY,
    hash {blob} NOT NULL,
    incarnation BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kid TEXT NOT NULL,
    signature {blob} NOT NULL
);

-- Public parts of the keys that signed; trusted are those that lie as files beside the private ones.
CREATE TABLE audit_keys (
    kid TEXT PRIMARY KEY,
    public_key {blob} NOT NULL,
    created_at BIGINT NOT NULL
);

-- Defence in depth: against mistakes and against a program that may write but not alter tables.
{sqlite} CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
{sqlite} CREATE TRIGGER audit_only_sealed BEFORE UPDATE ON audit
WHEN OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL OR NEW.id <> OLD.id
    OR NEW.at <> OLD.at OR NEW.actor_kind <> OLD.actor_kind OR NEW.actor <> OLD.actor
    OR NEW.action <> OLD.action OR NEW.object <> OLD.object OR NEW.outcome <> OLD.outcome
    OR NEW.ip_prefix <> OLD.ip_prefix OR NEW.request_id <> OLD.request_id
    OR NEW.detail <> OLD.detail
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
{sqlite} CREATE TRIGGER audit_inserted_unsealed BEFORE INSERT ON audit
WHEN NEW.seq IS NOT NULL OR EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit entries are sealed after they were inserted'); END;
{sqlite} CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are never deleted'); END;
{sqlite} CREATE TRIGGER audit_checkpoints_no_change BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END;

{postgresql} CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''the audit log is only appended to''; END';
{postgresql} CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_refuse();
{postgresql} CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
{postgresql} CREATE TRIGGER audit_only_sealed BEFORE UPDATE ON audit FOR EACH ROW
WHEN (OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL OR NEW.id <> OLD.id
    OR NEW.at <> OLD.at OR NEW.actor_kind <> OLD.actor_kind OR NEW.actor <> OLD.actor
    OR NEW.action <> OLD.action OR NEW.object <> OLD.object OR NEW.outcome <> OLD.outcome
    OR NEW.ip_prefix <> OLD.ip_prefix OR NEW.request_id <> OLD.request_id
    OR NEW.detail <> OLD.detail)
EXECUTE FUNCTION audit_refuse();
{postgresql} CREATE TRIGGER audit_inserted_unsealed BEFORE INSERT ON audit FOR EACH ROW
WHEN (NEW.seq IS NOT NULL) EXECUTE FUNCTION audit_refuse();
{postgresql} CREATE TRIGGER audit_checkpoints_no_change BEFORE UPDATE OR DELETE ON audit_checkpoints
FOR EACH ROW EXECUTE FUNCTION audit_refuse();
{postgresql} CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
