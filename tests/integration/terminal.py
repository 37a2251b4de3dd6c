"""A terminal of its own for a program: what it prints there, what is typed into it."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

from slipway import wait_until


class Terminal:
    def __init__(self, words, env, columns=80, rows=24, **more):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(w) for w in words], stdin=slave, stdout=slave, stderr=slave, env=env,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **more)
        os.close(slave)
        self._master, self._bytes = master, b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            while data := os.read(self._master, 65536):
                self._bytes += data
        except OSError:  # its end
            pass

    @property
    def text(self):
        """All that was printed, escape sequences too."""
        return self._bytes.decode(errors="replace")

    @property
    def lines(self):
        """What stands on the lines: without colours, and of a line drawn again the last."""
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.text).replace("\r\n", "\n")
        return [line.rpartition("\r")[2] for line in plain.split("\n")]

    def wait_for(self, pattern, seconds=30):
        return wait_until(lambda: re.search(pattern, self.text) or self._ended(pattern), f"{pattern} on the terminal",
                          seconds)

    def _ended(self, pattern):
        if self.process.poll() is None:
            return None
        self._reader.join(5)
        found = re.search(pattern, self.text)
        assert found, f"ended with {self.process.returncode} without {pattern}:\n{self.text}"
        return found

    def type(self, text):
        os.write(self._master, text.encode())

    def interrupt(self):
        self.type("\x03")

    def wait(self, seconds=30):
        """The exit code, after all it printed was read."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        os.close(self._master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
