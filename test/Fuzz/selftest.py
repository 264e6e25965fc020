#!/usr/bin/env python3
"""That the fuzzer can fail, that it draws every op, and that a seed is a case."""

import math
import pathlib
import random
import shutil
import sys

import check
import generate
import ir
import shrink

# Ops without a template, with the reason.
NOT_DRAWN = {}


def expect(condition, message):
    if not condition:
        print(f"FAILED: {message}")
        sys.exit(1)


def draws_every_op(tools):
    status, out, _ = tools.execute([tools.tool("pp-interpret"), "--ops"])
    expect(status == 0, "pp-interpret --ops")
    wanted = set(out.split()) - set(NOT_DRAWN)
    drawn = set()
    for seed in range(4000):
        drawn |= generate.draw_model(random.Random(seed)).operations()
        if wanted <= drawn:
            break
    expect(wanted <= drawn, f"no model has {sorted(wanted - drawn)}: add a template for "
           "each to generate.py")
    print(f"{len(wanted)} ops in {seed + 1} models")


def seeds_are_cases(tools):
    drawn = set()
    for seed in range(20):
        first, second = (check.draw_case(seed, tools) for _ in range(2))
        expect(first.model.text() == second.model.text(), f"two models of seed {seed}")
        options = [[setting.describe() for setting in case.settings]
                   for case in (first, second)]
        expect(options[0] == options[1], f"two sets of settings of seed {seed}")
        drawn |= {word for text in options[0] for word in text.split()}
    for word in ("--schedule=setting.csv", "--threads", "--load"):
        expect(word in drawn, f"no setting with {word} in 20 cases")


def find_case(tools, work, op):
    """A case with `op` that passes."""
    for seed in range(1, 100):
        case = check.draw_case(seed, tools)
        if op not in case.model.operations() or case.is_bf16 or case.is_device:
            continue
        case.settings, case.microbatches = case.settings[:1], min(case.microbatches, 3)
        run, failure = check.run_case(case, tools, work)
        expect(not failure, f"case {seed}: {failure}")
        expect(run.checked > 0, f"case {seed}: no gradient was compared")
        return case
    return None


def wrong_op_is_found(tools, work, op):
    case = find_case(tools, work, op)
    expect(case, f"no case has {op}")
    tools.distort = op
    _, failure = check.run_case(case, tools, work)
    expect(failure and failure.kind == "gradient", f"a wrong {op} was not found: {failure}")
    small, failure = shrink.shrink(case, failure, tools, work, math.inf)
    expect(failure.kind == "gradient", f"a smaller case fails otherwise: {failure}")
    before, after = (sum(len(layer.operations) for layer in c.model.layers)
                     for c in (case, small))
    expect(op in small.model.operations(), f"a wrong {op}, and a case without it")
    tools.distort = None
    _, failure = check.run_case(small, tools, work)
    expect(not failure, f"the smaller case fails without the wrong {op}: {failure}")
    print(f"a wrong {op} was found; from {before} operations to {after}")


class OtherStep(check.Setting):
    """A setting that must not give the bits of one rank: another number of
    micro-batches."""

    def options(self, label="setting"):
        return super().options(label) + ["--microbatches=7"]


def other_bits_are_found(tools, work):
    case = find_case(tools, work, "nn.linear")
    case.settings = [OtherStep()]
    _, failure = check.run_case(case, tools, work)
    expect(failure and failure.kind == "bits", f"other bits were not found: {failure}")
    print("other bits were found")


def errors_are_found(tools, work):
    case = find_case(tools, work, "nn.linear")
    case.settings = [check.Setting(ranks=4, schedule="no-such-schedule")]
    _, failure = check.run_case(case, tools, work)
    expect(failure and failure.kind.startswith("compiler: "),
           f"an error of the compiler was not found: {failure}")
    print("an error of the compiler was found")


def models_stay_whole(tools, work):
    """What shrinking takes out leaves a model that the verifier accepts."""
    rng = random.Random(5)
    work.mkdir(parents=True, exist_ok=True)
    for seed in range(10):
        model = check.draw_case(seed, tools).model
        for _ in range(4):
            choices = [ir.without_apply(model, number)
                       for number in range(len(model.applies))]
            for layer in range(len(model.layers)):
                choices += [ir.without_operations(model, layer, [number])
                            for number in range(len(model.layers[layer].operations))]
                choices.append(ir.with_result(model, layer, 0, rng.randrange(4)))
            choices = [choice for choice in choices if choice]
            if not choices:
                break
            model = rng.choice(choices)
        (work / "smaller.mlir").write_text(model.text())
        status, _, error = tools.execute(
            [tools.tool("pp-opt"), "smaller.mlir", "-o", "smaller.out"], work)
        expect(status == 0, f"seed {seed}: {error}")


def main():
    tools = check.Tools(sys.argv[1])
    work = tools.build / "test" / "Fuzz" / "selftest"
    draws_every_op(tools)
    seeds_are_cases(tools)
    models_stay_whole(tools, work)
    wrong_op_is_found(tools, work, "nn.linear")
    wrong_op_is_found(tools, work, "math.tanh")
    other_bits_are_found(tools, work)
    errors_are_found(tools, work)
    shutil.rmtree(pathlib.Path(work), ignore_errors=True)


main()
