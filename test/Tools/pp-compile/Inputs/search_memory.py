"""See search-memory.test."""
import re, subprocess, sys

compiler, model, output = sys.argv[1:]

def bubble(schedule, megabytes):
    result = subprocess.run(
        [compiler, model, "-o", output, "--emit=rank", "--pp=2", "--microbatches=8",
         f"--memory-limit={megabytes}M", f"--schedule={schedule}"],
        capture_output=True, text=True)
    if result.returncode:
        assert "expected at most" in result.stderr or "found no partition" in result.stderr, \
            result.stderr
        return 100.0
    totals = [float(re.findall(r"([\d.]+) MB", row)[-1]) for row in result.stdout.splitlines()
              if re.match(r" +\d+ ", row)]
    assert len(totals) == 2 and max(totals) <= megabytes, result.stdout
    return float(re.search(r"predicted bubble ([\d.]+) %", result.stdout)[1])

last = 100.0
for megabytes in 38, 42, 46, 50, 51, 54, 64:
    searched, named = bubble("search", megabytes), bubble("1f1b", megabytes)
    assert searched <= named + 0.05, (megabytes, searched, named)
    assert searched <= last + 0.05, (megabytes, searched, last)
    last = searched
assert last < 10, last
