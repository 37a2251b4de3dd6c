#!/usr/bin/env python3
"""Prints how many test cases of a JUnit file passed and how many failed; skipped ones are named."""
import sys
import xml.etree.ElementTree as tree

passed = failed = 0
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
    elif case.find("skipped") is not None:
        print(f"skipped: {case.get('classname')} {case.get('name')}", file=sys.stderr)
    else:
        passed += 1
print(passed, failed)
