#!/usr/bin/env python3
"""The generator of statements: what it refuses, and with which words; what it makes."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts/gen-queries.py"

REFUSED_STATEMENTS = [
    # text of the file, words of the refusal
    ("SELECT 1;", "before the first"),
    ("-- name: a\nSELECT 1", "exactly one statement"),
    ("-- name: a\nSELECT 1; SELECT 2;", "exactly one statement"),
    ("-- name: a\n;", "exactly one statement"),
    ("-- name: a\n-- only words\n", "exactly one statement"),
    ("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;", "defined twice"),
    ("-- name: A-b\nSELECT 1;", "no name for a statement"),
    ("-- name: a\nSELECT $2;", "$2 appears where $1 is due"),
    ("-- name: a\nSELECT $1, $3, $2;", "$3 appears where $2 is due"),
    ("-- name: a\nSELECT ?;", "written $1"),
    ("-- name: a\nSELECT :name;", "written $1"),
    ("-- name: a\nSELECT $name;", "'$name' is no parameter"),
]
REFUSED_MIGRATIONS = [
    (["0001_a.sql"], "CREATE TABLE t (a TEXT);", "0000 first"),
    (["0000_a.sql", "0002_b.sql", "0001_c.sql"], "CREATE TABLE t (a TEXT);", "ascending"),
    (["0000_a.sql", "0002_b.sql", "0002_c.sql"], "CREATE TABLE t (a TEXT);", "ascending"),
    (["0000_a.sql", "next_b.sql"], "CREATE TABLE t (a TEXT);", "must be called NNNN_NAME"),
    (["0000_a.sql"], "CREATE TABLE t (a {colour});", "unknown macro {colour}"),
    (["0000_a.sql"], "CREATE TABLE t (a TEXT)", "ends in ';'"),
    (["0000_a.sql"], "-- nothing", "ends in ';'"),
]


class GenQueries(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return str(pathlib.Path(self.folder.name) / name)

    def write(self, name, text):
        pathlib.Path(self.path(name)).write_text(text)
        return self.path(name)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)

    def refuses(self, words, *arguments):
        done = self.run_script(*arguments)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(words, done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_refused_statements(self):
        for text, words in REFUSED_STATEMENTS:
            with self.subTest(text=text):
                self.refuses(words, "queries", self.write("x.sql", text),
                             self.path("x.h"), self.path("x.c"))

    def test_refused_migrations(self):
        for names, text, words in REFUSED_MIGRATIONS:
            with self.subTest(names=names, text=text):
                self.refuses(words, "migrations", self.path("m.c"),
                             *[self.write(name, text) for name in names])

    def test_a_name_in_two_floors(self):
        one = self.write("one.sql", "-- name: same\nSELECT 1;")
        two = self.write("two.sql", "-- name: same\nSELECT 2;")
        self.refuses("same: defined in", "registry", self.path("r.c"), one, two)

    def make(self, text):
        done = self.run_script("queries", self.write("x.sql", text), self.path("x_queries.h"),
                               self.path("x_queries.c"))
        self.assertEqual(done.stderr, "")
        return pathlib.Path(self.path("x_queries.c")).read_text()

    def test_quoted_text_is_left_alone(self):
        code = self.make("-- name: a\n-- takes $9; and '\nSELECT '$7;''--', \"?\\\" FROM t "
                         "WHERE a = $1 AND b = $2 OR c = $1;\n")
        self.assertIn("\"SELECT '$7;''--', \\\"\\?\\\\\\\" FROM t WHERE a = $1 AND b = $2 OR c = $1\"",
                      code)
        self.assertIn("\t2};", code)

    def migrate(self, text):
        done = self.run_script("migrations", self.path("m.c"), self.write("0000_m.sql", text))
        self.assertEqual(done.stderr, "")
        return pathlib.Path(self.path("m.c")).read_text()

    def test_dialects(self):
        code = self.migrate("CREATE TABLE t (a {blob}, n BIGINT, s TEXT DEFAULT 'BIGINT TEXT');\n"
                            "INSERT INTO t (s) VALUES ('TEXT; -- {blob');")
        self.assertIn("(a BLOB, n INTEGER, s TEXT DEFAULT 'BIGINT TEXT') STRICT;", code)
        self.assertIn("(a BYTEA, n BIGINT, s TEXT COLLATE \\\"C\\\" DEFAULT 'BIGINT TEXT');", code)
        self.assertEqual(code.count("VALUES ('TEXT; -- {blob');"), 2)

    def test_statements_for_one_engine(self):
        code = self.migrate("{sqlite} CREATE TRIGGER t BEFORE UPDATE ON a WHEN OLD.b = 'BEGIN' BEGIN "
                            "SELECT RAISE(ABORT, 'no; END'); SELECT 1; END;\n"
                            "{postgresql} CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
                            "'BEGIN RAISE EXCEPTION ''no''; END';\nCREATE TABLE u (a TEXT);")
        self.assertEqual(code.count("RAISE(ABORT, 'no; END'); SELECT 1; END;"), 1)
        self.assertEqual(code.count("RAISE EXCEPTION ''no''; END';"), 1)
        self.assertEqual(code.count("CREATE TABLE u"), 2)
        self.assertNotIn("{", code.replace("= {", "").replace("\t{0,", ""))

    def test_checksum_ignores_comments_and_layout_only(self):
        def checksum(text):
            return self.migrate(text).split('"')[5]
        first = checksum("CREATE TABLE t (a TEXT);")
        self.assertRegex(first, "^[0-9a-f]{64}$")
        self.assertEqual(first, checksum("-- why\nCREATE TABLE t\n    (a TEXT); -- so\n"))
        self.assertNotEqual(first, checksum("CREATE TABLE t (b TEXT);"))


unittest.main()
