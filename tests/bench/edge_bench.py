"""Measures the data plane against the same nginx doing the same without us, in interleaved pairs.
Prints one JSON row per measurement: name, unit, value, reference, ratio, hold, ok.

CPU of the one worker per request (or per GB), from the scheduler's own count; ratios are medians
over pairs with the interquartile range, so that a noisy machine shows as a wide interval.
Usage: edge_bench.py [--pairs N] [--seconds S] [NAME …]"""
import argparse
import base64
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from edge import Edge  # noqa: E402

CHECK = "/api/v1/updates/check?product=vpn&version=1.0.0&platform=linux-x86_64&cohort=7"
BIG = 50 << 20
# nginx and the load share one core, and neither preempts the other: each works off what has come
# and then waits. Otherwise the kernel's share depends on which of the two is the quicker: a wake-up of
# another core, or a context switch, for each answer of the slower of two servers.
CORE = max(os.sched_getaffinity(0))


def cpu_ns(edge):
    return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
               for pid in edge.workers())


def load(edge, path, seconds, headers=(), connections=32, tls=False):
    """CPU seconds of nginx, requests and bytes of one round of wrk."""
    url = (f"https://127.0.0.1:{edge.tls_port}" if tls else f"http://127.0.0.1:{edge.http_port}") + path
    command = ["taskset", "-c", str(CORE), "chrt", "-b", "0", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(edge.dir / "count.lua")]
    for header in headers:
        command += ["-H", header]
    before = cpu_ns(edge)
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True)
    spent = (cpu_ns(edge) - before) / 1e9
    result = json.loads(done.stderr.strip().splitlines()[-1])
    assert not result["bad"], (path[:100], result)
    return spent, result["requests"], result["bytes"]


def start(edge):
    edge.start()
    for pid in edge.workers():
        os.sched_setaffinity(pid, {CORE})
        os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


COUNT = """
done = function(summary)
    io.stderr:write(string.format('{"requests":%d,"bytes":%d,"bad":%d}\\n', summary.requests,
        summary.bytes, summary.errors.status))
end
"""


def per_request(result):
    return result[0] / result[1] * 1e6


def per_gb(result):
    return result[0] / result[2] * 1e9


def pairs(measure, reference, unit, count):
    """Median of each and of their ratio; each pair in turn one way round and the other."""
    ours, theirs, ratios = [], [], []
    for i in range(count + 1):
        first, second = (measure, reference) if i % 2 else (reference, measure)
        a, b = first(), second()
        mine, other = (a, b) if i % 2 else (b, a)
        if i == 0:
            continue  # warming up
        ours.append(unit(mine))
        theirs.append(unit(other))
        ratios.append(ours[-1] / theirs[-1])
    quartiles = statistics.quantiles(ratios, n=4) if count > 1 else [ratios[0]] * 3
    return statistics.median(ours), statistics.median(theirs), statistics.median(ratios), quartiles


class Bench:
    def __init__(self, options):
        self.options = options
        self.edges = []

    def edge(self, server="", http="", releases=10):
        edge = Edge(level="error", http=http, server=server + """
            location /d/ { slipway_download; }
            location = /api/v1/updates/check { slipway_update_check; }
            location /plain/ { alias %(dir)s/blobs/; }
            keepalive_requests 100000000;
        """)
        self.edges.append(edge)
        conf = edge.dir / "nginx.conf"
        text = conf.read_text()
        for line in ("facts.log facts;", "access.log everything;"):
            text = text.replace(f"access_log {edge.dir}/{line}", "access_log off;" if "facts" in line else "")
        conf.write_text(text.replace("slipway_token_cache 1m;", "slipway_token_cache 16m;"))
        (edge.dir / "count.lua").write_text(COUNT)
        edge.product()
        edge.apply(*(edge.release(f"1.{i // 100}.{i % 100}") for i in range(releases)))
        return edge

    def row(self, name, unit, measure, reference, convert, hold, at_least=False):
        value, other, ratio, quartiles = pairs(measure, reference, convert, self.options.pairs)
        print(json.dumps({"name": name, "unit": unit, "value": round(value, 3), "reference": round(other, 3),
                          "ratio": round(ratio, 3), "interval": [round(quartiles[0], 3), round(quartiles[2], 3)],
                          "hold": hold, "ok": ratio >= hold if at_least else ratio <= hold}), flush=True)

    def same_body(self, edge):
        """A location that returns what an update check answers, by nginx's own means."""
        start(edge)
        body = edge.get(CHECK).body.decode()
        edge.close_nginx()
        conf = edge.dir / "nginx.conf"
        conf.write_text(conf.read_text().replace(
            "location = /api/", f"location = /same {{ default_type application/json; return 200 '{body}'; }}\n"
            "            location = /api/"))
        start(edge)
        return edge

    def check(self):
        edge = self.same_body(self.edge())
        s = self.options.seconds
        self.row("update check, anonymous", "us/request", lambda: load(edge, CHECK, s),
                 lambda: load(edge, "/same", s), per_request, 1.3)
        header = [f"Authorization: Bearer {edge.token('device', licence='lic_1', entitlements='pro team')}"]
        self.row("update check, device token", "us/request", lambda: load(edge, CHECK, s, header),
                 lambda: load(edge, "/same", s, header), per_request, 1.6)

    def growth(self):
        few, many = self.edge(), self.edge(releases=10000)
        start(few)
        start(many)
        s = self.options.seconds
        recent = CHECK.replace("1.0.0", "1.99.99")
        self.row("update check, 10,000 releases", "us/request", lambda: load(many, recent, s),
                 lambda: load(few, CHECK.replace("1.0.0", "1.0.9"), s), per_request, 1.1)
        self.row("update check, 10,000 releases, old client", "us/request", lambda: load(many, CHECK, s),
                 lambda: load(few, CHECK, s), per_request, 1.1)

    def large(self):
        edge = self.edge()
        digest = edge.blob(os.urandom(BIG))
        start(edge)
        token = edge.download_token(digest, "f")
        plain, ours = f"/plain/{digest[:2]}/{digest[2:4]}/{digest}", f"/d/{token}/f"
        for name, tls in (("HTTP", False), ("HTTPS", True)):
            self.row(f"download of 50 MB, {name}", "s/GB",
                     lambda: load(edge, ours, 2 * self.options.seconds, connections=4, tls=tls),
                     lambda: load(edge, plain, 2 * self.options.seconds, connections=4, tls=tls), per_gb, 1.02)

    def small(self):
        edge = self.edge(server="""
            location /linked/ {
                secure_link $arg_md5,$arg_expires;
                secure_link_md5 "$secure_link_expires$uri secret";
                if ($secure_link = "") { return 403; }
                if ($secure_link = "0") { return 410; }
                alias %(dir)s/blobs/;
            }
        """)
        digest = edge.blob(os.urandom(1024))
        start(edge)
        uri = f"/linked/{digest[:2]}/{digest[2:4]}/{digest}"
        md5 = base64.urlsafe_b64encode(hashlib.md5(f"9999999999{uri} secret".encode()).digest()).decode().rstrip("=")
        linked = f"{uri}?md5={md5}&expires=9999999999"
        ours = f"/d/{edge.download_token(digest, 'f')}/f"
        s = self.options.seconds
        self.row("small file, cached token", "requests per CPU second / secure_link's", lambda: load(edge, ours, s),
                 lambda: load(edge, linked, s), lambda r: r[1] / r[0], 0.9, at_least=True)
        self.row("small file, no token", "requests per CPU second / secure_link's",
                 lambda: load(edge, f"/plain/{digest[:2]}/{digest[2:4]}/{digest}", s),
                 lambda: load(edge, linked, s), lambda r: r[1] / r[0], 0.9, at_least=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("names", nargs="*", default=[])
    options = parser.parse_args()
    bench = Bench(options)
    try:
        for name in options.names or ["check", "growth", "large", "small"]:
            getattr(bench, name)()
    finally:
        for edge in bench.edges:
            edge.close()


if __name__ == "__main__":
    main()
