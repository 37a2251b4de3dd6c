"""What the control plane does on a schedule."""
import sqlite3
import time

import control
import slipway

DAY_US = 86_400_000_000


def typeid(prefix, at_us, number):
    """An id as the server makes them (UUIDv7), of this time."""
    value = (at_us // 1000) << 80 | 7 << 76 | 2 << 62 | number
    return prefix + "_" + "".join("0123456789abcdefghjkmnpqrstvwxyz"[value >> 5 * i & 31]
                                  for i in range(25, -1, -1))


def test_what_strangers_write_does_not_stay():
    """Reports end with the retention; grants to nobody that were not used, after some days."""
    server = slipway.Server(settings=["event.retention=5d"])
    try:
        now = int(time.time() * 1e6)
        database = next((server.data / "db").glob("*.db"))
        ages = (1, 3, 6)
        with sqlite3.connect(database) as db:
            for n, age in enumerate(ages):
                at = now - age * DAY_US
                db.execute("INSERT INTO update_reports VALUES (?, 'rel_1', ?, 'failed', '', ?)",
                           (typeid("upr", at, n), f"device {age}", at))
                for m, (account, state, name) in enumerate((
                        (None, "granted", "unused"), (None, "started", "used"),
                        ("acc_1", "granted", "of somebody"))):
                    db.execute(
                        "INSERT INTO downloads (id, release_id, account_id, renewals, filename, size, state,"
                        " granted_at, expires_at, requests, ranges, bytes, bytes_sent, country, referrer,"
                        " client_os, client_device, client_version, report, error) VALUES (?, 'rel_1', ?, 0,"
                        " ?, 1, ?, ?, ?, 0, '', 0, 0, '', '', '', '', '', '', '')",
                        (typeid("dl", at, 10 * n + m), account, f"{name} {age}", state, at, at + 900))
        server.start()
        slipway.wait_until(lambda: "old events deleted" in server.log.read_text(), "the job")
        server.stop()
        with sqlite3.connect(database) as db:
            assert db.execute("SELECT device FROM update_reports ORDER BY at DESC").fetchall() == \
                [("device 1",), ("device 3",)]
            assert {row[0] for row in db.execute("SELECT filename FROM downloads")} == {
                "unused 1", *(f"{name} {age}" for name in ("used", "of somebody") for age in ages)}
    finally:
        server.close()


def test_raw_events_end_with_their_retention():
    server = slipway.Server(settings=["event.retention=2d"])
    try:
        now = int(time.time() * 1e6)
        database = next((server.data / "db").glob("*.db"))
        with sqlite3.connect(database) as db:
            db.executemany("INSERT INTO events (id, at, kind, download_id, detail) VALUES (?, ?, 'check', '', '{}')",
                           [(1, now - 3 * DAY_US), (2, now - DAY_US)])
        server.start()
        slipway.wait_until(lambda: "old events deleted" in server.log.read_text(), "the job")
        server.stop()
        with sqlite3.connect(database) as db:
            assert db.execute("SELECT id FROM events").fetchall() == [(2,)]
    finally:
        server.close()


def test_sessions_that_are_long_over_do_not_stay(database):
    """Whoever has a licence key makes one with each activation."""
    plane = control.Control(database)
    try:
        plane.start()
        kept, going = [], []
        living = plane.login(control.ADMIN_EMAIL)
        for column, days in (("expires_at", 29), ("expires_at", 31), ("ended_at", 29), ("ended_at", 31)):
            session = plane.login(control.ADMIN_EMAIL)
            (kept if days < 30 else going).append(session)
            plane.sql(f"UPDATE sessions SET {column} = {int(time.time() * 1e6) - days * DAY_US} "
                      f"WHERE id = '{session['session_id']}'")
        # What hangs on a session goes with it.
        for session in (living, *kept, *going):
            plane.sql("INSERT INTO session_id_tokens (session_id, id_token) "
                      f"VALUES ('{session['session_id']}', {control.blob(plane, 1)})")
        # More than one part of them.
        plane.sql("INSERT INTO sessions (id, account_id, client_id, ip_prefix, generation, token_hash, created_at,"
                  " last_used_at, expires_at, end_reason) "
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
                  "SELECT 'old' || i, (SELECT id FROM accounts), 'c', '', 1, "
                  + ("randomblob(32)" if database == "sqlite" else "decode(md5(i::text), 'hex')")
                  + ", 0, 0, 0, '' FROM n")
        plane.stop()
        plane.start()
        slipway.wait_until(lambda: "sessions long over forgotten" in plane.log.read_text(), "the job")
        assert [line["count"] for line in plane.log_lines() if line["message"] == "sessions long over forgotten"] == [2502]
        assert set(plane.select("SELECT id FROM sessions").split()) == \
            {s["session_id"] for s in (living, *kept)}
        plane.api("POST", "/auth/refresh", {"refresh_token": living["refresh_token"]}, status=200)
        for session in (*kept, *going):
            plane.refused("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}, status=401,
                          code="invalid_grant")
    finally:
        plane.close()
