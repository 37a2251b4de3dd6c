"""The audit log: what is in it, the chain of hashes, what verifying finds, search and export."""
import csv
import hashlib
import io
import json
import shutil
import signal
import struct
import subprocess
import threading

import pytest

import control
from control import PASSWORD
from slipway import SLIPWAY, wait_until


@pytest.fixture(scope="module")
def plane(database):
    with control.running(database, ["audit.checkpoint_interval=1d"]) as running:
        yield running


@pytest.fixture
def fresh(database, request):
    """A server of its own, for tests that spoil it."""
    if database != "sqlite":
        database = request.getfixturevalue("postgresql")()
    with control.running(database) as running:
        yield running


def entries(plane, **filters):
    query = "".join(f"&{k}={v}" for k, v in filters.items())
    return plane.api("GET", f"/admin/audit?limit=200{query}", token=plane.admin, status=200)["items"]


def export(plane, query=""):
    answer = plane.request("GET", f"/api/v1/admin/audit/export?{query}", token=plane.admin)
    assert answer.status == 200, answer
    return answer.body.decode()


def exported(plane, query=""):
    return [json.loads(line) for line in export(plane, query).splitlines()]


def verify(plane, query=""):
    return plane.api("GET", f"/admin/audit/verify{query}", token=plane.admin, status=200)


def verify_here(plane, *more, check):
    done = subprocess.run([SLIPWAY, "audit", "verify", "--data", plane.data, "--json", *more],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == check, done
    return json.loads(done.stdout)


def microseconds(time):
    """RFC 3339 to microseconds, without the rounding of floats."""
    import datetime
    day, _, rest = time.rstrip("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(day + "+00:00").timestamp())
    return seconds * 1_000_000 + int((rest or "0").ljust(6, "0"))


def documented_hash(entry, before):
    """docs/audit.md, in another language."""
    texts = [entry[name] for name in ("id", "actor_kind", "actor", "action", "object", "outcome",
                                      "ip_prefix", "request_id")]
    texts.append(json.dumps(entry["detail"], separators=(",", ":"), ensure_ascii=False))
    message = b"slipway-audit-v1\n" + before
    message += struct.pack(">qq", entry["seq"], microseconds(entry["at"]))
    for text in texts:
        message += struct.pack(">I", len(text.encode())) + text.encode()
    return hashlib.sha256(message)


def disarm(plane):
    """What somebody does first who owns the database."""
    if plane.database == "sqlite":
        for name in ("audit_no_delete", "audit_only_sealed", "audit_inserted_unsealed"):
            plane.sql(f"DROP TRIGGER {name}")
    else:
        plane.sql("ALTER TABLE audit DISABLE TRIGGER USER")


def test_the_chain_can_be_recomputed_from_the_export(plane):
    plane.account(plane.admin, "chained@example.com")
    lines = exported(plane)
    assert [e["seq"] for e in lines] == list(range(1, len(lines) + 1))
    before = bytes(32)
    for entry in lines:
        hashed = documented_hash(entry, before)
        assert hashed.hexdigest() == entry["hash"], entry
        before = hashed.digest()
    report = verify(plane)
    assert report["intact"] and report["entries"] >= len(lines)


def test_changes_tell_before_and_after(plane):
    jo = plane.account(plane.admin, "jo@example.com")
    plane.api("PATCH", f"/admin/accounts/{jo['id']}",
              {"role": "guest", "password": PASSWORD + "2", "email": "joe@example.com"}, plane.admin, 200)
    change = entries(plane, action="account.change", object=jo["id"])[0]
    assert change["detail"] == {"email": "changed",
                                "role": {"from": "user", "to": "guest"}, "password": "changed"}
    assert (change["actor_kind"], change["outcome"], change["ip_prefix"]) == (
        "account", "ok", "203.0.113.0/24")
    assert PASSWORD not in export(plane)
    product = plane.api("POST", "/admin/products", {"name": "tunnel", "title": "=1+1"}, plane.admin, 201)
    plane.api("PATCH", "/admin/products/tunnel", {"title": "Tunnel"}, plane.admin, 200)
    assert entries(plane, action="product.update", object=product["id"])[0]["detail"] == {
        "title": {"from": "=1+1", "to": "Tunnel"}}
    release = plane.api("POST", "/admin/releases", {"product": "tunnel", "version": "1.0.0",
                                                    "channels": ["beta"]}, plane.admin, 201)
    plane.api("PATCH", f"/admin/releases/{release['id']}", {"critical": True, "notes": "n\n\"m\""},
              plane.admin, 200)
    assert entries(plane, action="release.update")[0]["detail"] == {
        "notes": {"from": "", "to": "n\n\"m\""}, "critical": {"from": False, "to": True}}
    licence = plane.api("POST", "/admin/licences", {"account": "joe@example.com", "product": "tunnel"},
                        plane.admin, 201)
    plane.api("PATCH", f"/admin/licences/{licence['id']}", {"state": "suspended", "max_devices": 3},
              plane.admin, 200)
    detail = entries(plane, action="licence.update")[0]["detail"]
    assert detail["state"] == {"from": "active", "to": "suspended"}
    assert detail["max_devices"]["to"] == 3


def test_refusals_are_recorded_and_bounded(plane):
    who = plane.account(plane.admin, "nosy@example.com")["id"]
    token = plane.login("nosy@example.com")["access_token"]
    for _ in range(60):
        plane.refused("GET", "/admin/licences", token=token, status=403, code="permission_missing")
    found = entries(plane, action="access", actor=who)
    assert 1 <= len(found) <= 2
    assert found[-1]["object"] == "GET /api/v1/admin/licences"
    assert found[-1]["outcome"] == "refused"
    assert found[-1]["detail"]["reason"] == "permission_missing"
    plane.request("GET", "/api/v1/me", token="nonsense")
    assert entries(plane, action="auth.credentials")[0]["actor_kind"] == "anonymous"
    plane.request("POST", "/api/v1/auth/login", {"email": "nosy@example.com", "password": "wrong password"})
    refused = entries(plane, action="auth.login", outcome="refused", object=who)
    assert refused and refused[0]["detail"]["reason"] == "invalid_credentials"


def test_search_and_paging(plane):
    everything = exported(plane)
    pages, cursor = [], ""
    while True:
        page = plane.api("GET", f"/admin/audit?limit=3{cursor}", token=plane.admin, status=200)
        pages += page["items"]
        if not page["next_cursor"] or len(pages) >= 12:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [e["seq"] for e in pages] == sorted((e["seq"] for e in pages), reverse=True)
    assert len({e["seq"] for e in pages}) == len(pages)
    middle = everything[len(everything) // 2]
    later = entries(plane, **{"from": middle["at"]})
    assert later[-1]["seq"] == middle["seq"]
    assert all(e["at"] < middle["at"] for e in entries(plane, to=middle["at"]))
    assert {e["action"] for e in entries(plane, action="account.")} <= {"account.create", "account.change"}
    assert entries(plane, q="ACCOUNT.CREATE") and not entries(plane, q="%25")
    assert not entries(plane, q="no%20such%20text")
    one = plane.api("GET", f"/admin/audit/{middle['seq']}", token=plane.admin, status=200)
    assert one == middle
    assert plane.api("GET", f"/admin/audit/{middle['id']}", token=plane.admin, status=200) == middle
    plane.refused("GET", "/admin/audit/99999999", token=plane.admin, status=404, code="no_such_entry")
    plane.refused("GET", "/admin/audit?cursor=x", token=plane.admin, status=400, code="invalid_cursor")


def test_tables_for_spreadsheets_have_no_formulas(plane):
    plane.request("POST", "/api/v1/admin/products", {"name": "evil"}, plane.admin,
                  headers={"X-Request-Id": "-2.3"})
    rows = list(csv.DictReader(io.StringIO(export(plane, "format=csv"), newline="")))
    assert len(rows) >= len(exported(plane)) - 1
    assert any(row["request_id"] == "'-2.3" for row in rows)
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for row in rows for cell in row.values())
    assert json.loads(rows[0]["detail"]) is not None
    plane.account(plane.admin, "chosen@example.com")
    chosen = exported(plane, "action=account.create")
    assert chosen and {e["action"] for e in chosen} == {"account.create"}


def test_only_auditors_read_it(plane):
    plane.account(plane.admin, "plain@example.com")
    token = plane.login("plain@example.com")["access_token"]
    for path in ("", "/1", "/verify", "/export", "/checkpoints"):
        plane.refused("GET", "/admin/audit" + path, token=token, status=403, code="permission_missing")


def test_what_was_done_last_is_kept_outside_at_the_end(fresh):
    assert fresh.stop() == 0
    kept = [json.loads(line) for line in
            (fresh.data / "audit" / "checkpoints.jsonl").read_text().splitlines()]
    report = verify_here(fresh, check=0)
    assert report["intact"] and report["unsealed"] == 0
    assert kept[-1]["seq"] == report["entries"] == report["head"]["seq"]
    logged = [json.loads(line["checkpoint"]) for line in fresh.log_lines()
              if line["message"] == "audit checkpoint"]
    assert logged == kept[-len(logged):]
    fresh.start()
    fresh.account(fresh.admin, "later@example.com")
    assert verify(fresh)["intact"]
    assert fresh.api("GET", "/admin/audit/checkpoints", token=fresh.admin, status=200)["items"][0] == kept[-1]


@pytest.mark.parametrize("spoil,kinds", [
    ("UPDATE audit SET actor = 'acc_x' WHERE seq = 2", {"changed"}),
    ("DELETE FROM audit WHERE seq = 2", {"missing"}),
    ("UPDATE audit SET seq = -seq WHERE seq = 2", {"missing", "inserted"}),
    ("DELETE FROM audit WHERE seq > 1", {"truncated"}),
    ("DELETE FROM audit", {"truncated"}),
])
def test_tampering_is_found(fresh, spoil, kinds):
    for i in range(3):
        fresh.account(fresh.admin, f"a{i}@example.com")
    assert verify(fresh)["intact"]
    disarm(fresh)
    fresh.sql(spoil)
    report = verify(fresh)
    assert not report["intact"]
    assert kinds <= {f["kind"] for f in report["findings"]}, report
    assert {f["kind"] for f in verify_here(fresh, check=16)["findings"]} >= kinds


def test_an_end_cut_off_with_its_head_is_missed(fresh):
    """The database alone agrees with itself; the file beside it does not, and sealing stops."""
    kept = fresh.data / "audit" / "checkpoints.jsonl"
    wait_until(lambda: kept.exists() and kept.read_text().endswith("\n"), "the first checkpoint")
    fresh.account(fresh.admin, "a@example.com")
    assert fresh.stop() == 0
    copy = fresh.dir / "elsewhere.jsonl"
    shutil.copy(fresh.data / "audit" / "checkpoints.jsonl", copy)
    first = json.loads(copy.read_text().splitlines()[0])
    disarm(fresh)
    if fresh.database == "sqlite":
        fresh.sql("DROP TRIGGER audit_checkpoints_no_delete")
    else:
        fresh.sql("ALTER TABLE audit_checkpoints DISABLE TRIGGER USER")
    fresh.sql(f"DELETE FROM audit WHERE seq > {first['seq']}")
    fresh.sql("UPDATE audit_head SET (seq, hash, incarnation, at, kid, signature) = (SELECT seq, hash, "
              f"incarnation, at, kid, signature FROM audit_checkpoints WHERE seq = {first['seq']})")
    fresh.sql(f"DELETE FROM audit_checkpoints WHERE seq > {first['seq']}")
    assert {f["kind"] for f in verify_here(fresh, check=16)["findings"]} == {"truncated"}
    # Also when the attacker reached the file beside the database: a copy elsewhere tells.
    lines = copy.read_text().splitlines(keepends=True)
    (fresh.data / "audit" / "checkpoints.jsonl").write_text(lines[0])
    assert verify_here(fresh, check=0)["intact"]
    found = verify_here(fresh, "--checkpoints", copy, check=16)
    assert {f["kind"] for f in found["findings"]} == {"truncated"}


def test_nothing_is_sealed_behind_a_strange_head(fresh):
    assert verify(fresh)["intact"]
    fresh.sql("UPDATE audit_head SET at = at + 1")
    fresh.account(fresh.admin, "a@example.com")
    wait_until(lambda: "changed from outside" in fresh.log.read_text(), "the alarm")
    assert entries(fresh), "the log can still be read"
    assert "forged" in {f["kind"] for f in verify(fresh)["findings"]}


def test_a_killed_server_leaves_a_whole_chain(fresh):
    for round_ in range(3):
        done = threading.Event()

        def work():
            i = 0
            while not done.is_set():
                i += 1
                try:
                    fresh.api("POST", "/admin/organisations", {"name": f"o{round_}-{i}"}, fresh.admin)
                except OSError:
                    return
                except Exception:  # noqa: BLE001 cut in the middle of an answer
                    return
        workers = [threading.Thread(target=work) for _ in range(3)]
        for w in workers:
            w.start()
        wait_until(lambda: len(entries(fresh, action="organisation.create")) > 5 * (round_ + 1), "load")
        fresh.process.send_signal(signal.SIGKILL)
        fresh.process.wait(20)
        done.set()
        for w in workers:
            w.join()
        fresh.start()
        report = verify(fresh)
        assert report["intact"], report
    made = fresh.api("GET", "/admin/organisations?limit=200", token=fresh.admin, status=200)["items"]
    recorded = {e["object"] for e in exported(fresh, "action=organisation.create")}
    assert {o["id"] for o in made} <= recorded


def test_exports_take_little_memory(fresh):
    def high_water():
        text = (f"/proc/{fresh.process.pid}/status")
        with open(text) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

    detail = json.dumps({"text": "x" * 4000})
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) "
    fresh.sql("INSERT INTO audit (id, at, actor, action, object, outcome, ip_prefix, request_id, detail) "
              + numbers + f"SELECT 'aud_x' || i, i, '', 'bulk', '', 'ok', '', '', '{detail}' FROM n")
    report = verify(fresh)
    assert report["intact"] and report["entries"] > 8000
    before = high_water()
    body = export(fresh)
    assert len(body) > 30_000_000
    assert body.count("\n") >= report["entries"]
    assert high_water() - before < 24 << 20
