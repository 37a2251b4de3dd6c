#!/usr/bin/env python3
"""Turns SQL files into C.

  gen-queries.py queries FLOOR.sql OUT.h OUT.c       named statements of one floor
  gen-queries.py registry OUT.c FLOOR.sql…           all_statements[]: every statement, for tests
  gen-queries.py migrations OUT.c NNNN_name.sql…     db_migrations[]: the schema, per engine

A file of statements is made of blocks:

  -- name: account_find_by_email
  -- (any comment)
  SELECT id, email FROM accounts WHERE email_key = $1;

A migration is ordinary SQL with the macros of MACROS below; see migration_texts().
"""
import hashlib
import pathlib
import re
import sys

NAME = re.compile(r"^-- name:\s*(\S+)\s*$")
# A quoted string, a quoted identifier or a comment: never looked into.
OPAQUE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.S)
TRIGGER_BODY = re.compile(r"(\bCREATE\s+TRIGGER\b[^;]*?)\bBEGIN\b.*?\bEND\b", re.S | re.I)
# What a macro becomes: SQLite, PostgreSQL.
MACROS = {
    "id": ("TEXT", "TEXT"),
    "blob": ("BLOB", "BYTEA"),
    "time": ("BIGINT", "BIGINT"),
    "json": ("TEXT", "TEXT"),
    "bool": ("BIGINT", "BIGINT"),
}


def fail(path, message):
    sys.exit(f"{path}: {message}")


def without_comments(text):
    def keep(match):
        return " " if match.group()[:2] in ("--", "/*") else match.group()
    text = OPAQUE.sub(keep, text)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def code_of(text):
    """The text with everything quoted blanked out, of the same length."""
    return OPAQUE.sub(lambda m: " " * len(m.group()), text)


def split_statements(text):
    """The statements of text, each without its semicolon; the rest behind the last one last."""
    code, parts, start = code_of(text), [], 0
    # The statements within a trigger's body are part of it.
    code = TRIGGER_BODY.sub(lambda m: m.group(1) + " " * (len(m.group()) - len(m.group(1))), code)
    for match in re.finditer(";", code):
        parts.append(text[start:match.start()].strip())
        start = match.end()
    return parts, text[start:].strip()


def c_string(text, indent="\t"):
    def escape(line):
        return line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("?", "\\?")
    lines = text.split("\n")
    return "\n".join(f'{indent}"{escape(line)}{chr(92) + "n" if i + 1 < len(lines) else ""}"'
                     for i, line in enumerate(lines))


def count_parameters(path, name, text):
    """SQLite numbers $n by appearance: the two numberings must be the same."""
    code = code_of(text)
    if re.search(r"\?|[:@]\w", code):
        fail(path, f"{name}: parameters are written $1 … $n")
    seen = []
    for match in re.finditer(r"\$(\w*)", code):
        if not match.group(1).isdigit():
            fail(path, f"{name}: '{match.group()}' is no parameter; they are written $1 … $n")
        number = int(match.group(1))
        if number not in seen:
            seen.append(number)
            if number != len(seen):
                fail(path, f"{name}: ${number} appears where ${len(seen)} is due: number the "
                           "parameters in order of first appearance")
    return len(seen)


def read_blocks(path):
    blocks, name, lines = [], None, []

    def finish():
        text = without_comments("\n".join(lines))
        if name is None:
            if text:
                fail(path, "text before the first '-- name:' line")
            return
        statements, rest = split_statements(text)
        if len(statements) != 1 or not statements[0] or rest:
            fail(path, f"{name}: a block is exactly one statement ending in ';'")
        if any(name == other for other, _, _ in blocks):
            fail(path, f"{name}: defined twice")
        blocks.append((name, statements[0], count_parameters(path, name, statements[0])))

    for line in pathlib.Path(path).read_text().splitlines():
        match = NAME.match(line)
        if match:
            finish()
            name, lines = match.group(1), []
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                fail(path, f"'{name}' is no name for a statement")
        else:
            lines.append(line)
    finish()
    return blocks


def queries(source, header, code):
    blocks = read_blocks(source)
    stem = pathlib.Path(header).stem
    origin = f"/* Made from {pathlib.Path(source).name} by scripts/gen-queries.py. */\n"
    guard = f"SLIPWAY_{stem.upper()}_H"
    out = [origin, f'#ifndef {guard}\n#define {guard}\n\n#include "db/statement.h"\n\n']
    for name, _, count in blocks:
        out.append(f"extern const struct db_statement {name}; /* parameters: {count} */\n")
    pathlib.Path(header).write_text("".join(out) + "\n#endif\n")
    out = [origin, f'#include "{pathlib.Path(header).name}"\n']
    for name, text, count in blocks:
        out.append(f'\nconst struct db_statement {name} = {{\n\t"{name}",\n{c_string(text)},\n'
                   f"\t{count}}};\n")
    pathlib.Path(code).write_text("".join(out))


def registry(code, sources):
    names = {}
    for source in sources:
        for name, _, _ in read_blocks(source):
            if name in names:
                fail(source, f"{name}: defined in {names[name]} too")
            names[name] = source
    out = ["/* Every named statement of the program. Made by scripts/gen-queries.py. */\n",
           '#include "db/statement.h"\n\n']
    out += [f"extern const struct db_statement {name};\n" for name in names]
    out.append("\nconst struct db_statement *const all_statements[] = {\n")
    out += [f"\t&{name},\n" for name in names]
    out.append("};\nconst size_t all_statements_count = "
               "sizeof(all_statements) / sizeof(all_statements[0]);\n")
    pathlib.Path(code).write_text("".join(out))


def expand(path, text, column):
    def macro(match):
        if match.group(1) not in MACROS:
            fail(path, f"unknown macro {match.group()}")
        return MACROS[match.group(1)][column]
    return re.sub(r"\{(\w+)\}", macro, text)


def outside_quotes(text, pattern, replacement):
    parts, start = [], 0
    for match in OPAQUE.finditer(text):
        parts += [re.sub(pattern, replacement, text[start:match.start()]), match.group()]
        start = match.end()
    return "".join(parts) + re.sub(pattern, replacement, text[start:])


def migration_texts(path, text):
    """SQLite: integers are INTEGER, tables STRICT. PostgreSQL: text is compared by its bytes, as
    SQLite does, whatever the collation of the database. A statement that begins with {sqlite} or
    {postgresql} is for that engine alone: for triggers, which have no common form."""
    statements, rest = split_statements(text)
    if rest or not statements:
        fail(path, "each statement ends in ';'")
    lite, postgres = [], []
    for statement in statements:
        only = re.match(r"\{(sqlite|postgresql)\}\s*", statement)
        if only:
            engine = lite if only.group(1) == "sqlite" else postgres
            engine.append(statement[only.end():])
            continue
        is_table = re.match(r"CREATE\s+TABLE\b", statement, re.I)
        sqlite_text = outside_quotes(expand(path, statement, 0), r"\bBIGINT\b", "INTEGER")
        lite.append(sqlite_text + (" STRICT" if is_table else ""))
        postgres_text = expand(path, statement, 1)
        if is_table or re.match(r"ALTER\s+TABLE\b", statement, re.I):
            postgres_text = outside_quotes(postgres_text, r"\bTEXT\b", 'TEXT COLLATE "C"')
        postgres.append(postgres_text)
    return ";\n".join(lite) + ";", ";\n".join(postgres) + ";"


def migrations(code, sources):
    out = ["/* Made from sql/migrations by scripts/gen-queries.py. */\n",
           '#include "db/migration.h"\n\nconst struct db_migration db_migrations[] = {\n']
    last = -1
    for source in sources:
        path = pathlib.Path(source)
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        number = int(match.group(1)) if match else -1
        if number <= last or (last < 0 and number != 0):
            fail(path, "must be called NNNN_NAME.sql, with 0000 first and ascending numbers")
        last = number
        text = without_comments(path.read_text())
        # Comments and white space may change later, the statements may not.
        checksum = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
        lite, postgres = migration_texts(path, text)
        out.append(f'\t{{{number}, "{match.group(2)}", "{checksum}",\n{c_string(lite, chr(9) * 2)},\n'
                   f"{c_string(postgres, chr(9) * 2)}}},\n")
    out.append("};\nconst unsigned db_migrations_count = "
               "sizeof(db_migrations) / sizeof(db_migrations[0]);\n")
    pathlib.Path(code).write_text("".join(out))


def main(mode, *arguments):
    if mode == "queries":
        queries(*arguments)
    elif mode == "registry":
        registry(arguments[0], arguments[1:])
    elif mode == "migrations":
        migrations(arguments[0], arguments[1:])
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
