"""The documents say what is true: requirements.md names what exists, links lead somewhere, and the
commands they show are commands. No server is needed."""
import pathlib
import re
import subprocess

import pytest

import slipway

DOCUMENTS = [slipway.ROOT / "README.md", *sorted((slipway.ROOT / "docs").glob("*.md"))]
STATUSES = ("works", "partly", "not yet")
# How many numbers each section of the plan has. 4.3, 6.1 and 11.1 are diagrams.
PLAN = {"1.1": 5, "1.2": 6, "1.3": 4, "2.1": 4, "2.2": 4, "2.3": 6, "3.1": 5, "3.2": 5, "3.3": 4,
        "4.1": 5, "4.2": 5, "4.4": 4, "5.1": 5, "5.2": 5, "5.3": 5, "6.2": 5, "6.3": 4, "6.4": 4,
        "7.1": 5, "7.2": 5, "7.3": 5, "8.1": 5, "8.2": 5, "8.3": 4, "9.1": 5, "9.2": 5, "9.3": 5,
        "10.1": 5, "10.2": 4, "10.3": 5, "11.2": 5, "11.3": 5, "11.4": 5}
NUMBERS = [f"{section}.{n}" for section, count in PLAN.items() for n in range(1, count + 1)]


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def code(text):
    """What stands in backquotes."""
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture(scope="module")
def requirements():
    """The rows of requirements.md: number, asked, status, note, where, tests."""
    text = (slipway.ROOT / "docs" / "requirements.md").read_text()
    return [cells(line) for line in text.splitlines() if re.match(r"\| \d+\.\d+\.\d+ \|", line)]


def test_the_plan_has_158_numbers():
    assert len(NUMBERS) == len(set(NUMBERS)) == 158


def test_every_number_has_one_row(requirements):
    assert [row[0] for row in requirements] == NUMBERS
    for row in requirements:
        assert len(row) == 6, row
        assert row[1], f"{row[0]}: what is asked for?"
        assert row[2] in STATUSES, row
        assert row[2] == "works" or row[3], f"{row[0]} is {row[2]} without a note"


def test_what_works_is_shown_by_a_test(requirements):
    wrong = []
    for number, _, status, _, where, tests in requirements:
        if status == "works" and not code(tests):
            wrong.append(f"{number} works, and no test shows it")
        if status == "not yet" and (code(where) or code(tests)):
            wrong.append(f"{number} is not there yet, but in {where} {tests}")
        for path in code(where):
            if not (slipway.ROOT / path).is_file():
                wrong.append(f"{number}: there is no {path}")
        for test in code(tests):
            path, _, name = test.partition("::")
            file = slipway.ROOT / path
            defined = {".py": rf"^def {name}\(", ".mjs": rf"^export async function {name}\("}.get(
                file.suffix, rf"^(static )?void {name}\(")
            if not path.startswith("tests/") or not file.is_file():
                wrong.append(f"{number}: there is no {path}")
            elif not name or not re.search(defined, file.read_text(), re.MULTILINE):
                wrong.append(f"{number}: there is no {name} in {path}")
        if status != "not yet" and not code(where):
            wrong.append(f"{number} is {status}: where?")
    assert not wrong, "\n".join(wrong)


def test_the_count_at_the_end(requirements):
    text = (slipway.ROOT / "docs" / "requirements.md").read_text().partition("## Count")[2]
    counted = {status: sum(row[2] == status for row in requirements) for status in STATUSES}
    assert {status: int(re.search(rf"\| {status} \| (\d+) \|", text)[1]) for status in STATUSES} == counted


# Links and paths ----------------------------------------------------------------------------------

def prose(document):
    """Without fenced code."""
    return re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), f"{document.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_paths_of_the_tree_exist(document):
    """What is named as a path of the source tree is one."""
    tops = {p.name for p in slipway.ROOT.iterdir() if p.is_dir()} - {"build", ".git"}
    for path in code(prose(document)):
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", path) and path.split("/")[0] in tops:
            assert (slipway.ROOT / path).exists() or path.startswith("state/"), f"{document.name}: {path}"


def test_architecture_names_every_floor():
    text = (slipway.ROOT / "docs" / "architecture.md").read_text()
    floors = set(re.findall(r"`(src/[a-z]+)`", text))
    assert floors == {f"src/{p.name}" for p in (slipway.ROOT / "src").iterdir() if p.is_dir()}


# Commands -----------------------------------------------------------------------------------------

def shown_commands(document):
    """Command lines of slipway and slipway-update in code blocks, as (program, words)."""
    text = document.read_text()
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += ["\n".join(m) for m in [re.findall(r"^    (slipway.*)$", text, re.MULTILINE)]]
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        words = line.partition(" #")[0].split()
        if words and words[0] in ("slipway", "slipway-update"):
            # Not the drawings: a command is written to the left or with a plain indentation.
            if len(words) > 1 and re.match(r"[a-z-]+$", words[1]):
                yield words[0], words[1:]


def help_of(program, words):
    done = subprocess.run([slipway.BUILD / program, *words, "--help"], capture_output=True, text=True, timeout=20)
    return done.stdout if done.returncode == 0 else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_commands_and_options_exist(document):
    for program, words in shown_commands(document):
        line = " ".join([program, *words])
        # Options of slipway-update may stand before its command.
        plain = [w for w in words if re.fullmatch(r"[a-z][a-z-]*", w)]
        known = None
        for path in (words[:2], words[:1], *([w] for w in plain)):
            if all(re.fullmatch(r"[a-z][a-z-]*", w) for w in path):
                known = known or help_of(program, path)
        assert known, f"{document.name}: no such command: {line}"
        for option in (w.partition("=")[0] for w in words if w.startswith("--")):
            assert re.search(rf"(?m)^  {option}(\s|$)", known), f"{document.name}: {option} in: {line}"
