"""What the control plane does on a schedule."""
import sqlite3
import time

import slipway

DAY_US = 86_400_000_000


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
