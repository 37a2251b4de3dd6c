"""The command line without a server: help, completion, exit codes, keys, the library's archive."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unicodedata

import pytest

import slipway

PROGRAMS = {"slipway": slipway.SLIPWAY, "slipway-update": slipway.UPDATE}
DOCS = {"slipway": "cli.md", "slipway-update": "slipway-update.md"}


def run(*words, check=None, env=None, **more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60,
                          env={**clean, **(env or {})}, **more)
    if check is not None:
        assert done.returncode == check, f"{words}: {done}"
    return done


def complete(program, *words):
    return run(PROGRAMS[program], "__complete", *words, check=0).stdout.splitlines()


def all_commands(program, *words):
    found = []
    for line in complete(program, *words, ""):
        word, _, text = line.partition("\t")
        if text == "a group of commands":
            found += all_commands(program, *words, word)
        else:
            found.append((*words, word))
    return found


def columns(text):
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


COMMANDS = [(p, c) for p in PROGRAMS for c in all_commands(p)]


def test_every_command_is_there():
    names = {" ".join(c) for p, c in COMMANDS if p == "slipway"}
    assert {"init", "serve", "publish", "product create", "release promote", "package block",
            "account create", "org list", "licence extend", "device revoke", "key create",
            "download show", "audit list", "stats", "token revoke", "explain", "login", "logout",
            "whoami", "setup", "doctor", "keygen", "sign", "version", "completion", "account delete",
            "account close", "invitation accept", "org members", "role permissions", "session approve",
            "factor reset", "identity list", "token inspect"} <= names
    assert {"check", "download", "verify"} <= {" ".join(c) for p, c in COMMANDS
                                               if p == "slipway-update"}


@pytest.mark.parametrize("program,command", COMMANDS, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_help_of_every_command(program, command):
    done = run(PROGRAMS[program], *command, "--help", check=0, env={"COLUMNS": "80"})
    assert done.stdout.startswith(f"{program} {' '.join(command)}: ")
    assert "Usage:" in done.stdout
    assert max(columns(line) for line in done.stdout.splitlines()) <= 80


@pytest.mark.parametrize("program,command", COMMANDS, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_examples_are_the_same_at_any_width(program, command):
    """However they are broken, a shell reads the same words."""
    def examples(width):
        text = run(PROGRAMS[program], *command, "--help", check=0, env={"COLUMNS": str(width)}).stdout
        lines = text.partition("\nExamples:\n")[2].partition("\nNext:")[0].replace("\\\n", " ")
        return [line.split() for line in lines.splitlines()]
    assert examples(60) == examples(80) == examples(500)


@pytest.mark.parametrize("program", PROGRAMS)
def test_reference_is_what_the_documentation_holds(program):
    document = slipway.ROOT / "docs" / DOCS[program]
    printed = run(PROGRAMS[program], "reference", check=0).stdout
    assert document.read_text() == printed, \
        f"run: build/{program} reference > docs/{DOCS[program]}"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(program, shell):
    script = run(PROGRAMS[program], "completion", shell, check=0).stdout
    assert program in script and "@ completion" not in script
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    run(shell, "-n", input=script, check=0)


def test_bash_completes_for_real(tmp_path):
    (tmp_path / "package.deb").touch()
    script = f"""
        PATH={slipway.BUILD}:$PATH
        eval "$(slipway completion bash)"
        try() {{ COMP_WORDS=(slipway "$@"); COMP_CWORD=$#; COMPREPLY=(); _slipway; echo "${{COMPREPLY[*]}}"; }}
        compopt() {{ :; }}
        try lic; try licence ex; try publish --cl; try publish --class pu; try publish package
    """
    done = run("bash", "-c", script, cwd=tmp_path, check=0)
    assert done.stdout.splitlines() == ["licence", "extend", "--class", "public", "package.deb"]
    assert done.stderr == ""


USAGE = [
    (["nonsense"], "is no command of slipway"),
    (["relase", "list"], 'did you mean "slipway release"?'),
    (["product"], "is a group of commands"),
    (["product", "create"], "NAME is missing"),
    (["publish", "/nonexistent", "--product", "p"], "slipway: /nonexistent: No such file"),
    (["publish", "/bin/ls", "--product", "p", "--version", "1.0.0", "--platform", "linux-amd64", "--class",
      "enterprise"], "--class enterprise needs --org"),
    (["publish", "/bin/ls", "--product", "p", "--version", "1.0.0", "--platform", "linux-amd64", "--org",
      "acme"], "--org belongs to --class enterprise"),
    (["licence", "extend", "x", "--expires", "whenever"], "is no time"),
    (["product", "list", "--limit", "-5"], "is no whole number"),
    (["product", "list", "--server", "http://example.com"], "over https only"),
    (["product", "list"], "no server is known"),
]


@pytest.mark.parametrize("words,said", USAGE, ids=lambda v: "-".join(v)[:30] if isinstance(v, list) else "")
def test_mistakes_exit_with_2(words, said, tmp_path):
    done = run(slipway.SLIPWAY, *words, check=2, env={"HOME": str(tmp_path)})
    assert said in done.stderr and done.stdout == ""
    told = json.loads(run(slipway.SLIPWAY, *words, "--json", check=2,
                          env={"HOME": str(tmp_path)}).stderr)
    assert told["exit_code"] == 2 and told["error"] == "invalid"


VERIFY = [
    (["/bin/ls", "--sha256", "zz"], '--sha256: "zz" is no SHA-256 digest'),
    (["/bin/ls", "--publisher-key", "/etc/hostname"], "Publisher key 1 is no minisign public key"),
    (["/bin/ls"], "--product, --platform and --installed"),
]


@pytest.mark.parametrize("words,said", VERIFY)
def test_mistakes_of_the_client(words, said, tmp_path):
    done = run(slipway.UPDATE, "verify", *words, check=2, env={"HOME": str(tmp_path)})
    assert said in done.stderr


def test_a_directory_in_use_is_left_alone(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "letters").write_text("dear")
    before = home.stat()
    done = run(slipway.SLIPWAY, "init", "--data", home, check=6)
    assert "is not empty: it has letters in it" in done.stderr
    after = home.stat()
    assert [p.name for p in home.iterdir()] == ["letters"]
    assert (before.st_mode, before.st_uid) == (after.st_mode, after.st_uid)
    # What an interrupted init left behind, and a fresh file system, are no obstacle.
    begun = tmp_path / "begun"
    for name in ("keys", "db", "lost+found"):
        (begun / name).mkdir(parents=True)
    done = run(slipway.SLIPWAY, "init", "--data", begun, check=0)
    assert f"slipway serve --data {begun}" in done.stdout and "sls_" in done.stdout


def test_a_database_that_is_away_is_said_at_once(tmp_path):
    url = f"postgresql://nobody:secret@127.0.0.1:{slipway.free_port()}/x"
    done = run(slipway.SLIPWAY, "init", "--data", tmp_path / "data", "--database", url, check=11)
    assert "the database does not answer. Does it run" in done.stderr
    assert "secret" not in done.stderr and done.stderr.count("refused") == 1


def test_no_network(tmp_path):
    port = slipway.free_port()
    done = run(slipway.SLIPWAY, "--server", f"https://127.0.0.1:{port}", "--json", "product", "list",
               check=11, env={"HOME": str(tmp_path)})
    assert json.loads(done.stderr)["code"] == "network"
    done = run(slipway.UPDATE, "check", "--server", f"https://127.0.0.1:{port}", "--product", "x",
               "--platform", "linux-amd64", "--installed", "1.0.0", "--state", tmp_path / "s",
               "--json", check=11)
    assert json.loads(done.stderr)["code"] == "network"
    assert done.stdout == ""


def test_a_full_disk_behind_stdout_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([slipway.SLIPWAY, "--help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 12 and b"No space" in done.stderr


def test_a_reader_that_has_enough_is_no_failure():
    """`slipway … | head` ends like any program: by SIGPIPE and without a word."""
    for words in (["reference"], ["reference", "--json"]):
        process = subprocess.Popen([slipway.SLIPWAY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == -signal.SIGPIPE


def test_keys_and_signatures_agree_with_minisign(tmp_path):
    run(slipway.SLIPWAY, "keygen", "--output", "k", cwd=tmp_path, check=0)
    assert (tmp_path / "k.key").stat().st_mode & 0o777 == 0o600
    run(slipway.SLIPWAY, "keygen", "--output", "k", cwd=tmp_path, check=6)
    (tmp_path / "f").write_bytes(os.urandom(100000))
    run(slipway.SLIPWAY, "sign", "f", "--key", "k.key", cwd=tmp_path, check=0)
    verify = [slipway.UPDATE, "verify", "f", "--signature", "f.minisig", "--publisher-key",
              "k.pub", "--json"]
    assert json.loads(run(*verify, cwd=tmp_path, check=0).stdout)["signature"] == "verified"
    if shutil.which("minisign"):
        run("minisign", "-V", "-p", "k.pub", "-m", "f", cwd=tmp_path, check=0)
        run("minisign", "-G", "-W", "-p", "m.pub", "-s", "m.key", cwd=tmp_path, check=0)
        run("minisign", "-S", "-s", "m.key", "-m", "f", cwd=tmp_path, check=0)
        run(*verify[:6], "m.pub", cwd=tmp_path, check=0)
    with open(tmp_path / "f", "r+b") as f:
        f.write(b"x")
    told = run(*verify, cwd=tmp_path, check=4)
    assert json.loads(told.stderr)["code"].startswith("signature_")
    digest = "0" * 64
    assert json.loads(run(slipway.UPDATE, "verify", "f", "--sha256", digest, "--json", cwd=tmp_path,
                          check=16).stderr)["code"] == "digest_mismatch"


def test_the_library_keeps_its_names_to_itself():
    archive = slipway.BUILD / "client" / "libslipway.a"
    names = run("nm", "-g", "--defined-only", "-P", archive, check=0).stdout.splitlines()
    names = [line.split()[0] for line in names if " T " in line or " D " in line or " B " in line]
    assert "slipway_check" in names
    assert all(name.startswith("slipway_") for name in names), names


EMBEDDED = """
#include <slipway.h>
#include <stdio.h>
int buf_add(void); /* a name of ours inside: must not clash */
int buf_add(void) { return 0; }
int main(int argc, char **argv)
{
	struct slipway_settings settings = {SLIPWAY_API_VERSION};
	struct slipway *s;
	struct slipway_problem problem;
	struct slipway_update *update;
	settings.server = argv[1];
	settings.product = "demo";
	settings.platform = "linux-amd64";
	settings.installed = "1.0.0";
	settings.state_dir = argv[2];
	if (argc != 3 || slipway_open(&settings, &s, &problem) != SLIPWAY_OK) {
		puts(problem.code);
		return 1;
	}
	enum slipway_status status = slipway_check(s, NULL, &update);
	puts(slipway_problem_get(s)->code);
	slipway_close(s);
	return buf_add() + status;
}
"""


@pytest.mark.parametrize("compiler,suffix", [("cc", ".c"), ("g++", ".cc")])
def test_embedding_in_c_and_cpp(tmp_path, compiler, suffix):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / f"embedded{suffix}"
    source.write_text(EMBEDDED.replace("int buf_add(void); /*", "/*") if suffix == ".cc" else EMBEDDED)
    run(compiler, "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror",
        f"-I{slipway.ROOT / 'client'}", source, "-o", tmp_path / "embedded",
        slipway.BUILD / "client" / "libslipway.a", "-lcurl", "-ljansson", "-lcrypto", "-largon2",
        "-lpthread", check=0)
    done = run(tmp_path / "embedded", f"https://127.0.0.1:{slipway.free_port()}", tmp_path / "state",
               check=11)
    assert done.stdout == "network\n"
    run(tmp_path / "embedded", "http://127.0.0.1", tmp_path / "state", check=1)


def test_doctor_of_what_is_no_server(tmp_path):
    done = run(slipway.SLIPWAY, "doctor", "--data", tmp_path, "--json", check=6,
               env={"HOME": str(tmp_path)})
    found = json.loads(done.stdout)
    assert found["problems"] == 1 and found["checks"][0]["check"] == "data"
    assert pathlib.Path(tmp_path).exists()
