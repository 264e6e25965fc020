#!/usr/bin/env python3
"""Counts the test cases of a run from the JUnit files its tests left.

usage: count_cases.py DIRECTORY...

lit and each GoogleTest binary leave a file with their cases; a test of ctest
that leaves none (an end-to-end group) is one case. Prints one line,
`N passed, N failed`, and fails where a case failed or none was found.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(path):
    """Passed and failed cases of one JUnit file; skipped ones are neither."""
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None and case.get("status") != "notrun":
            passed += 1
    return passed, failed


def count(results):
    """Passed and failed cases of one run of ctest."""
    passed = failed = 0
    for case in ElementTree.parse(results / "ctest.xml").getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.get("status") == "fail"
        own = results / (case.get("name").removeprefix("unit/") + ".xml")
        if own.exists():
            more_passed, more_failed = cases_of(own)
            passed += more_passed
            # A binary that dies before it writes its file, or after its
            # cases have passed, still counts.
            failed += max(more_failed, int(bad))
        elif case.find("skipped") is None:
            passed += not bad
            failed += bad
    return passed, failed


def main():
    passed = failed = 0
    for directory in sys.argv[1:]:
        more_passed, more_failed = count(pathlib.Path(directory))
        passed += more_passed
        failed += more_failed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
