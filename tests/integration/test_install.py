"""What `make install` puts in place: it runs from there, and the unit file is one systemd takes."""
import os
import shutil
import signal
import subprocess

import pytest

import slipway
from slipway import Server


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that stands for /."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", slipway.BUILD, "--no-rebuild", "--quiet", "--destdir", root],
                   check=True, capture_output=True)
    return root


def find(root, name):
    found = [p for p in root.rglob(name) if p.is_file()]
    assert len(found) == 1, (name, found)
    return found[0]


def test_installed_programs_run_from_anywhere(installed, tmp_path, monkeypatch):
    """With the module and the pages that were installed beside them, from another directory."""
    program = find(installed, "slipway")
    assert os.access(program, os.X_OK) and os.access(find(installed, "slipway-update"), os.X_OK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slipway, "SLIPWAY", program)
    server = Server()
    try:
        server.start()
        assert server.request("GET", "/readyz").status == 200
        for name, copy in (("ngx_http_slipway_module.so", "run/ngx_http_slipway_module.so"), ("app.js", "run/web/app.js")):
            assert (server.data / copy).read_bytes() == find(installed, name).read_bytes()
        server.process.send_signal(signal.SIGHUP)
        slipway.wait_until(lambda: "nginx reloads" in server.log.read_text(), "the reload")
        assert server.stop() == 0
    finally:
        server.close()


def test_the_unit_is_good_and_hardened(installed, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = find(installed, "slipway.service").read_text()
    program = find(installed, "slipway")
    # Where it will be, the program is; here it is below the folder that stands for /.
    assert f"ExecStart=/{program.relative_to(installed)} serve " in text and "@" not in text.replace("@system-service", "")
    unit = tmp_path / "slipway.service"
    unit.write_text(text.replace(f"=/{program.relative_to(installed)}", f"={program}"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert verified.returncode == 0 and "slipway" not in verified.stderr, verified.stderr
    rated = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=40", unit],
                           capture_output=True, text=True)
    assert rated.returncode == 0, rated.stdout[-3000:]
