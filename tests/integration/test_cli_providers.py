"""Identity providers from the command line, on both databases."""


def test_commands(server, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("not-shown\n")
    made = server.cli(
        "provider", "create", "work", "--preset", "keycloak", "--issuer",
        "https://sso.example.test/realms/staff", "--client-id", "slipway", "--secret-file", secret,
        "--domain", "example.test", "--rule", "group=ops,domain=example.test,role=admin", "--rule",
        "role=user")
    assert made["rules"][0] == {"group": "ops", "domain": "example.test", "role": "admin",
                                "organisation": None}
    assert made["domains"] == ["example.test"] and made["has_client_secret"]
    assert [p["name"] for p in server.cli("provider", "list")["items"]] == ["work"]
    shown = server.cli("provider", "show", "work")
    assert shown["redirect_uri"].endswith("/api/v1/auth/oidc/work/callback")
    assert "not-shown" not in str(shown)
    tried = server.cli("provider", "test", "work", check=False)
    assert tried.returncode != 0 and "sso.example.test" in tried.stdout + tried.stderr
    wrong = server.cli("provider", "create", "x", "--client-id", "c", "--rule", "admin", check=False)
    assert wrong.returncode == 2 and "group=ops,role=admin" in wrong.stdout + wrong.stderr
    server.cli("provider", "delete", "work")
    assert server.cli("provider", "list")["items"] == []
