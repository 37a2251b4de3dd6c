#!/usr/bin/env python3
"""Makes a C file of text files, one after the other: `const char NAME[]`.
Usage: embed.py OUTPUT NAME HEADER INPUT…"""
import pathlib
import sys

output, name, header, *sources = sys.argv[1:]
lines = [line for source in sources for line in pathlib.Path(source).read_text().splitlines(keepends=True)]
quote = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
body = "\n".join(f'\t"{line.translate(quote)}"' for line in lines)
pathlib.Path(output).write_text(
    f'#include "{header}"\n\n#include "base/banned.h"\n\nconst char {name}[] =\n{body};\n')
