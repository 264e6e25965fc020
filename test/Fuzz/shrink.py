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
        if 0 < fewer < case.microbatches:
            yield check.smaller(case, microbatches=fewer)
    if case.steps > 1:
        yield check.smaller(case, steps=1)
    if case.is_bf16:
        yield check.smaller(case, is_bf16=False)
    if case.is_device:
        yield check.smaller(case, is_device=False)
    for number, setting in enumerate(case.settings):
        for name, value in (("stages", ()), ("recompute", None), ("semantics", None),
                            ("unroll", False), ("ranks", 1), ("ranks", setting.ranks - 1),
                            ("split", False), ("virtual", None)):
            if value != 0 and getattr(setting, name) != value:
                copy = check.smaller(case)
                setattr(copy.settings[number], name, value)
                if name in ("ranks", "virtual"):
                    copy.settings[number].stages = ()
                yield copy
    for number in reversed(range(len(case.model.applies))):
        model = ir.without_apply(case.model, number)
        if model:
            # Pins are by the number of the apply.
            copy = check.smaller(case, model=model)
            for setting in copy.settings:
                setting.stages = ()
            yield copy
    for layer in range(len(case.model.layers)):
        for number in reversed(range(len(case.model.layers[layer].operations))):
            model = ir.without_operation(case.model, layer, number)
            if model:
                yield check.smaller(case, model=model)


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
    progress = True
    while progress:
        progress = False
        for smaller in candidates(case, tools):
            if time.monotonic() > end:
                return case, failure
            if smaller.model.text() == case.model.text() and smaller == case:
                continue
            _, other = check.run_case(smaller, tools, directory)
            if other and other.kind == failure.kind:
                case, failure = smaller, other
                progress = True
                break
    return case, failure
