"""Jobs of a CI provider that publish: with an API key and nothing else."""
import os
import subprocess

import slipway


def test_a_job_publishes_with_nothing_but_a_key(server, tmp_path):
    """What docs/oauth.md tells a CI job to do, with a key for one product."""
    for name in ("vpn", "other"):
        server.cli("product", "create", name, "--title", name)
    key = server.cli("key", "create", "ci", "--product", "vpn", "--expires", "90d", "--permission",
                     "release.write", "--permission", "release.publish.stable", "--permission",
                     "upload.write", "--permission", "release.read.draft")
    assert key["products"] == ["vpn"]
    file = slipway.make_deb(tmp_path / "vpn_1.0.0_amd64.deb")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SLIPWAY_SERVER": server.url,
           "SLIPWAY_CA": str(server.ca), "SLIPWAY_API_KEY": key["key"]}

    def publish(product, version):
        return subprocess.run(
            [slipway.SLIPWAY, "publish", file, "--product", product, "--version", version, "--channel",
             "stable", "--platform", "linux-amd64", "--class", "public", "--json"],
            env=env, capture_output=True, text=True)

    done = publish("vpn", "1.0.0")
    assert done.returncode == 0, done.stderr
    refused = publish("other", "1.0.0")
    assert refused.returncode != 0 and "other" in refused.stderr
    release = server.admin("GET", "/admin/releases?product=vpn", status=200).json["items"][0]
    assert release["state"] == "published"
    # Rotated from the command line, and listed with its owner.
    new = server.cli("key", "rotate", key["id"], "--overlap", "1h")
    assert new["previous_until"] and new["key"] != key["key"]
    assert server.cli("key", "list")["items"][0]["owner"] == slipway.ADMIN_EMAIL
