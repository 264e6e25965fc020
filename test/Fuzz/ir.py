"""Models as data: what is drawn, printed as MLIR, and made smaller.

A layer is a list of operations on values; an operation is a text with holes for
the names of its operands. So an operation can be taken out by giving its uses
another value of the same type."""

import copy


class Value:
    """A tensor. `bound` is about the largest magnitude of its elements, and only
    the generator reads it."""

    def __init__(self, name, shape, element="f32", bound=2.0):
        self.name, self.shape, self.element = name, tuple(shape), element
        self.bound = bound

    @property
    def type(self):
        return tensor(self.shape, self.element)

    @property
    def count(self):
        return elements(self.shape)


def tensor(shape, element="f32"):
    return "tensor<" + "".join(f"{size}x" for size in shape) + element + ">"


def elements(shape):
    count = 1
    for size in shape:
        count *= size
    return count


class Operation:
    """`text` has {0}, {1}, ... for the names of operands."""

    def __init__(self, text, operands, results):
        self.text, self.operands, self.results = text, list(operands), list(results)

    @property
    def name(self):
        return self.text.split()[0]

    def __str__(self):
        names = ", ".join("%" + value.name for value in self.results)
        text = self.text.format(*("%" + value.name for value in self.operands))
        return f"  {names} = {text}"


class Layer:
    def __init__(self, name, inputs, params):
        self.name, self.inputs, self.params = name, inputs, params
        self.inits = []  # of the parameters
        self.operations, self.results = [], []
        self.recompute = None

    def values(self):
        yield from self.inputs
        yield from self.params
        for operation in self.operations:
            yield from operation.results

    def __str__(self):
        def arguments(values):
            return ", ".join(f"%{value.name}: {value.type}" for value in values)

        params = f" params({arguments(self.params)})" if self.params else ""
        attributes = (
            f' attributes {{recompute = "{self.recompute}"}}' if self.recompute else ""
        )
        lines = [
            f"pp.layer @{self.name}({arguments(self.inputs)}){params} -> "
            f"{types(self.results)}{attributes} {{"
        ]
        lines += map(str, self.operations)
        names = ", ".join("%" + value.name for value in self.results)
        kinds = ", ".join(value.type for value in self.results)
        lines += [f"  pp.yield {names} : {kinds}", "}"]
        return "\n".join(lines)


def types(values):
    text = ", ".join(value.type for value in values)
    return text if len(values) == 1 else f"({text})"


class Apply:
    def __init__(self, layer, inputs, params, results):
        self.layer, self.inputs, self.params = layer, inputs, params
        self.results = results
        self.recompute = None


class Parameter(Value):
    def __init__(self, name, shape, init):
        super().__init__(name, shape)
        self.init, self.decay = init, None


class Model:
    def __init__(self):
        self.data = []  # values named tokens, targets and maybe documents
        self.vocabulary = 0
        self.token_bytes = 2
        self.params, self.layers, self.applies = [], [], []
        self.loss = None
        # Only runs under f32 are compared with the interpreter.
        self.is_smooth = True

    def has_documents(self):
        return any(value.name == "documents" for value in self.data)

    def operations(self):
        """Names of all ops that the model has."""
        used = {apply.layer.name for apply in self.applies}
        return {op.name for layer in self.layers if layer.name in used
                for op in layer.operations}

    def text(self, stages=()):
        """MLIR. `stages`: the stage of each apply, None where it is not pinned."""
        used = {apply.layer.name for apply in self.applies}
        lines = [str(layer) for layer in self.layers if layer.name in used]
        kinds = {"documents": ' {pp.data = "documents"}'}
        arguments = ", ".join(f"%{value.name}: {value.type}{kinds.get(value.name, '')}"
                              for value in self.data)
        lines.append(f"pp.model @fuzz({arguments}) -> tensor<f32> {{")
        for param in self.params:
            decay = "" if param.decay is None else f" {{decay = {param.decay}}}"
            lines.append(f'  %{param.name} = pp.param "{param.name}" : {param.type} '
                         f"init({param.init}){decay}")
        for number, apply in enumerate(self.applies):
            attributes = []
            if number < len(stages) and stages[number] is not None:
                attributes.append(f"stage = {stages[number]} : i64")
            if apply.recompute:
                attributes.append(f'recompute = "{apply.recompute}"')
            results = ", ".join("%" + value.name for value in apply.results)
            line = f"  {results} = pp.apply @{apply.layer.name}("
            line += ", ".join("%" + value.name for value in apply.inputs) + ")"
            if apply.params:
                names = ", ".join("%" + param.name for param in apply.params)
                line += f" params({names})"
            if attributes:
                line += " {" + ", ".join(attributes) + "}"
            line += " : (" + ", ".join(value.type for value in apply.inputs) + ")"
            if apply.params:
                kinds = ", ".join(param.type for param in apply.params)
                line += f" params({kinds})"
            lines.append(f"{line} -> {types(apply.results)}")
        lines += [f"  pp.return %{self.loss.name} : tensor<f32>", "}"]
        return "\n".join(lines) + "\n"


# ===----------------------------------------------------------------------===//
# Smaller models
# ===----------------------------------------------------------------------===//


def without_dead_values(model):
    """Takes out what nothing uses, in place: operations, results, applies,
    parameters."""
    needed = {model.loss.name}
    for apply in reversed(model.applies):
        if any(result.name in needed for result in apply.results):
            needed.update(value.name for value in apply.inputs)
            needed.update(param.name for param in apply.params)
    model.applies = [apply for apply in model.applies
                     if any(result.name in needed for result in apply.results)]
    model.params = [param for param in model.params if param.name in needed]
    for layer in model.layers:
        users = [apply for apply in model.applies if apply.layer is layer]
        keep = [any(apply.results[i].name in needed for apply in users)
                for i in range(len(layer.results))]
        if users:
            filter_list(layer, "results", keep)
            for apply in users:
                filter_list(apply, "results", keep)
        live = {value.name for value in layer.results}
        for operation in reversed(layer.operations):
            if any(result.name in live for result in operation.results):
                live.update(value.name for value in operation.operands)
        layer.operations = [
            operation for operation in layer.operations
            if any(result.name in live for result in operation.results)]
        for kind in ("inputs", "params"):
            keep = [value.name in live for value in getattr(layer, kind)]
            filter_list(layer, kind, keep)
            for apply in users:
                filter_list(apply, kind, keep)
    return model


def filter_list(owner, name, keep):
    setattr(owner, name, [x for x, kept in zip(getattr(owner, name), keep) if kept])


def settle(model):
    """Repeats without_dead_values until nothing changes."""
    text = None
    while text != model.text():
        text = model.text()
        without_dead_values(model)
    return model


def without_apply(model, number):
    """A copy without an apply, or None: each of its results must have an earlier
    value of the same type in its place."""
    model = copy.deepcopy(model)
    apply = model.applies[number]
    earlier = list(model.data)
    for other in model.applies[:number]:
        earlier += other.results
    replacement = {}
    for result in apply.results:
        same = [value for value in apply.inputs + earlier[::-1]
                if value.type == result.type]
        used = any(value.name == result.name for later in model.applies[number + 1:]
                   for value in later.inputs)
        if result.name == model.loss.name or (used and not same):
            return None
        if used:
            replacement[result.name] = same[0]
    del model.applies[number]
    for later in model.applies[number:]:
        later.inputs = [replacement.get(value.name, value) for value in later.inputs]
    return settle(model)


def without_operations(model, layer_number, numbers):
    """A copy without some operations of a layer: uses of their results get earlier
    values of the same types, rather their own operands. Those whose results have
    no such value stay."""
    model = copy.deepcopy(model)
    layer = model.layers[layer_number]
    for number in sorted(numbers, reverse=True):
        remove_operation(layer, number)
    return settle(model)


def remove_operation(layer, number):
    operation = layer.operations[number]
    earlier = layer.inputs + layer.params
    for other in layer.operations[:number]:
        earlier = earlier + other.results
    used = {value.name for value in layer.results}
    for later in layer.operations[number + 1:]:
        used.update(value.name for value in later.operands)
    replacement = {}
    for result in operation.results:
        if result.name not in used:
            continue
        same = [value for value in operation.operands + earlier[::-1]
                if value.type == result.type]
        if not same:
            return
        replacement[result.name] = same[0]
    del layer.operations[number]
    for later in layer.operations[number:]:
        later.operands = [replacement.get(v.name, v) for v in later.operands]
    layer.results = [replacement.get(v.name, v) for v in layer.results]


def with_result(model, layer_number, number, value_number):
    """A copy whose layer returns an earlier value of the same type as a result,
    the `value_number`th, or None if there are not so many."""
    model = copy.deepcopy(model)
    layer = model.layers[layer_number]
    old = layer.results[number]
    same = [value for value in layer.values()
            if value.type == old.type and value.name != old.name]
    if value_number >= len(same):
        return None
    layer.results[number] = same[value_number]
    return settle(model)
