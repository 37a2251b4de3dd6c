"""A TCP relay on the loopback that treats connections as bad networks do: slow, cut, gone."""
import contextlib
import socket
import threading
import time


class Wire:
    """Relays to `port`. `cut_after`: bytes from the server (or, with upstream, to it) after which a
    connection is cut; one number for each connection in turn, then none. `bytes_per_second` slows
    the same direction."""

    def __init__(self, port, cut_after=(), bytes_per_second=None, upstream=False):
        self.target = port
        self.cuts = list(cut_after)
        self.rate = bytes_per_second
        self.upstream = upstream
        self.connections = 0
        self.bytes = 0
        self._live = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            cut = self.cuts.pop(0) if self.cuts else None
            server = socket.create_connection(("127.0.0.1", self.target))
            self._live |= {client, server}
            limited, free = (client, server) if self.upstream else (server, client)
            threading.Thread(target=self._relay, args=(limited, free, cut, self.rate),
                             daemon=True).start()
            threading.Thread(target=self._relay, args=(free, limited, None, None),
                             daemon=True).start()

    def _relay(self, source, sink, cut, rate):
        passed = 0
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(16384 if rate is None else max(1024, rate // 20))
                if not data:
                    break
                if cut is not None and passed + len(data) > cut:
                    sink.sendall(data[:max(0, cut - passed)])
                    break
                sink.sendall(data)
                passed += len(data)
                if rate is not None or self.rate is not None:
                    self.bytes += len(data)
                if rate is not None:
                    time.sleep(len(data) / rate)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut_all(self):
        """Cuts every connection that is open now."""
        for end in list(self._live):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._live.clear()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which else takes one more
        self._listener.close()
        self.cut_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
