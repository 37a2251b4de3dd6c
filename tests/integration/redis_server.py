"""A throw-away Redis (tests/support/redis.sh) that can be stopped, started, made to hang and emptied."""
import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "support" / "redis.sh"


class Redis:
    def __init__(self, *options):
        self.process = subprocess.Popen([SCRIPT, *map(str, options)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, "tests/support/redis.sh did not start Redis"
        self.socket = self.url.removeprefix("redis+unix://")

    def tell(self, word):
        """stop (SIGKILL), start, pause (SIGSTOP), resume."""
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == word

    def cli(self, *words, user=None, password=None):
        """What redis-cli prints, as it does for programs."""
        command = ["redis-cli", "-s", self.socket, "--no-auth-warning"]
        if user:
            command += ["--user", user, "--pass", password]
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def content(self):
        """All there is: key and value."""
        return {key: self.cli("GET", key) for key in self.cli("KEYS", "*").splitlines()}

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
