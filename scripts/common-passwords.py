#!/usr/bin/env python3
"""Makes a C file of lists of common passwords: those long enough to be chosen, in lower case.
Usage: common-passwords.py OUTPUT LIST... (text, one in a line; .gz is unpacked)"""
import gzip
import pathlib
import sys

output, *lists = sys.argv[1:]
words = set()
for name in lists:
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8") as lines:
        words |= {line.strip().lower() for line in lines}
words = sorted(w for w in words if 8 <= len(w) <= 64 and w.isascii() and w.isprintable())
assert len(words) > 5000, "the list of common passwords is not what it should be"
quote = str.maketrans({"\\": "\\\\", '"': '\\"', "?": "\\?"})
body = "\n".join(f'\t"{w.translate(quote)}\\n"' for w in words)
pathlib.Path(output).write_text(
    '#include "account/common_passwords.h"\n\n#include "base/banned.h"\n\n'
    f'const char common_passwords[] =\n\t"\\n"\n{body};\n')
