"""Authenticator apps for tests: the passwords come from oathtool, another implementation of RFC 6238."""
import subprocess
import time


def password(secret, at=None):
    command = ["oathtool", "--totp", "--base32", secret]
    if at is not None:
        command += ["--now", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class App:
    """Gives each password once, as its owner would wait for the next: of the step before first."""

    def __init__(self, secret):
        self.secret, self.last = secret, 0

    def password(self):
        step = max(int(time.time()) // 30 - 1, self.last + 1)
        # All of this and the last step were used: wait for the next one to begin.
        while step > int(time.time()) // 30:
            time.sleep(0.2)
        self.last = step
        return password(self.secret, step * 30)


def enrol_app(plane, token):
    """The authenticator app of a fresh session, and the recovery codes."""
    begun = plane.api("POST", "/me/totp", token=token, status=201)
    app = App(begun["secret"])
    app.enrolment = begun
    codes = plane.api("POST", "/me/totp/confirm", {"otp": app.password()}, token, 200)
    # As if that had been a while ago, so that nobody has to wait for the next password.
    plane.sql(f"UPDATE factors SET counter = 1 WHERE id = '{begun['id']}'")
    app.last = 0
    return app, codes["recovery_codes"]


def enrol(plane, session):
    """Enrols an app in this session; gives its next tokens, which permit everything."""
    app, codes = enrol_app(plane, session["access_token"])
    tokens = plane.api("POST", "/auth/refresh", {"refresh_token": session["refresh_token"]}, status=200)
    return {**tokens, "app": app, "codes": codes}
