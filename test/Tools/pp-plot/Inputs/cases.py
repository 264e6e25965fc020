"""What pp-plot makes of metrics files, good and bad: `cases.py PP-PLOT DIRECTORY`."""

import json
import math
import pathlib
import random
import re
import shutil
import subprocess
import sys
import xml.dom.minidom

TOOL, WORK = shutil.which(sys.argv[1]), pathlib.Path(sys.argv[2])
WORK.mkdir(parents=True, exist_ok=True)


def line(step, **fields):
    fields = {"step": step, "loss": 5.0 / (1 + step / 10), "grad_norm": 0.5, "lr": 1e-3,
              "tokens_per_second": 1000, "seconds": 0.512} | fields
    return json.dumps({key: value for key, value in fields.items() if value != "absent"})


def plot(files, *options, output="out.html"):
    """files: name -> text or bytes. The tool's result, and what it wrote or None."""
    out = WORK / output
    out.unlink(missing_ok=True)
    for name, text in files.items():
        path = WORK / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = subprocess.run([TOOL, *files, "-o", output, *options], cwd=WORK, timeout=100,
                            capture_output=True, text=True, errors="replace")
    return result, out.read_text() if out.exists() else None


def data_of(page):
    return json.loads(re.search(r'<script id="data".*?>(.*?)</script>', page, re.DOTALL)[1])


LINES = [line(step) for step in range(100)]
GOOD = "\n".join(LINES) + "\n"

# Text of a file, and what has to stand in the error.
ERRORS = {
    "": "found no step in 'a.jsonl', expected a line for each: has the run begun?",
    "\n\n": "found no step in",
    '{"step": 1': "found no step in",
    GOOD + "nonsense\n": "found no JSON in line 101 of 'a.jsonl', expected lines as --metrics writes",
    "nonsense\n" + GOOD: "found no JSON in line 1 of",
    GOOD + '{"step": 100,\n': "found no JSON in line 101 of",
    GOOD + "[1, 2]\n": "found JSON that is no object in line 101 of",
    GOOD + "{}\n": 'found no "step" in line 101',
    GOOD + '{"step": "3"}\n': 'found "step" that is no number in line 101',
    GOOD + '{"step": -1}\n': 'found a "step" that is no whole number from 0 to 2^53',
    GOOD + '{"step": 1.5}\n': 'found a "step" that is no whole number from 0 to 2^53',
    GOOD + '{"step": 1e300}\n': 'found "step" beyond 1e100',
    GOOD + '{"step": 1e20}\n': 'found a "step" that is no whole number from 0 to 2^53',
    GOOD + '{"step": 100, "loss": "low"}\n': 'found "loss" that is no number in line 101',
    GOOD + '{"step": 100, "loss": NaN}\n': "found no JSON in line 101",
    GOOD + '{"step": 100, "loss": 1e999}\n': "found no JSON in line 101",
    GOOD + '{"step": 100, "loss": 1e300}\n': 'found "loss" beyond 1e100 in line 101',
    GOOD + '{"step": 100, "seconds": true}\n': 'found "seconds" that is no number',
    "x" * (1 << 21): "found more than 1 MiB in line 1 of 'a.jsonl', expected a JSON object",
    b"\x00\xff\xfe\n": "found no JSON in line 1 of",
    "[" * 100000 + "\n": "found no JSON in line 1 of",
}

# Options after `a.jsonl -o out.html`, and the error.
OPTIONS = [
    (["--x=hours"], "found --x=hours, expected step, tokens or time: choose one of them", 2),
    (["--y=square"], "found --y=square, expected linear or log: choose one of them", 2),
    (["--points=9"], "found --points=9, expected a whole number from 10 to 2^40: correct it", 2),
    (["--smooth=-1"], "found --smooth=-1, expected a whole number from 0 to 2^40", 2),
    (["--smooth=1e3"], "found --smooth=1e3, expected a whole number from 0 to 2^40", 2),
    (["a.jsonl"], "found 'a.jsonl' twice, expected each file once: drop one", 2),
    (["none.jsonl"], "cannot open 'none.jsonl': No such file or directory, expected a file", 1),
    (["."], "cannot read '.': Is a directory, expected a file", 1),
    (["--bogus"], "--bogus", 2),
]


def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


def errors():
    for text, expected in ERRORS.items():
        for output in ("out.html", "out.svg"):
            result, page = plot({"a.jsonl": text}, output=output)
            check(result.returncode == 1 and page is None and expected in result.stderr,
                  text[-60:], result.returncode, result.stderr, expected)
    for options, expected, status in OPTIONS:
        result, page = plot({"a.jsonl": GOOD}, *options)
        check(result.returncode == status and page is None and expected in result.stderr,
              options, result.returncode, result.stderr, expected)
    for output in ("out.png", "out", "html"):
        result, page = plot({"a.jsonl": GOOD}, output=output)
        check(result.returncode == 2 and page is None
              and "expected a name that ends in .html or .svg: write -o loss.html" in result.stderr,
              output, result.stderr)
    result, page = plot({"a.jsonl": GOOD}, output="none/out.html")
    check(result.returncode == 1 and "cannot write 'none/out.html': No such file" in result.stderr,
          result.stderr)
    result, page = plot({"a.jsonl": '{"step": 0, "loss": 1}\n'}, "--x=tokens")
    check(result.returncode == 1 and 'found lines without "seconds" or "tokens_per_second" in '
          "'a.jsonl', expected both for --x=tokens: choose --x=step" in result.stderr, result.stderr)


def reading():
    # A line that is being written.
    result, page = plot({"a.jsonl": GOOD + LINES[5][:20]})
    check(result.returncode == 0 and "note: a.jsonl: the last line is not whole, and passed over"
          in result.stderr, result.stderr)
    train = data_of(page)["runs"][0]["train"]
    check(train["x"]["step"] == list(range(100)) and train["every"] == 1, train["x"])
    # One that lacks nothing but its end counts.
    _, page = plot({"a.jsonl": GOOD + line(100)})
    train = data_of(page)["runs"][0]["train"]
    check(train["x"]["step"][-1] == 100, train["x"]["step"][-1])
    # Tokens and seconds are sums.
    check(train["x"]["tokens"][:3] == [512, 1024, 1536], train["x"]["tokens"][:3])
    check(math.isclose(train["x"]["time"][-1], 101 * 0.512, rel_tol=1e-5), train["x"]["time"][-1])
    check(train["loss"]["mean"][10] == 2.5 and "least" not in train["loss"], train["loss"])
    # After a resume.
    again = [line(step, loss=1.0) for step in range(80, 120)]
    result, page = plot({"a.jsonl": GOOD + "\n".join(again) + "\r\n\n"})
    check("note: a.jsonl: steps go back 1 time: what follows is in the place of 20 lines before"
          in result.stderr, result.stderr)
    run = data_of(page)["runs"][0]
    check(run["train"]["x"]["step"] == list(range(120)), "steps of a resumed run")
    check(math.isclose(run["train"]["loss"]["mean"][79], 5 / 8.9, rel_tol=1e-5)
          and run["train"]["loss"]["mean"][80] == 1.0, "losses of a resumed run")
    check(run["train"]["x"]["tokens"][-1] == 120 * 512, "tokens of a resumed run")
    # Numbers that are none, and evaluations now and then.
    text = "\n".join(line(step, loss=None if step % 3 else 2.0,
                          eval_loss=1.5 if step % 10 == 9 else "absent") for step in range(50))
    result, page = plot({"a.jsonl": text})
    check("note: a.jsonl: 33 lines without loss" in result.stderr, result.stderr)
    run = data_of(page)["runs"][0]
    check(run["train"]["loss"]["mean"][:4] == [2, None, None, 2], "gaps")
    check(run["eval"]["x"]["step"] == [9, 19, 29, 39, 49]
          and run["eval"]["eval_loss"]["mean"] == [1.5] * 5, run["eval"])
    # A run without losses, as of emulated ranks.
    result, page = plot({"a.jsonl": "\n".join(line(s, loss=None, grad_norm=None) for s in range(3))})
    check(result.returncode == 0 and not result.stderr, result.stderr)
    # Names: as much of the path as tells files apart.
    names = ["x/metrics.jsonl", "y/metrics.jsonl", "y/z/other.jsonl", "x/b.json", "x/b.jsonl"]
    _, page = plot({name: GOOD for name in names}, "--title", "</title><b>&")
    data = data_of(page)
    check([run["name"] for run in data["runs"]]
          == ["x/metrics", "y/metrics", "other", "x/b.json", "x/b.jsonl"],
          [run["name"] for run in data["runs"]])
    check("<b>" not in page and "&lt;/title>&lt;b>&amp;" in page, "the title is text")
    # Nothing in a name ends the script or is lost.
    _, page = plot({"<script><!--é\".jsonl": GOOD})
    check("é" in data_of(page)["runs"][0]["name"], "names")
    for pattern in (r"https?://(?!www\.w3\.org/2000/svg)", r"\bsrc=", r"@import", r"\burl\((?!#)"):
        check(not re.search(pattern, page), f"{pattern}: the page asks for something")


def decimation():
    generator = random.Random(3)
    count = 100003
    losses = [generator.uniform(2, 3) for _ in range(count)]
    losses[77777] = 90.0
    text = "\n".join(f'{{"step": {i}, "loss": {losses[i]:.6f}, "tokens_per_second": 1000, '
                     f'"seconds": 0.1, "eval_loss": {i}}}' if i % 1000 == 0 else
                     f'{{"step": {i}, "loss": {losses[i]:.6f}, "tokens_per_second": 1000, '
                     f'"seconds": 0.1}}' for i in range(count))
    _, page = plot({"a.jsonl": text}, "--points=500")
    run = data_of(page)["runs"][0]
    train = run["train"]
    check(train["every"] == 201 and len(train["x"]["step"]) == 498, train["every"])
    check(run["lines"] == count and len(run["eval"]["x"]["step"]) == 101, "lines and evaluations")
    for column in (train["loss"], train["tokens_per_second"]):
        check(len(column["mean"]) == len(column["least"]) == len(column["most"]) == 498, "columns")
    for at in (0, 300, 77777 // 201, 497):
        part = losses[at * 201:(at + 1) * 201]
        for key, value in (("mean", sum(part) / len(part)), ("least", min(part)), ("most", max(part))):
            check(math.isclose(train["loss"][key][at], value, rel_tol=1e-5), at, key)
        check(train["x"]["step"][at] == at * 201 + len(part) // 2, "middle of a point")
    check(max(train["loss"]["most"]) == 90.0, "a spike is kept")
    check(len(page) < 150000, len(page), "bytes of the page")
    _, svg = plot({"a.jsonl": text}, output="out.svg")
    check(len(svg) < 400000, len(svg), "bytes of the picture")


def paths(svg, kind):
    return [node for node in xml.dom.minidom.parseString(svg).getElementsByTagName("path")
            if node.getAttribute("class").split()[0] == kind]


def pictures():
    text = "\n".join(line(step, loss=10 ** (1 - step / 100),
                          eval_loss=1.0 if step % 20 == 0 else "absent") for step in range(201))
    _, svg = plot({"a.jsonl": text, "b & <c>\xe9.jsonl": GOOD}, output="out.svg")
    check(len(paths(svg, "raw")) == 6 and len(paths(svg, "mean")) == 2 + 8, "curves and legend")
    check(len(paths(svg, "eval")) == 1, "evaluations")
    texts = [node.firstChild.data for node in
             xml.dom.minidom.parseString(svg).getElementsByTagName("text")]
    for expected in ("loss", "gradient norm", "learning rate", "tokens/s", "a, b & <c>\xe9",
                     "light: each step; dark: mean of about 2 steps; marks: evaluation"):
        check(expected in texts, expected, texts)
    # An exponential decay is a straight line where y is logarithmic.
    _, svg = plot({"a.jsonl": text}, "--y=log", "--smooth=0", output="out.svg")
    check(not paths(svg, "raw"), "nothing is smoothed")
    points = [tuple(map(float, point.split())) for point in
              re.findall(r"[\d.]+ [\d.]+", paths(svg, "mean")[1].getAttribute("d"))]
    (x0, y0), (x1, y1) = points[0], points[-1]
    check(len(points) == 201 and y1 > y0, "a point a step")
    for x, y in points:
        check(abs(y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0))) < 0.6, x, y, "is off the line")
    # Single steps, equal numbers, zeros and negative ones on a logarithmic scale.
    for text in (line(7), line(0, loss=0, grad_norm=-1), GOOD.replace('"lr": 0.001', '"lr": 0')):
        for options in ([], ["--y=log"], ["--x=tokens"], ["--x=time", "--smooth=1000"]):
            result, svg = plot({"a.jsonl": text}, *options, output="out.svg")
            check(result.returncode == 0 and "nan" not in svg and "inf" not in svg, text, options)
            paths(svg, "mean")


def random_inputs(count):
    """Whatever a file holds: a page or an error, and never half a page."""
    seed = random.Random(1)
    values = ["1", "0", "-1", "1e99", "-1e99", "1e-300", "null", "true", "\"x\"", "[]", "{}", "1e400",
              "9007199254740992", "18446744073709551616", "", "NaN", "3.5", "5e-324"]
    fields = ["step", "loss", "eval_loss", "lr", "grad_norm", "tokens_per_second", "seconds", "other"]
    good = 0
    for case in range(count):
        lines, step = [], 0
        usual = seed.random() < 0.7
        for _ in range(seed.randrange(1, 40)):
            step = step + seed.choice([1, 1, 1, 0, -3, 10 ** 6]) if step > 3 else step + 1
            own = {field: seed.choice(values[:7] if usual else values)
                   for field in fields if seed.random() < 0.6}
            own["step"] = str(step) if seed.random() < (1 if usual else 0.9) else seed.choice(values)
            lines.append("{" + ", ".join(f'"{key}": {value}' for key, value in own.items()) + "}")
        data = bytearray("\n".join(lines).encode())
        if not usual:
            for _ in range(seed.randrange(3)):
                data[seed.randrange(len(data))] = seed.randrange(256)
        options = [seed.choice(["--y=log", "--y=linear"]), f"--points={seed.randrange(10, 50)}",
                   f"--smooth={seed.randrange(5)}"]
        for output in ("out.html", "out.svg"):
            result, page = plot({"a.jsonl": bytes(data)}, *options, output=output)
            check(result.returncode in (0, 1) and (page is None) == (result.returncode == 1),
                  f"case {case}: status {result.returncode} {result.stderr}")
            if page is None:
                check("expected" in result.stderr, result.stderr)
            elif output == "out.svg":
                check("nan" not in page and "inf" not in page, f"case {case}: numbers")
                xml.dom.minidom.parseString(page)
            else:
                data_of(page)
                good += 1
    return good


errors()
reading()
decimation()
pictures()
count = int(sys.argv[3]) if len(sys.argv) > 3 else 60
print(f"all as expected; {random_inputs(count)} of {count} random files are pages")
