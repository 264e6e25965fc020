"""One layer in the making: its values so far, and how operations are added to it."""

from ir import Operation, Value, elements, tensor


class Builder:
    """One layer in the making."""

    def __init__(self, rng, layer, dims, options):
        self.rng, self.layer, self.dims = rng, layer, dims
        self.options = options
        self.pool = []  # floats, that later operations read
        self.ids = []  # integers below the vocabulary
        self.unused = []
        self.sites = rng.randrange(1000)
        for value in layer.inputs:
            if value.element.startswith("i"):
                self.ids.append(value)
            else:
                self.pool.append(value)

    # --- Emitting ---------------------------------------------------------- #

    def name(self):
        return f"v{sum(len(op.results) for op in self.layer.operations)}"

    def emit(self, text, operands, results):
        """`results`: (shape, element, bound) each. Returns the values."""
        values = []
        first = sum(len(op.results) for op in self.layer.operations)
        for i, (shape, element, bound) in enumerate(results):
            values.append(Value(f"v{first + i}", shape, element, bound))
        self.layer.operations.append(Operation(text, operands, values))
        return values

    def nn(self, op, operands, results, attributes="", middle="", documents=None):
        """An op of nn: types are written as a function's."""
        holes = ", ".join(f"{{{i}}}" for i in range(len(operands)))
        if documents:
            middle += f" documents({{{len(operands)}}})"
            operands = [*operands, documents]
        kinds = ", ".join(value.type for value in operands)
        out = [tensor(shape, element) for shape, element, _ in results]
        out = out[0] if len(out) == 1 else f"({', '.join(out)})"
        attributes = f" {{{{{attributes}}}}}" if attributes else ""
        text = f"nn.{op} {holes}{middle}{attributes} : ({kinds}) -> {out}"
        return self.emit(text, operands, results)

    def one(self, op, operands, shape, bound, attributes="", middle=""):
        result = (shape, operands[-1].element, bound)
        return self.nn(op, operands, [result], attributes, middle)[0]

    def same(self, op, *operands, bound=None):
        """An op of arith or math with operands and result of one type."""
        value = operands[0]
        holes = ", ".join(f"{{{i}}}" for i in range(len(operands)))
        bound = value.bound if bound is None else bound
        return self.emit(f"{op} {holes} : {value.type}", operands,
                         [(value.shape, value.element, bound)])[0]

    def constant(self, like, low, high=None):
        """Of the type of `like`; random elements if there are two bounds."""
        high = low if high is None else high
        draw = lambda: f"{self.rng.uniform(low, high):.6e}"

        def nested(shape):
            if not shape:
                return draw()
            return "[" + ", ".join(nested(shape[1:]) for _ in range(shape[0])) + "]"

        is_list = low != high and like.count <= 64 and self.rng.random() < 0.7
        text = nested(like.shape) if is_list else draw()
        return self.emit(f"arith.constant dense<{text}> : {like.type}", [],
                         [(like.shape, like.element, max(abs(low), abs(high)))])[0]

    def scale(self, value, factor):
        return self.same("arith.mulf", value, self.constant(value, factor),
                         bound=value.bound * abs(factor))

    def param(self, shape, kind="weight"):
        """A parameter of the layer."""
        init = {
            "weight": ["#nn.normal<std = 0.3>", "#nn.uniform<low = -0.5, high = 0.5>",
                       "#nn.normal<std = 0.2, mean = 0.1>"],
            "table": ["#nn.normal<std = 0.5>", "#nn.uniform<low = -0.8, high = 0.8>"],
            "scale": ["#nn.ones", "#nn.normal<std = 0.2, mean = 1.0>",
                      "#nn.constant<value = 0.75>"],
            "shift": ["#nn.zeros", "#nn.normal<std = 0.3>", "#nn.constant<value = 0.2>"],
        }[kind]
        value = Value(f"p{len(self.layer.params)}", shape, "f32", 1.5)
        self.layer.params.append(value)
        self.layer.inits.append(self.rng.choice(init))
        return value

    # --- Choosing ---------------------------------------------------------- #

    def pick(self, keep=False):
        """A value to read, rather one that nothing has read."""
        fresh = [value for value in self.unused if value in self.pool]
        value = self.rng.choice(fresh if fresh and self.rng.random() < 0.6 else self.pool)
        if value in self.unused and not keep:
            self.unused.remove(value)
        return value

    def put(self, value):
        """Offers a result to later operations, made small if it is large."""
        if value.bound > 4:
            value = (self.same("math.tanh", value, bound=1.0)
                     if self.rng.random() < 0.4 else self.scale(value, 2 / value.bound))
        self.pool.append(value)
        self.unused.append(value)
        return value

    def into(self, value, domain):
        """`value` brought into the domain of a function."""
        if domain == "small":
            return self.scale(self.same("math.tanh", value, bound=1.0), 0.8)
        if domain in ("positive", "above one"):
            square = self.same("arith.mulf", value, value, bound=value.bound ** 2)
            least = 0.5 if domain == "positive" else 1.5
            return self.same("arith.addf", square, self.constant(value, least),
                             bound=square.bound + least)
        return value

    def as_element(self, value, element):
        if value.element == element:
            return value
        return self.nn("cast", [value], [(value.shape, element, value.bound)])[0]

    def as_shape(self, value, shape):
        """`value` in another shape: some of its elements, or all of them."""
        if value.shape == tuple(shape):
            return value
        count = elements(shape)
        if value.count != count:
            value = self.one("reshape", [value], (value.count,), value.bound)
            if value.count > count:
                start = self.rng.randrange(value.count - count + 1)
                value = self.one("slice", [value], (count,), value.bound,
                                 middle=f" offsets = [{start}] sizes = [{count}]")
            else:
                low = self.rng.randrange(count - value.count + 1)
                high = count - value.count - low
                value = self.one("pad", [value], (count,), value.bound,
                                 middle=f" low = [{low}] high = [{high}]")
        return self.one("reshape", [value], shape, value.bound)

    def matching(self, value):
        """A value of the type of `value`."""
        same = [other for other in self.pool if other.type == value.type]
        if self.rng.random() < 0.7:
            other = self.rng.choice(same)
            if other in self.unused:
                self.unused.remove(other)
            return other
        other = self.as_element(self.pick(), value.element)
        return self.as_shape(other, value.shape)

    def stream(self):
        """A value of f32 in the shape of activations."""
        value = self.as_element(self.pick(), "f32")
        return self.as_shape(value, self.dims.stream)

    def finish(self, shape):
        """The result: all that is not used yet, in one value."""
        total = None
        pending = self.unused + [value for value in self.pool[:1]]
        for value in pending:
            value = self.as_element(value, "f32")
            if value.shape != shape and self.rng.random() < 0.5:
                axes = list(range(len(value.shape)))
                if axes:
                    value = self.one("reduce_mean", [value], (), value.bound,
                                     middle=f" axes = {axes}")
            if total is not None and not value.shape:
                total = self.nn("add", [total, value],
                                [(shape, "f32", total.bound + value.bound)])[0]
                continue
            value = self.as_shape(value, shape)
            total = value if total is None else self.same(
                "arith.addf", total, value, bound=total.bound + value.bound)
        if total.bound > 3:
            total = self.scale(total, 2 / total.bound)
        return total
