"""A server that builds its SQL from what it is sent: one injection in each kind of place that injection.py
tries in ours, behind answers as ours are (JSON, 404 for what is not there, no text of the database)."""
import contextlib
import http.server
import json
import re
import sqlite3
import threading
import urllib.parse

ROWS = [(f"id-{n}", f"user{n}@example.com") for n in range(20)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def look_up(self, text):
        """The mistake."""
        with contextlib.closing(sqlite3.connect(":memory:")) as db:
            db.execute("CREATE TABLE accounts (id TEXT, email TEXT)")
            db.executemany("INSERT INTO accounts VALUES (?, ?)", ROWS)
            try:
                found = db.execute(f"SELECT id, email FROM accounts WHERE id = '{text}'").fetchall()
            except sqlite3.Error:
                return self.answer(500, {"code": "internal", "status": 500})
        if not found:
            return self.answer(404, {"code": "account_not_found", "status": 404})
        return self.answer(200, {"items": [{"id": i, "email": e} for i, e in found]})

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if url.path.startswith("/path/"):
            return self.look_up(urllib.parse.unquote(url.path[len("/path/"):]))
        if url.path == "/query":
            return self.look_up(dict(urllib.parse.parse_qsl(url.query)).get("id", ""))
        if url.path == "/header":
            return self.look_up(self.headers.get("X-Request-Id", ""))
        if url.path == "/form":
            return self.look_up(dict(urllib.parse.parse_qsl(body)).get("id", ""))
        if url.path == "/json":
            try:
                member = json.loads(body)["device"]["id"]
            except (ValueError, KeyError, TypeError):
                return self.answer(400, {"code": "invalid_body", "status": 400})
            return self.look_up(member)
        return self.answer(404, {"code": "no_such_endpoint", "status": 404})

    do_GET = do_POST = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Whoever asked has gone away."""


@contextlib.contextmanager
def running():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def requests(port):
    """By the kind of place: a request with that place marked."""
    head = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    made = {"path parameter": f"GET /path/id-1* {head}\r\n",
            "path parameter of what is not there": f"DELETE /path/none* {head}\r\n",
            "query parameter": f"GET /query?id=id-1*&limit=10 {head}\r\n",
            "header": f"GET /header {head}X-Request-Id: id-1*\r\n\r\n",
            "form field": f"POST /form {head}{form}\r\nother=1&id=id-1*",
            "member of a member of a JSON body":
                f'POST /json {head}Content-Type: application/json\r\n\r\n{{"device": {{"id": "id-1*"}}, "x": 1}}'}
    assert all(re.search(r"\*", text) for text in made.values())
    return made
