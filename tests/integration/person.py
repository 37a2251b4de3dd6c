"""Somebody who uses `slipway` on a machine of their own, with pipes and at a terminal."""
import contextlib
import json
import os
import subprocess

import slipway
from terminal import Terminal


class Person:
    """Signed in nowhere; the environment names the server."""

    def __init__(self, server, folder):
        self.server, self.config = server, folder / "config"
        folder.mkdir(exist_ok=True)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("SLIPWAY_", "SSH_"))
                    and k not in ("DISPLAY", "WAYLAND_DISPLAY", "NO_COLOR", "COLUMNS")}
        self.env |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(self.config), "TERM": "xterm-256color",
                     "SLIPWAY_SERVER": server.url, "SLIPWAY_CA": str(server.ca)}

    def at(self, url):
        self.env["SLIPWAY_SERVER"] = url
        return self

    def run(self, *words, check=0, **env):
        done = subprocess.run([str(w) for w in (slipway.SLIPWAY, *words)], env={**self.env, **env},
                              capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == check, f"{words}: {done}"
        return done

    def json(self, *words):
        return json.loads(self.run(*words, "--json").stdout)

    def refused(self, *words, code, check):
        """A command that must fail with this code and exit code; gives what it said."""
        said = json.loads(self.run(*words, "--json", check=check).stderr.splitlines()[-1])
        assert (said["code"], said["exit_code"]) == (code, check), said
        return said

    def terminal(self, *words, **more):
        return Terminal([slipway.SLIPWAY, *words], self.env, **more)

    def sign_in(self, email=slipway.ADMIN_EMAIL, password_file=None):
        self.run("login", "--email", email, "--password-file", password_file or self.server.password_file)
        return self

    @property
    def signed_in(self):
        """What is stored, by server."""
        with contextlib.suppress(FileNotFoundError):
            return json.loads((self.config / "slipway" / "credentials.json").read_text())["servers"]
        return {}
