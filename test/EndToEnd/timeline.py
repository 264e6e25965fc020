"""Measured steps above predicted ones, and emulated runs, of compiled programs."""

import json
import re
import xml.dom.minidom

import harness
from harness import BUILD, check, execute, must


def table(text):
    """Of the summary: title -> (ms, bubble, shares), all but ms in percent."""
    rows = {}
    for title, ms, bubble, shares in re.findall(
            r"(?m)^  ((?:measured|predicted|planned)\D*?) +([\d.]+) +([\d.]+)%((?: +[\d.]+%){8})$",
            text):
        rows[title] = (float(ms), float(bubble),
                       [float(share.rstrip("%")) for share in shares.split()])
    return rows


def check_table(rows, titles):
    check(list(rows) == titles, f"table has {list(rows)}, expected {titles}")
    for title, (_, bubble, shares) in rows.items():
        check(abs(sum(shares) - 100) < 0.05, f"{title}: shares add up to {sum(shares)} %")
        check(abs(sum(shares[1:6]) - bubble) < 0.04,
              f"{title}: reasons add up to {sum(shares[1:6])} %, the bubble is {bubble} %")


def actions(trace, category, step):
    """(rank, kind, stage, micro-batch) of a step's computations."""
    found = []
    for event in trace:
        if event.get("cat") == category and event["args"]["step"] == step:
            kind = event["args"].get("kind", event["name"][0])
            if kind in "FBIW":
                found.append((event["pid"], kind, event["args"]["stage"],
                              event["args"]["microbatch"]))
    return found


def check_svg(path, titles, rank_count):
    document = xml.dom.minidom.parse(str(path))
    panels = [node.firstChild.data for node in document.getElementsByTagName("tspan")
              if node.getAttribute("font-weight")]
    check(panels == titles, f"{path} has the panels {panels}, expected {titles}")
    texts = [node.firstChild.data for node in document.getElementsByTagName("text")
             if node.firstChild.nodeType == node.TEXT_NODE]
    for rank in range(rank_count):
        check(texts.count(f"rank {rank}") == len(titles), f"{path}: rows of rank {rank}")
    return [node.firstChild.data for node in document.getElementsByTagName("title")]


def real(model, data, schedule, *options):
    program = harness.compile_model(model, f"real-{schedule}", "--pp=4", "--microbatches=8",
                                    f"--schedule={schedule}", *options)
    out = must(harness.run(program, 4, "--data", data, "--steps", 3, "--trace", "t.json",
                           "--timeline", "t.svg"))
    titles = ["measured", "predicted from this step's times", "planned by the compiler"]
    rows = table(out)
    check_table(rows, titles)
    step = int(re.search(r"where step (\d+) went", out)[1])
    trace = json.load(open("t.json"))["traceEvents"]
    measured, predicted = actions(trace, "action", step), actions(trace, "predicted", step)
    # The schedule has input gradients of stage 0, of which there is nothing to
    # compute.
    of_schedule = [action for action in predicted if action[1:3] != ("I", 0)]
    check(sorted(measured) == sorted(of_schedule), f"{schedule}: other actions than predicted")
    for rank in range(4):
        order = [action for action in measured if action[0] == rank]
        check(order == [action for action in of_schedule if action[0] == rank],
              f"{schedule}: rank {rank} computes in another order than predicted")
    tips = check_svg("t.svg", titles, 4)
    check(sum(tip.startswith("1F7: ") for tip in tips) == 3, "1F7 is in each panel")
    check(any(tip.startswith("send") for tip in tips), "transfers in flight")
    check(any(tip.startswith("optimizer: ") for tip in tips), "updates")


def shared(model, data):
    """Two ranks that share tensors: collectives of layers lie within actions."""
    program = harness.compile_model(model, "shared", "--tp=2", "--pp=2", "--microbatches=4")
    out = must(harness.run(program, 4, "--data", data, "--steps", 4, "--trace", "c.json",
                           "--timeline", "c.svg", "--profile", PPRT_COUNT_ALLOCATIONS="1"))
    check(re.search(r"(?m)^gpt: .* 4 ranks \(pipe 2 x tensor 2\), 2 stages", out),
          "the first line says which ranks there are")
    line = re.search(r"(?m)^collectives of layers: (\d+) a step, ([\d.]+) ms, ([\d.]+)% of compute, "
                     r"means over ranks; most on rank [0-3], ([\d.]+) ms$", out)
    check(line and float(line[1]) > 0 and 0 < float(line[3]) < 100
          and float(line[2]) <= float(line[4]), "the profile has no collectives of layers")
    check(re.findall(r"rank \d: program (\d+)", out) == ["0"] * 4, "a step allocates")
    trace = json.load(open("c.json"))["traceEvents"]
    found = [event for event in trace if event.get("cat") == "collective"]
    kinds = {re.fullmatch(r"(\w+) over tensor, 2 ranks, [\d.]+ K?B", event["name"])[1]
             for event in found}
    check(kinds == {"all_gather", "reduce_scatter", "all_reduce"}, f"collectives: {kinds}")
    # As many as the compiler says, but for the first step, which may keep fewer.
    table = must(execute([BUILD / "bin/pp-compile", model, "-o", "shared.ll", "--tp=2", "--pp=2",
                          "--microbatches=4", "--emit=llvm"]))
    planned = int(re.search(r"(?m)^tensor: (\d+) collectives a micro-batch", table)[1])
    for step in range(1, 4):
        in_step = [event for event in found if event["args"]["step"] == step]
        # Two ranks of each pipe coordinate, four micro-batches.
        check(len(in_step) == 2 * 4 * planned,
              f"{len(in_step)} collectives in step {step}, expected 8 * {planned}")
        runs = {}
        for event in trace:
            if event.get("cat") == "action" and event["args"]["step"] == step:
                runs.setdefault(event["pid"], []).append((event["ts"], event["ts"] + event["dur"]))
        for event in in_step:
            # Times are of microseconds to three digits.
            check(any(begin <= event["ts"] + 0.002 and event["ts"] + event["dur"] <= end + 0.002
                      for begin, end in runs[event["pid"]]),
                  f"{event} lies in no action")
            check({"stage", "microbatch", "within"} <= event["args"].keys(), f"{event}: arguments")
    check("collectives of layers" in open("c.svg").read(), "the picture names them")
    # Without a report that wants them they are not noted.
    out = must(harness.run(program, 4, "--data", data, "--steps", 2))
    check("collectives of layers" not in out, "collectives were noted unasked")


def emulated(model, schedule, ranks, microbatches, stages, split):
    program = harness.compile_model(model, f"emulated-{schedule}", f"--pp={ranks}",
                                    f"--microbatches={microbatches}", f"--schedule={schedule}")
    out = must(harness.run(program, ranks, "--emulate=2,1,1.5", "--steps", 2, "--trace", "e.json",
                           "--timeline", "e.svg", "--metrics", "e.jsonl"))
    titles = ["measured, emulated compute", "predicted from the emulated times"]
    rows = table(out)
    check_table(rows, titles)
    check("final loss" not in out, "there is no loss")
    check([line["loss"] for line in harness.read_metrics("e.jsonl")] == [None] * 2, "metrics")
    check_svg("e.svg", titles, ranks)
    trace = json.load(open("e.json"))["traceEvents"]
    for step in range(2):
        found = actions(trace, "action", step)
        expected = {(kind, stage, m) for kind in ("FIW" if split else "FB")
                    for stage in range(stages) for m in range(microbatches)
                    if (kind, stage) != ("I", 0)}
        check(len(found) == len(expected) and {action[1:] for action in found} == expected,
              f"{schedule}: {len(found)} actions in step {step}, expected {len(expected)}")
        sent = sum(event.get("cat") == "action" and event["args"]["kind"] == "send"
                   and event["args"]["step"] == step for event in trace)
        check(sent > 0, "transfers are real")
    inputs = ",".join(["0" if split else "1"] + ["1"] * (stages - 1))
    simulated = json.loads(must(execute(
        [BUILD / "bin/pp-plan", "simulate", f"--schedule={schedule}", f"--ranks={ranks}",
         f"--virtual={stages // ranks}", f"--microbatches={microbatches}", "--forward=2",
         f"--backward-input={inputs}", "--backward-weight=1.5", "--transfer=0", "--json"])))
    check(abs(rows[titles[1]][0] - simulated["makespan"]) < 0.001,
          f"{schedule}: predicts {rows[titles[1]][0]} ms, pp-plan {simulated['makespan']} ms")
    # Nothing takes less time than it should, but for the begin of the first.
    check(rows[titles[0]][0] > 0.9 * simulated["makespan"], "the step was too short")
    return program


def refused(program, ranks):
    for options, message in (
            (["--emulate", "--save", "w"], "found --save with --emulate, expected one of them"),
            (["--emulate", "--load", "w"], "found --load with --emulate, expected one of them"),
            (["--emulate=1,2"], "expected one duration in ms for all computations, or three")):
        result = harness.run(program, ranks, *options)
        check(result.returncode != 0 and message in result.stderr,
              f"{options}: {result.returncode} {result.stderr}")
    # With the durations that the compiler planned.
    out = must(harness.run(program, ranks, "--emulate", "--steps", 1))
    check_table(table(out), ["measured, emulated compute", "predicted from the emulated times"])


def main():
    harness.start()
    data = harness.write_text("text.txt")
    shape = ["--width", 32, "--heads", 2, "--sequence", 16, "--batch", 1, "--vocabulary", 256]
    model = harness.make_model("gpt.mlir", "gpt", "--layers", 8, *shape)
    real(model, data, "1f1b")
    real(model, data, "zb-h1")
    real(model, data, "interleaved", "--virtual=2")
    shared(harness.make_model("shared.mlir", "gpt", "--layers", 4, *shape), data)
    deep = harness.make_model("deep.mlir", "llama", "--layers", 16, "--kv-heads", 2, *shape)
    program = emulated(deep, "1f1b", 8, 12, 8, split=False)
    emulated(deep, "zb-v", 8, 8, 16, split=True)
    refused(program, 8)


main()
