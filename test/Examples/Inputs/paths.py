#!/usr/bin/env python3
"""Checks the paths that a document names: `paths.py DOCUMENT ROOT`."""

import os
import re
import sys

document, root = sys.argv[1:]
with open(document) as file:
    text = file.read()
paths = set(re.findall(r"`((?:include|lib|runtime|test|tools|docs|scripts|bench|examples)/[\w./-]+)`", text))
paths |= {"docs/" + link for link in re.findall(r"\]\((\w+\.md)\)", text)}
missing = sorted(path for path in paths if not os.path.exists(os.path.join(root, path)))
for path in missing:
    print(f"found no {path}, expected it: {document} names it")
print(f"{len(paths)} paths")
sys.exit(bool(missing))
