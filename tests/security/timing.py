#!/usr/bin/python3
"""Whether the clock tells which accounts exist: pairs of requests, one about what exists and one about what
does not, a thousand times in random order, on an otherwise idle server. The medians must not differ by
more than 5 ms. What is counted instead of timed is in tests/integration/test_same_answers.py.

Usage: tests/security/timing.py [--rounds N] [--database sqlite|postgresql]"""
import argparse
import pathlib
import random
import statistics
import sys
import time

from aiosmtpd.controller import Controller

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]
import control  # noqa: E402
from injection import database_of  # noqa: E402
from slipway import free_port  # noqa: E402

MOST_MS = 5.0
PEOPLE = 50  # who is asked about, so that none of them is asked too often


class Nowhere:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"


def licences(plane):
    """(keys that do not open, but exist; keys that do not exist), well-formed both."""
    plane.api("POST", "/admin/products", {"name": "vpn"}, plane.admin, 201)
    there = []
    for n in range(PEOPLE):
        made = plane.api("POST", "/admin/licences", {"account": f"known{n}@example.com", "product": "vpn",
                                                     "max_devices": 1, "expires_at": "2001-01-01T00:00:00Z"},
                         plane.admin, 201)
        there.append(made["licence_key"])
    made = [plane.api("POST", "/admin/licences", {"account": "known0@example.com", "product": "vpn",
                                                  "max_devices": 1}, plane.admin, 201) for _ in range(PEOPLE)]
    for one in made:
        plane.sql(f"DELETE FROM licences WHERE id = '{one['id']}'")
    return there, [one["licence_key"] for one in made]


def pairs(plane):
    """By name: the request about the nth that exists, and about the nth that does not."""
    there, gone = licences(plane)
    machine = {"name": "n", "os": "linux", "arch": "amd64", "fingerprint": "f" * 20}

    def both(path, body):
        return tuple(lambda n, kind=kind: plane.request("POST", "/api/v1" + path, body(n, kind),
                                                        connection=plane.kept) for kind in ("known", "unknown"))
    return {
        "sign-in with a wrong password": both("/auth/login", lambda n, kind: {
            "email": f"{kind}{n}@example.com", "password": "wrong"}),
        "a forgotten password": both("/auth/password-reset", lambda n, kind: {"email": f"{kind}{n}@example.com"}),
        "options of a passkey, before and after": both("/auth/passkey/options", lambda n, kind: {}),
        "activation by a key that opens nothing": both("/licences/activate", lambda n, kind: {
            "licence_key": (there if kind == "known" else gone)[n], "device": machine}),
    }


def measure(known, unknown, rounds):
    """The medians in ms."""
    took = {known: [], unknown: []}
    for i in range(rounds):
        order = [known, unknown]
        random.shuffle(order)
        for ask in order:
            begun = time.perf_counter()
            answer = ask(i % PEOPLE)
            took[ask].append((time.perf_counter() - begun) * 1000)
            assert answer.status in (200, 202, 401, 403), answer
    return [statistics.median(took[ask]) for ask in (known, unknown)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    port, failed = free_port(), 0
    mails = Controller(Nowhere(), hostname="127.0.0.1", port=port)
    mails.start()
    with database_of(options.database) as database:
        plane = control.Control(database, ["login.attempts=1000", "login.window=1m", "mail.from=slipway@example.com",
                                           f"mail.server=smtp://127.0.0.1:{port}",
                                           "public_url=https://vpn.example.com"])
        try:
            plane.start()
            plane.admin = plane.administrator()
            for n in range(PEOPLE):
                plane.account(plane.admin, f"known{n}@example.com")
            plane.kept = plane.connection()
            print(f"{options.database}, {options.rounds} pairs each: medians in ms\n"
                  f"  {'':40} {'exists':>8} {'does not':>8} {'apart':>8}")
            for name, (known, unknown) in pairs(plane).items():
                there, gone = measure(known, unknown, options.rounds)
                apart = abs(there - gone)
                failed += apart >= MOST_MS
                print(f"  {name:40} {there:8.2f} {gone:8.2f} {apart:8.2f} {'' if apart < MOST_MS else 'TOO FAR'}",
                      flush=True)
        finally:
            plane.close()
            mails.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
