"""Makes a failing case smaller while it fails in the same way."""

import random
import time

import check
import generate
import ir


def candidates(case, tools):
    """Smaller cases, those that save most first."""
    if len(case.settings) > 1:
        for setting in case.settings:
            yield check.smaller(case, settings=[setting])
    if case.settings:
        yield check.smaller(case, settings=[])
    for fewer in sorted({1, 2, case.microbatches // 2, case.microbatches - 1}):
        if 0 < fewer < case.microbatches and fewer % case.groups == 0:
            yield check.smaller(case, microbatches=fewer)
    if case.steps > 1:
        yield check.smaller(case, steps=1)
    if case.groups > 1 and all(setting.replicas == 1 for setting in case.settings):
        yield check.smaller(case, groups=1)
    if case.is_bf16:
        yield check.smaller(case, is_bf16=False)
    if case.is_device:
        yield check.smaller(case, is_device=False)
    for number, setting in enumerate(case.settings):
        for name, value in (("stages", ()), ("recompute", None), ("semantics", None),
                            ("unroll", False), ("ranks", 1), ("ranks", setting.ranks - 1),
                            ("split", False), ("virtual", None), ("is_from_file", False),
                            ("threads", 1), ("restarts", False), ("zero", 1),
                            ("replicas", 1), ("tensors", 1), ("tensors", 2),
                            ("sequence", None)):
            is_smaller = value != 0 and getattr(setting, name) != value
            if name == "tensors":
                is_smaller = value < setting.tensors
            if is_smaller:
                copy = check.smaller(case)
                setattr(copy.settings[number], name, value)
                if name in ("ranks", "virtual"):
                    copy.settings[number].stages = ()
                yield copy
    yield from smaller_models(case)


def smaller_models(case):
    for number in reversed(range(len(case.model.applies))):
        model = ir.without_apply(case.model, number)
        if model:
            # Pins are by the number of the apply.
            copy = check.smaller(case, model=model)
            for setting in copy.settings:
                setting.stages = ()
            yield copy
    layers = range(len(case.model.layers))
    for layer in layers:
        for result in range(len(case.model.layers[layer].results)):
            for value in range(8):
                model = ir.with_result(case.model, layer, result, value)
                if model:
                    yield check.smaller(case, model=model)
    for layer in layers:
        count = len(case.model.layers[layer].operations)
        size = count // 2
        while size > 1:
            for first in reversed(range(0, count, size)):
                yield check.smaller(case, model=ir.without_operations(
                    case.model, layer, range(first, min(first + size, count))))
            size //= 2
    for layer in layers:
        for number in reversed(range(len(case.model.layers[layer].operations))):
            yield check.smaller(
                case, model=ir.without_operations(case.model, layer, [number]))


def redraw(case, tools):
    """The same seed with smaller shapes and layers."""
    dims = generate.Dims(random.Random(0))
    for sizes in (1, 3, None):
        for stream, vocabulary in (((1, 2, 4), 3), ((2, 3, 8), 7)):
            dims.stream, dims.vocabulary = stream, vocabulary
            yield check.draw_case(case.seed, tools, sizes, dims)


def shrink(case, failure, tools, directory, seconds):
    """The smallest case found in about `seconds`, and its failure."""
    end = time.monotonic() + seconds
    try:
        for smaller in redraw(case, tools):
            if time.monotonic() > end:
                return case, failure
            _, other = check.run_case(smaller, tools, directory)
            if other and other.kind == failure.kind:
                case, failure = smaller, other
                break
    except check.Failure:
        pass
    tried = {describe(case)}
    progress = True
    while progress:
        progress = False
        for smaller in candidates(case, tools):
            if time.monotonic() > end:
                return case, failure
            text = describe(smaller)
            if text in tried:
                continue
            tried.add(text)
            _, other = check.run_case(smaller, tools, directory)
            if other and other.kind == failure.kind:
                case, failure = smaller, other
                progress = True
                break
    return case, failure


def describe(case):
    """All that a smaller case may differ in."""
    settings = [(setting.describe(), setting.stages) for setting in case.settings]
    return str((case.model.text(), case.compile_options(), case.steps, settings))
