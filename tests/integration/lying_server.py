"""A server between a client and the real one, which changes what the real one says."""
import contextlib
import http.server
import json
import ssl
import threading


class Liar:
    """Passes requests on to the real server, under its certificate; `change` alters answers, after
    which `asked` has the path."""

    def __init__(self, server, change):
        liar, self.asked = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                headers = {k: v for k, v in self.headers.items()
                           if k.lower() not in ("host", "connection", "content-length")}
                answer = server.request(self.command, self.path, body, headers=headers)
                data = answer.body
                with contextlib.suppress(ValueError):
                    data = json.dumps(change(self.path, json.loads(data))).encode()
                liar.asked.append(self.path)
                self.send_response(answer.status)
                for name in ("Content-Type", "ETag", "Content-Range"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Connection", "close")  # who leaves, leaves nothing open
                self.end_headers()
                self.wfile.write(data)
            do_GET = do_POST = do_PUT = pass_on

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.data / "tls/server.pem", server.data / "tls/server.key")
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.httpd.socket = context.wrap_socket(self.httpd.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.httpd.server_port}"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.httpd.shutdown()
        self.httpd.server_close()
