"""What ends a session, an account's access or a device's ends every token of it: at the API and in nginx
alike, from the moment the request that ended it was answered."""
import pytest
import slipway

PASSWORD = slipway.ADMIN_PASSWORD


@pytest.fixture(scope="module")
def world(server):
    server.cli("product", "create", "demo")
    server.users = 0
    return server


class User:
    """An account with two devices and two sign-ins; what each of them holds."""

    def __init__(self, world):
        world.users += 1
        self.world, self.email = world, f"user{world.users}@example.com"
        self.id = world.cli("account", "create", "--email", self.email, "--role", "user",
                            "--password-file", world.password_file)["account_id"]
        self.key = world.cli("licence", "create", "--account", self.email, "--product", "demo",
                             "--max-devices", "2")["licence_key"]
        self.laptop, self.phone = self.activate("laptop"), self.activate("phone")
        self.one, self.other = self.sign_in(), self.sign_in()

    def activate(self, name):
        return self.world.api("POST", "/licences/activate", {
            "licence_key": self.key, "device": {"name": name, "os": "linux", "arch": "amd64",
                                                "fingerprint": f"{self.email}/{name}".rjust(32, "x")}},
            status=200).json

    def sign_in(self, password=PASSWORD):
        return self.world.api("POST", "/auth/login", {"email": self.email, "password": password},
                              status=200).json

    def alive(self):
        """Which of the tokens work; the API and nginx must say the same."""
        tokens = {"one": (self.one["access_token"], "/me"), "other": (self.other["access_token"], "/me")}
        for name in ("laptop", "phone"):
            held = getattr(self, name)
            tokens[name] = (held["device_token"], "/packages/manifest?product=demo")
            tokens[name + " access"] = (held["access_token"], "/packages/manifest?product=demo")
        found = set()
        for name, (token, path) in tokens.items():
            api = self.world.api("GET", path, token=token).status
            check = self.world.api(
                "GET", "/updates/check?product=demo&version=1.0.0&platform=linux-amd64", token=token)
            # nginx tells a client whose epoch has passed to renew its token, and gives it nothing else.
            dead = check.status == 401 or check.json["reason"] == "credentials_stale"
            assert api == (401 if dead else 200), f"{name}: API {api}, nginx {check}"
            if api == 200:
                found.add(name)
        return found


ALL = {"one", "other", "laptop", "laptop access", "phone", "phone access"}
LAPTOP = {"laptop", "laptop access"}


@pytest.fixture
def user(world):
    made = User(world)
    assert made.alive() == ALL
    return made


def test_signing_a_device_out_ends_its_device_token(world, user):
    world.api("POST", "/auth/logout", {"refresh_token": user.laptop["refresh_token"]}, status=204)
    assert user.alive() == ALL - LAPTOP
    world.api("POST", "/auth/refresh", {"refresh_token": user.laptop["refresh_token"]}, status=401)
    # It is the same device when it comes back, on the same place of the licence.
    device, user.laptop = user.laptop["device_id"], user.activate("laptop")
    assert user.laptop["device_id"] == device
    assert user.alive() == ALL


def test_a_stolen_refresh_token_ends_the_device_token_too(world, user):
    first = user.laptop["refresh_token"]
    for _ in range(2):
        answer = world.api("POST", "/auth/refresh", {"refresh_token": user.laptop["refresh_token"]},
                           status=200).json
        user.laptop = {**user.laptop, **answer}
    assert user.alive() == ALL
    world.api("POST", "/auth/refresh", {"refresh_token": first}, status=401)
    assert user.alive() == ALL - LAPTOP


def test_activating_again_leaves_the_device_token(user):
    before = user.laptop
    user.laptop = user.activate("laptop")
    assert user.alive() == ALL
    user.laptop = before
    assert user.alive() == ALL - {"laptop access"}, "the session of before was replaced"


def test_signing_out_ends_one_session(world, user):
    world.api("POST", "/auth/logout", {"refresh_token": user.one["refresh_token"]}, status=204)
    assert user.alive() == ALL - {"one"}


def test_ending_all_other_sessions_ends_the_devices(world, user):
    world.api("DELETE", "/me/sessions", token=user.one["access_token"], status=204)
    assert user.alive() == {"one"}


def test_ending_the_session_of_a_device(world, user):
    sessions = world.api("GET", "/me/sessions", token=user.one["access_token"], status=200).json["items"]
    of_laptop = [s["id"] for s in sessions if s.get("device_id") == user.laptop["device_id"]]
    assert len(of_laptop) == 1
    world.api("DELETE", f"/me/sessions/{of_laptop[0]}", token=user.one["access_token"], status=204)
    assert user.alive() == ALL - LAPTOP


@pytest.mark.parametrize("change", [{"state": "disabled"}, {"password": "another long enough one"}],
                         ids=["disabled", "password set"])
def test_what_an_administrator_changes(world, user, change):
    world.admin("PATCH", f"/admin/accounts/{user.id}", change, status=200)
    assert user.alive() == set()
    if "state" in change:
        world.admin("PATCH", f"/admin/accounts/{user.id}", {"state": "active"}, status=200)
        assert user.alive() == set(), "what has ended stays ended"


def test_ones_own_new_password(world, user):
    answer = world.api("POST", "/me/password", {
        "current_password": PASSWORD, "new_password": "another long enough one"},
                       token=user.one["access_token"], status=200)
    assert user.alive() == set()
    user.one = answer.json
    assert user.alive() == {"one"}


def test_revocation_of_all_an_account_has(world, user):
    world.admin("DELETE", "/tokens/revoke", {"account_id": user.email}, status=204)
    assert user.alive() == set()


def test_a_removed_device(world, user):
    world.admin("DELETE", f"/admin/devices/{user.laptop['device_id']}", status=204)
    assert user.alive() == ALL - LAPTOP
