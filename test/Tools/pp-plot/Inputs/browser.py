"""pp-plot's page in a browser, by a mouse and by keys: `browser.py PP-PLOT DIRECTORY
CHROMIUM`. Pictures of it stay in the directory, for people."""

import json
import math
import os
import pathlib
import random
import subprocess
import sys

sys.dont_write_bytecode = True
from chromium import Browser  # noqa: E402

TOOL, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
SHIFT = 8


def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


def write_run(name, steps, base, seed):
    noise = random.Random(seed)
    lines = []
    for step in range(steps):
        line = {"step": step, "loss": base + 5 * math.exp(-step / 100) + noise.gauss(0, 0.05),
                "grad_norm": 1 + abs(noise.gauss(0, 0.2)), "lr": 1e-3 * min(1, (step + 1) / 50),
                "tokens_per_second": 41000 + noise.gauss(0, 500), "seconds": 0.1}
        if step % 100 == 99:
            line["eval_loss"] = line["loss"] + 0.2
        lines.append(line)
    pathlib.Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return lines


class Page:
    def __init__(self, browser, path, **options):
        self.browser = browser
        browser.open(path, **options)
        browser.settle()

    def ask(self, expression):
        return self.browser.evaluate(expression)

    def box(self, selector):
        return self.ask(f"(b => [b.left, b.top, b.width, b.height])"
                        f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")

    def texts(self, selector):
        return self.ask(f"[...document.querySelectorAll({json.dumps(selector)})]"
                        ".map(each => each.textContent)")

    def count(self, selector):
        return self.ask(f"document.querySelectorAll({json.dumps(selector)}).length")

    def click(self, selector, modifiers=0):
        left, top, width, height = self.box(selector)
        self.browser.click(left + width / 2, top + height / 2, modifiers)
        self.browser.settle()

    def key(self, *keys, modifiers=0):
        for key in keys:
            self.browser.key(key, modifiers)
        self.browser.settle()

    def range(self):
        return self.ask("rangeX()")

    def place(self, metric, step, share=0.5):
        """Where a step is in a chart, in pixels of the window."""
        left, top, _, height = self.box(f"#chart-{metric} > svg")
        x = self.ask(f"charts.find(c => c.metric === '{metric}').scales.x({step})")
        return left + x, top + height * share


def curves(page):
    check(page.texts("h2") == ["loss", "gradient norm", "learning rate", "tokens/s"], "charts")
    check(page.texts("#legend .name") == ["a", "b"], "legend")
    for kind, each in (("raw", 2), ("mean", 2), ("eval", 2)):
        check(page.count(f"#chart-loss path.{kind}") == each, kind)
    check(page.count("#chart-lr path.raw") == 0, "the learning rate is not smoothed")
    check(page.range() == [0, 799], page.range())
    labels = page.texts("#chart-loss .tick-x")
    check(labels[:3] == ["0", "100", "200"], labels)
    check(page.texts("#chart-tokens_per_second .tick-y")[:2] == ["0", "20k"], "units")


def hover(page, runs):
    page.browser.mouse("mouseMoved", *page.place("loss", 350))
    page.browser.settle()
    head = page.texts("#tip th")
    check(head == ["step 350", "loss", "smooth", "evaluation"], head)
    cells = page.texts("#tip td")
    check(cells[0] == "a" and cells[4] == "b", cells)
    for at, lines in ((0, runs[0]), (4, runs[1])):
        check(abs(float(cells[at + 1]) - lines[350]["loss"]) < 1e-4, cells, lines[350])
        value, step = cells[at + 3].split(" @ ")
        check(step == "299" and abs(float(value) - lines[299]["eval_loss"]) < 1e-4, cells)
    check(page.count(".cursor") == 4, "a line in each chart")
    # A run that has ended has no value.
    page.browser.mouse("mouseMoved", *page.place("loss", 700))
    page.browser.settle()
    cells = page.texts("#tip td")
    check(cells[5:7] == ["–", "–"] and cells[7].endswith("@ 499"), cells)
    page.browser.mouse("mouseMoved", 640, 5)
    page.browser.settle()
    check(page.ask("document.getElementById('tip').hidden") and page.count(".cursor") == 0,
          "nothing where the mouse is not")


def zoom(page):
    page.browser.drag(*page.place("loss", 200), *page.place("loss", 400))
    page.browser.settle()
    low, high = page.range()
    check(abs(low - 200) < 2 and abs(high - 400) < 2, low, high)
    labels = [float(label) for label in page.texts("#chart-lr .tick-x")]
    check(200 <= labels[0] and labels[-1] <= 400, "charts share the range", labels)
    # The vertical range is that of what is seen: not of the first steps.
    check(page.ask("charts[0].scales.y1") < 4, "vertical range")
    check(not page.ask("document.getElementById('all').disabled"), "there is a way back")
    page.browser.drag(*page.place("loss", 250, 0.2), *page.place("loss", 350, 0.8))
    page.browser.settle()
    check(page.ask("charts[0].rangeY") and not page.ask("charts[1].rangeY"), "a box")
    page.browser.click(*page.place("grad_norm", 300), clicks=2)
    page.browser.settle()
    check(page.range() == [0, 799] and not page.ask("charts[0].rangeY"), "double-click")
    x, _ = page.place("grad_norm", 400)
    _, top, _, height = page.box("#chart-grad_norm > svg")
    page.browser.drag(x, top + height * 0.3, x + 3, top + height * 0.6)
    page.browser.settle()
    check(page.range() == [0, 799] and page.ask("charts[1].rangeY"), "up and down alone")
    page.click("#all")
    check(not page.ask("charts[1].rangeY"), "the button")
    # A click is no zoom.
    page.browser.click(*page.place("loss", 100))
    check(page.range() == [0, 799], "a click")


def legend(page):
    page.click("#legend button:nth-child(1)")
    check(page.count("#chart-loss path.mean") == 1 and page.range() == [0, 499], "a is off")
    check(page.ask("document.querySelector('#legend button').getAttribute('aria-pressed')")
          == "false", "aria-pressed")
    page.click("#legend button:nth-child(1)")
    check(page.count("#chart-loss path.mean") == 2, "a is on")
    page.click("#legend button:nth-child(1)", SHIFT)
    check(page.ask("[...view.hidden]") == [1], "a alone")
    page.click("#legend button:nth-child(1)", SHIFT)
    check(page.ask("[...view.hidden]") == [], "all again")
    check(page.count("#chart-loss g.faded") == 1, "the other one is faded")
    page.browser.mouse("mouseMoved", 640, 5)
    page.browser.settle()
    check(page.count("#chart-loss g.faded") == 0, "not any more")


def controls(page):
    page.click("#axes button:nth-of-type(2)")
    low, high = page.range()
    check(abs(low - 4100) < 200 and abs(high - 800 * 4100) < 1e4, low, high)
    check("500k" in page.texts("#chart-loss .tick-x"), page.texts("#chart-loss .tick-x"))
    page.click("#axes button:nth-of-type(3)")
    check(abs(page.range()[1] - 80) < 0.1, page.range())
    page.click("#axes button:nth-of-type(1)")
    # On a logarithmic scale equal ratios are equal lengths.
    page.click("#chart-loss .log")
    ys = page.ask("[2, 4, 8].map(v => charts[0].scales.y(v))")
    check(abs((ys[0] - ys[1]) - (ys[1] - ys[2])) < 0.01, ys)
    page.click("#chart-loss .log")
    ys = page.ask("[2, 4, 6].map(v => charts[0].scales.y(v))")
    check(abs((ys[0] - ys[1]) - (ys[1] - ys[2])) < 0.01, ys)
    # The slider, by its keys.
    page.ask("document.getElementById('span').focus()")
    page.key("Home")
    page.ask("document.getElementById('span').value = 0;"
             "document.getElementById('span').dispatchEvent(new Event('input'))")
    page.browser.settle()
    check(page.count("path.raw") == 0 and page.texts("#span-text") == ["off"], "nothing is smoothed")
    page.ask("document.getElementById('span').value = 4;"
             "document.getElementById('span').dispatchEvent(new Event('input'))")
    page.browser.settle()
    check(page.count("#chart-loss path.raw") == 2 and page.texts("#span-text") == ["10 steps"],
          page.texts("#span-text"))


def keys(page, lines):
    page.ask("document.querySelector('#chart-loss > svg').focus()")
    page.key("End")
    check(page.ask("view.cursor") == 799, page.ask("view.cursor"))
    page.key("Home", "ArrowRight", "ArrowRight", "ArrowLeft")
    check(page.ask("view.cursor") == 1, page.ask("view.cursor"))
    page.key("ArrowRight", modifiers=SHIFT)
    check(page.ask("view.cursor") == 11, page.ask("view.cursor"))
    said = page.texts("#said")[0]
    check(said.startswith("loss, step 11: a "), said)
    page.key("+", "+")
    low, high = page.range()
    check(abs((high - low) - 799 / 4) < 4 and low <= 11 <= high, low, high)
    page.key("PageDown")
    check(page.range()[0] > low and abs(page.range()[1] - page.range()[0] - (high - low)) < 1, "moved")
    # The range goes along with the cursor.
    page.key("Home")
    check(page.range()[0] == 0 and page.ask("view.cursor") == 0, page.range())
    page.key("-", "-", "-")
    check(page.range() == [0, 799], page.range())
    page.key("+", "0")
    check(page.range() == [0, 799], page.range())
    page.key("l")
    check(page.ask("charts[0].isLog"), "L")
    page.key("l", "Escape")
    check(page.ask("view.cursor === null && !charts[0].isLog"), "Escape")
    # The way there without a mouse: each control can be reached.
    page.ask("document.activeElement.blur()")
    reached = []
    for _ in range(20):
        page.key("Tab")
        reached.append(page.ask("(e => e.id || e.dataset.axis || e.dataset.run || "
                                "e.parentElement.id || e.className)(document.activeElement)"))
    for expected in ("step", "tokens", "span", "0", "1", "chart-loss", "chart-grad_norm", "chart-lr"):
        check(expected in reached, expected, "is not in", reached)


def many(browser):
    """A million steps, and more runs than colours."""
    with open("long.jsonl", "w") as file:
        for step in range(10 ** 6):
            file.write(f'{{"step":{step},"loss":{2 + 5e4 / (step + 1e4):.6f},"grad_norm":1,"lr":1e-3,'
                       f'"tokens_per_second":1e6,"seconds":0.5}}\n')
    subprocess.run([TOOL, "long.jsonl", "-o", "long.html"], check=True)
    size = os.path.getsize("long.html")
    page = Page(browser, "long.html")
    check(size < 1 << 20 and page.range() == [125, 999875], size, page.range())
    page.browser.mouse("mouseMoved", *page.place("loss", 500000))
    page.browser.settle()
    check(page.texts("#tip th")[:2] == ["step 500\u202f125", "mean of lines"]
          or page.texts("#tip th")[1] == "mean of lines", page.texts("#tip th"))
    check("light: least to greatest of up to 250 lines a point" in page.texts("#key")[0], "key")
    files = [f"run{i}.jsonl" for i in range(14)]
    for i, name in enumerate(files):
        write_run(name, 60, 1 + i / 5, i)
    subprocess.run([TOOL, *files, "-o", "many.html"], check=True)
    page = Page(browser, "many.html", dark=True)
    looks = page.ask("[...document.querySelectorAll('#legend .mean')].map(e => e.getAttribute('stroke')"
                     " + e.getAttribute('stroke-dasharray'))")
    check(len(set(looks)) == 14, looks)
    browser.screenshot("many.png")
    check(not browser.problems(), browser.problems())


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    os.chdir(WORK)
    runs = [write_run("a.jsonl", 800, 2.0, 1), write_run("b.jsonl", 500, 2.5, 2)]
    subprocess.run([TOOL, "a.jsonl", "b.jsonl", "-o", "page.html"], check=True)
    browser = Browser(sys.argv[3])
    try:
        page = Page(browser, "page.html")
        curves(page)
        hover(page, runs)
        zoom(page)
        legend(page)
        controls(page)
        keys(page, runs[0])
        browser.screenshot("light.png")
        check(not browser.problems(), browser.problems())
        page = Page(browser, "page.html", width=400, height=800, dark=True)
        check(page.ask("document.documentElement.scrollWidth") <= 400, "a narrow window")
        check(page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 29)", "dark")
        browser.screenshot("dark.png")
        many(browser)
    finally:
        browser.close()
    print("the page does as it should")


main()
