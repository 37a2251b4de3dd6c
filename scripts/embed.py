#!/usr/bin/env python3
"""Makes a C file of a text file: `const char NAME[]`. Usage: embed.py INPUT OUTPUT NAME HEADER"""
import pathlib
import sys

source, output, name, header = sys.argv[1:]
lines = pathlib.Path(source).read_text().splitlines(keepends=True)
quote = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})
body = "\n".join(f'\t"{line.translate(quote)}"' for line in lines)
pathlib.Path(output).write_text(
    f'#include "{header}"\n\n#include "base/banned.h"\n\nconst char {name}[] =\n{body};\n')
