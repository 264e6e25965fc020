"""Random models that are well-conditioned: values stay of magnitude 1 or so, and
functions get arguments from inside their domains, so that a gradient in f32 can
be compared with one in f64.

Each template below adds operations to a layer. COVERED collects the names that
templates can emit, for the test that no differentiable op is left out."""

from builder import Builder
from ir import Apply, Layer, Model, Parameter, Value, elements, settle, tensor

UNARY_MATH = {
    # op: the domain of its argument
    "math.exp": "small", "math.exp2": "small", "math.expm1": "small", "math.log": "positive",
    "math.log2": "positive", "math.log10": "positive", "math.log1p": "positive",
    "math.sqrt": "positive", "math.rsqrt": "positive", "math.cbrt": "positive", "math.absf": "any",
    "math.sin": "any", "math.cos": "any", "math.tan": "small", "math.sinh": "small",
    "math.cosh": "small", "math.tanh": "any", "math.asin": "small", "math.acos": "small",
    "math.atan": "any", "math.asinh": "any", "math.acosh": "above one", "math.atanh": "small",
    "math.erf": "any", "math.erfc": "any", "math.floor": "any", "math.ceil": "any",
    "math.round": "any", "math.roundeven": "any", "math.trunc": "any",
}
# Not continuous: where rounding moves an argument over an edge, results jump.
STEPS = ["math.floor", "math.ceil", "math.round", "math.roundeven", "math.trunc"]
EXTREMA = ["arith.maximumf", "arith.minimumf", "arith.maxnumf", "arith.minnumf"]


# ===----------------------------------------------------------------------===//
# Templates
# ===----------------------------------------------------------------------===//


def activation(b):
    x = b.pick()
    op = b.rng.choice(["gelu", "gelu", "silu", "relu"])
    attributes = ""
    if op == "gelu" and b.rng.random() < 0.6:
        attributes = f'approximate = "{b.rng.choice(["none", "tanh"])}"'
    b.put(b.one(op, [x], x.shape, x.bound, attributes))


def unary_math(b):
    ops = [op for op in UNARY_MATH if op not in STEPS]
    op = b.rng.choice(ops)
    x = b.pick()
    x = b.into(x, UNARY_MATH[op])
    # Polynomials of bf16 have nothing to show that those of f32 have not.
    b.put(b.same(op, x, bound=min(4.0, x.bound + 1.6)))


def step(b):
    """A function with edges, and little weight."""
    if not b.options.steps:
        return
    x = b.pick()
    y = b.same(b.rng.choice(STEPS), x, bound=x.bound + 1)
    b.put(b.same("arith.addf", x, b.scale(y, 0.1), bound=x.bound + 0.5))


def binary_arith(b):
    x = b.pick()
    y = b.matching(x)
    op = b.rng.choice(["arith.addf", "arith.subf", "arith.mulf", "arith.divf",
                       *EXTREMA])
    if op == "arith.divf":
        y = b.into(y, "positive")
        b.put(b.same(op, x, y, bound=2 * x.bound))
        return
    bound = x.bound * y.bound if op == "arith.mulf" else x.bound + y.bound
    b.put(b.same(op, x, y, bound=bound))


def rare_arith(b):
    x = b.pick()
    op = b.rng.choice(["arith.negf", "arith.remf", "math.powf", "math.atan2",
                       "math.copysign", "math.fma"])
    if op == "arith.negf":
        b.put(b.same(op, x))
    elif op == "arith.remf":
        # The quotient is 1 or 2 throughout: no edge.
        y = b.same("arith.addf", b.scale(b.into(x, "small"), 0.1),
                   b.constant(x, 2.4), bound=2.5)
        z = b.same("arith.addf", b.scale(b.into(b.matching(x), "small"), 0.1),
                   b.constant(x, 3.6), bound=3.7)
        b.put(b.same(op, z, y, bound=1.5))
    elif op == "math.powf":
        y = b.into(b.matching(x), "small")
        b.put(b.same(op, b.into(x, "positive"), y, bound=4.0))
    elif op == "math.atan2":
        y = b.into(b.matching(x), "positive")
        b.put(b.same(op, x, y, bound=1.6))
    elif op == "math.copysign":
        # An edge where the second is 0, but |x| is 0 there, too.
        b.put(b.same(op, x, x))
    else:
        y = b.matching(x)
        z = b.matching(x)
        b.put(b.same(op, x, y, z, bound=x.bound * y.bound + z.bound))


def select(b):
    """Between two values by a comparison, continuous unless steps are asked for."""
    x = b.pick()
    c = b.constant(x, -0.8, 0.8)
    predicate = b.rng.choice(["ogt", "oge", "olt", "ole", "ugt", "une", "uge"])
    mask_type = tensor(x.shape, "i1")
    mask = b.emit(f"arith.cmpf {predicate}, {{0}}, {{1}} : {x.type}", [x, c],
                  [(x.shape, "i1", 1)])[0]
    if b.options.steps and b.rng.random() < 0.5:
        y = b.matching(x)
    else:
        # c + k (x - c) meets x where x is c.
        y = b.same("arith.addf", c, b.scale(b.same("arith.subf", x, c), 0.3),
                   bound=x.bound + 1)
    pair = [x, y] if b.rng.random() < 0.5 else [y, x]
    if predicate == "une" and not b.options.steps:
        pair = [x, x]
    b.put(b.emit(f"arith.select {{0}}, {{1}}, {{2}} : {mask_type}, {x.type}",
                 [mask, *pair], [(x.shape, x.element, max(x.bound, y.bound))])[0])


def change_precision(b):
    x = b.pick()
    wide = {"f32": ["f64"], "f64": ["f32"], "bf16": ["f32", "f64"]}[x.element]
    narrow = ["bf16"] if b.options.bf16 and x.element != "bf16" else []
    element = b.rng.choice(wide + narrow)
    bits = {"bf16": 16, "f32": 32, "f64": 64}
    if b.rng.random() < 0.5:
        b.put(b.as_element(x, element))
        return
    op = "arith.extf" if bits[element] > bits[x.element] else "arith.truncf"
    b.put(b.emit(f"{op} {{0}} : {x.type} to {tensor(x.shape, element)}", [x],
                 [(x.shape, element, x.bound)])[0])


def broadcast_binary(b):
    """An op of nn with an operand that repeats."""
    x = b.stream()
    shape = list(x.shape)
    drop = b.rng.randrange(len(shape) + 1)
    small = [1 if b.rng.random() < 0.4 else size for size in shape][drop:]
    op = b.rng.choice(["add", "sub", "mul", "div"])
    if b.rng.random() < 0.6:
        y = b.param(small, b.rng.choice(["weight", "scale", "shift"]))
    else:
        y = b.as_shape(b.as_element(b.pick(), "f32"), small)
    if op == "div":
        y = b.into(y, "positive")
    pair = [y, x] if op in ("add", "mul") and b.rng.random() < 0.3 else [x, y]
    bound = x.bound * (y.bound if op == "mul" else 2) + y.bound
    b.put(b.one(op, pair, shape, bound))


def broadcast(b):
    x = b.as_element(b.pick(), "f32")
    if len(x.shape) > 3 or x.count > 64:
        x = b.as_shape(x, (b.rng.choice([1, 2, 3]), b.rng.choice([1, 3, 4])))
    shape = [size if size != 1 else b.rng.choice([1, 2, 3]) for size in x.shape]
    if b.rng.random() < 0.5:
        shape.insert(0, b.rng.choice([1, 2, 3]))
    b.put(b.one("broadcast", [x], shape, x.bound))


def linear(b):
    x = b.stream()
    inner = x.shape[-1]
    outer = b.rng.choice([inner, inner, 1, 3, 8, 11, 16])
    is_transposed = b.rng.random() < 0.4
    shape = (outer, inner) if is_transposed else (inner, outer)
    if b.rng.random() < 0.85:
        weight = b.param(shape)
    else:
        weight = b.constant(Value("", shape, x.element), -0.5, 0.5)
    operands = [x, weight]
    if b.rng.random() < 0.5:
        operands.append(b.param((outer,), "shift"))
    y = b.one("linear", operands, (*x.shape[:-1], outer), x.bound * inner ** 0.5 * 0.4 + 1,
              "transposed" if is_transposed else "")
    if b.rng.random() < 0.4:
        attributes = b.rng.choice(['approximate = "tanh"', ""])
        y = b.one("gelu", [y], y.shape, y.bound, attributes)
    b.put(y)


def matmul(b):
    batch = [b.rng.choice([1, 2, 3]) for _ in range(b.rng.choice([0, 1, 2]))]
    m, k, n = (b.rng.choice([1, 2, 3, 5, 8]) for _ in range(3))
    a_shape = [m, k]
    b_shape = [k, n]
    attributes = []
    if b.rng.random() < 0.4:
        a_shape.reverse()
        attributes.append("transpose_a")
    if b.rng.random() < 0.4:
        b_shape.reverse()
        attributes.append("transpose_b")
    x = b.as_shape(b.as_element(b.pick(), "f32"), batch + a_shape)
    if b.rng.random() < 0.3:
        y = b.param(batch + b_shape)
    else:
        y = b.as_shape(b.as_element(b.pick(), "f32"), batch + b_shape)
    shape = batch + [m, n]
    bound = x.bound * y.bound * k ** 0.5
    if b.rng.random() < 0.3:
        z = b.as_shape(b.as_element(b.pick(), "f32"), shape)
        kinds = ", ".join(value.type for value in (x, y, z))
        attributes = " {{" + ", ".join(attributes) + "}}" if attributes else ""
        b.put(b.emit(f"nn.matmul {{0}}, {{1}} init({{2}}){attributes} : ({kinds}) -> "
                     f"{tensor(shape)}", [x, y, z], [(shape, "f32", bound + z.bound)])[0])
    else:
        b.put(b.one("matmul", [x, y], shape, bound, ", ".join(attributes)))


def masked_ids(b, ids, mask):
    c = b.emit(f"arith.constant dense<{mask}> : {ids.type}", [], [(ids.shape, "i32", 1)])[0]
    return b.emit(f"arith.andi {{0}}, {{1}} : {ids.type}", [ids, c], [(ids.shape, "i32", 1)])[0]


def attention(b):
    batch, sequence, width = b.dims.stream
    key_heads = b.rng.choice([1, 1, 2, 3])
    heads = key_heads * b.rng.choice([1, 1, 2])
    size = b.rng.choice([1, 2, 3, 4, 8])
    keys = sequence + b.rng.choice([0, 0, 0, 1, 2])
    x = b.stream()

    def heads_of(number, length):
        if b.rng.random() < 0.5:
            w = b.param((width, number * size))
            y = b.one("linear", [x, w], (batch, sequence, number * size), 2.0)
        else:
            y = b.stream()
        return b.as_shape(y, (batch, length, number, size))

    q, k, v = heads_of(heads, sequence), heads_of(key_heads, keys), heads_of(key_heads, keys)
    if size % 2 == 0 and b.rng.random() < 0.5:
        attributes = ["base = 10000.0" if b.rng.random() < 0.5 else "base = 50.0"]
        if b.rng.random() < 0.4:
            attributes.append("interleaved")
        if b.rng.random() < 0.2:
            attributes.append("inverse")
        if b.rng.random() < 0.3:
            attributes.append("scaling = #nn.rotary_scaling<factor = 4.0%s>" % b.rng.choice(
                ["", ", low = 1.0, high = 4.0, original = 32.0"]))
        q = b.one("rotary", [q], q.shape, q.bound, ", ".join(attributes))
        k = b.one("rotary", [k], k.shape, k.bound, ", ".join(attributes))
    attributes = []
    if b.rng.random() < 0.6:
        attributes.append("causal")
    if b.rng.random() < 0.3:
        attributes.append("scale = 0.7")
    documents = None
    ids = [x for x in b.ids if x.shape == (batch, sequence)]
    if keys == sequence and ids and b.rng.random() < 0.7:
        # Documents of any positions, in turn or by chance.
        mask = b.rng.choice([0, 1, 1, 2, 3, 255])
        documents = masked_ids(b, b.rng.choice(ids), mask)
    # Nothing reads the log-sum-exp: a gradient through it is refused.
    y, _ = b.nn("attention", [q, k, v],
                [(q.shape, "f32", v.bound), ((batch, heads, sequence), "f32", 4.0)],
                ", ".join(attributes), documents=documents)
    b.put(y)


def norm(b):
    x = b.stream() if b.rng.random() < 0.7 else b.as_element(b.pick(), "f32")
    if not x.shape:
        return
    size = x.shape[-1]
    eps = b.rng.choice(["0.1", "0.01", "1.0e-3"])
    # A row of one element, or equal ones, has no variance to divide by.
    if size < 3:
        eps = "0.5"
    gamma = b.param((size,), "scale")
    if b.rng.random() < 0.5:
        beta = b.param((size,), "shift")
        b.put(b.one("layer_norm", [x, gamma, beta], x.shape, 3.0, f"eps = {eps}"))
    else:
        b.put(b.one("rms_norm", [x, gamma], x.shape, 3.0, f"eps = {eps}"))


def softmax(b):
    x = b.pick()
    if not x.shape:
        return
    axis = b.rng.randrange(len(x.shape))
    b.put(b.scale(b.one("softmax", [x], x.shape, 1.0, f"axis = {axis} : i64"), 2.0))


def reduce(b):
    x = b.pick()
    rank = len(x.shape)
    if rank == 0:
        return
    axes = sorted(b.rng.sample(range(rank), b.rng.randint(1, rank)))
    keep = b.rng.random() < 0.5
    shape = ([1 if i in axes else size for i, size in enumerate(x.shape)] if keep
             else [size for i, size in enumerate(x.shape) if i not in axes])
    number = elements(x.shape[i] for i in axes)
    op = b.rng.choice(["reduce_sum", "reduce_mean", "reduce_max"])
    bound = x.bound * (number if op == "reduce_sum" else 1)
    attributes = "keepdims" if keep else ""
    if op == "reduce_sum" and b.rng.random() < 0.3:
        start = b.as_shape(b.as_element(b.pick(), x.element), shape)
        attributes = " {{keepdims}}" if keep else ""
        b.put(b.emit(f"nn.reduce_sum {{0}} init({{1}}) axes = {axes}{attributes} : "
                     f"({x.type}, {start.type}) -> {tensor(shape, x.element)}",
                     [x, start], [(shape, x.element, bound + start.bound)])[0])
        return
    y = b.one(op, [x], shape, bound, attributes, f" axes = {axes}")
    if keep and b.rng.random() < 0.5:
        y = b.one(b.rng.choice(["sub", "mul", "add"]), [x, y], x.shape,
                  x.bound * max(1, y.bound) + y.bound)
    b.put(y)


def shape_ops(b):
    x = b.pick()
    rank = len(x.shape)
    kind = b.rng.choice(["reshape", "transpose", "slice", "pad", "concatenate", "split"])
    if kind == "reshape" or rank == 0:
        sizes, rest = [], x.count
        for factor in (2, 3, 5, 7):
            if rest % factor == 0 and rest > 1 and b.rng.random() < 0.6:
                sizes.append(factor)
                rest //= factor
        sizes.append(rest)
        b.rng.shuffle(sizes)
        if b.rng.random() < 0.3:
            sizes.insert(b.rng.randrange(len(sizes) + 1), 1)
        b.put(b.one("reshape", [x], sizes, x.bound))
    elif kind == "transpose":
        order = list(range(rank))
        b.rng.shuffle(order)
        b.put(b.one("transpose", [x], [x.shape[i] for i in order], x.bound,
                    middle=f" permutation = {order}"))
    elif kind == "slice":
        offsets, sizes, strides = [], [], []
        for size in x.shape:
            stride = b.rng.choice([1, 1, 2, 3])
            offset = b.rng.randrange(size)
            sizes.append(b.rng.randint(1, (size - offset - 1) // stride + 1))
            offsets.append(offset)
            strides.append(stride)
        middle = f" offsets = {offsets} sizes = {sizes}"
        if any(stride > 1 for stride in strides):
            middle += f" strides = {strides}"
        b.put(b.one("slice", [x], sizes, x.bound, middle=middle))
    elif kind == "pad":
        low = [b.rng.choice([0, 0, 1, 2]) for _ in x.shape]
        high = [b.rng.choice([0, 0, 1]) for _ in x.shape]
        between = [b.rng.choice([0, 0, 0, 1]) for _ in x.shape]
        shape = [l + n + (n - 1) * i + h
                 for l, n, i, h in zip(low, x.shape, between, high)]
        middle = f" low = {low} high = {high}"
        if any(between):
            middle += f" interior = {between}"
        if elements(shape) <= 600:
            b.put(b.one("pad", [x], shape, x.bound, middle=middle))
    elif kind == "concatenate":
        axis = b.rng.randrange(rank)
        pieces = [x]
        for _ in range(b.rng.choice([0, 1, 1, 2])):
            shape = list(x.shape)
            if b.rng.random() < 0.5:
                shape[axis] = b.rng.choice([1, 2, shape[axis]])
            other = b.as_element(b.pick(), x.element)
            pieces.append(b.as_shape(other, shape))
        shape = list(x.shape)
        shape[axis] = sum(piece.shape[axis] for piece in pieces)
        if elements(shape) <= 600:
            b.put(b.one("concatenate", pieces, shape, max(p.bound for p in pieces),
                        f"axis = {axis} : i64"))
    else:
        axis = b.rng.randrange(rank)
        sizes, rest = [], x.shape[axis]
        while rest:
            sizes.append(b.rng.randint(1, rest))
            rest -= sizes[-1]
        if len(sizes) > 4:
            return
        results = []
        for size in sizes:
            shape = list(x.shape)
            shape[axis] = size
            results.append((shape, x.element, x.bound))
        pieces = b.nn("split", [x], results, f"axis = {axis} : i64",
                      f" sizes = {sizes}")
        for piece in pieces:
            if b.rng.random() < 0.7:
                b.put(piece)


def embedding(b):
    if not b.ids:
        return
    ids = b.rng.choice(b.ids)
    width = b.rng.choice([b.dims.stream[-1], 1, 5])
    if b.rng.random() < 0.8:
        table = b.param((b.dims.vocabulary, width), "table")
    else:
        table = b.constant(Value("", (b.dims.vocabulary, width)), -0.5, 0.5)
    b.put(b.one("embedding", [ids, table], (*ids.shape, width), 2.0))


def token_numbers(b):
    """Ids as numbers, and as a mask."""
    if not b.ids:
        return
    ids = b.rng.choice(b.ids)
    if b.rng.random() < 0.5:
        if b.rng.random() < 0.5:
            y = b.nn("cast", [ids], [(ids.shape, "f32", b.dims.vocabulary)])[0]
        else:
            y = b.emit(f"arith.sitofp {{0}} : {ids.type} to {tensor(ids.shape)}", [ids],
                       [(ids.shape, "f32", b.dims.vocabulary)])[0]
        b.put(b.scale(y, 1 / b.dims.vocabulary))
        return
    limit = b.rng.randrange(b.dims.vocabulary)
    c = b.emit(f"arith.constant dense<{limit}> : {ids.type}", [], [(ids.shape, "i32", 1)])[0]
    op = b.rng.choice(["arith.addi", "arith.xori", "arith.maxsi", None])
    shifted = ids
    if op:
        shifted = b.emit(f"{op} {{0}}, {{1}} : {ids.type}", [ids, c],
                         [(ids.shape, "i32", 1)])[0]
    predicate = b.rng.choice(["slt", "sge", "eq", "ne", "ult"])
    mask = b.emit(f"arith.cmpi {predicate}, {{0}}, {{1}} : {ids.type}", [shifted, c],
                  [(ids.shape, "i1", 1)])[0]
    x = b.as_shape(b.as_element(b.pick(), "f32"), ids.shape)
    y = b.scale(x, 0.25)
    b.put(b.emit(f"arith.select {{0}}, {{1}}, {{2}} : {mask.type}, {x.type}", [mask, x, y],
                 [(x.shape, "f32", x.bound)])[0])


def other_ids(b):
    """Ids computed from ids, below the vocabulary, or the same."""
    ids = b.rng.choice(b.ids)
    op = b.rng.choice(["arith.minsi", "arith.andi", None])
    if not op:
        return ids
    limit = b.rng.randrange(b.dims.vocabulary)
    c = b.emit(f"arith.constant dense<{limit}> : {ids.type}", [], [(ids.shape, "i32", 1)])[0]
    return b.emit(f"{op} {{0}}, {{1}} : {ids.type}", [ids, c], [(ids.shape, "i32", 1)])[0]


def dropout(b):
    x = b.pick()
    p = b.rng.choice([0.0, 0.1, 0.25, 0.5, 0.9])
    b.sites += 1
    attributes = f"p = {p}, site = {b.sites} : i64"
    # What is left grows by 1 / (1 - p).
    b.put(b.one("dropout", [x], x.shape, x.bound / (1 - p) if p < 0.9 else 4.0, attributes))


def constants(b):
    x = b.pick()
    c = b.constant(x, -0.9, 0.9)
    b.put(b.same(b.rng.choice(["arith.addf", "arith.mulf", "arith.subf"]), x, c,
                 bound=x.bound + 1))


TEMPLATES = [
    (activation, 3), (unary_math, 9), (step, 1), (binary_arith, 4), (rare_arith, 3),
    (select, 2), (change_precision, 1), (broadcast_binary, 4), (broadcast, 1),
    (linear, 5), (matmul, 2), (attention, 2), (norm, 3), (softmax, 2), (reduce, 3),
    (shape_ops, 4), (embedding, 1), (token_numbers, 1), (dropout, 1), (constants, 2),
]


# ===----------------------------------------------------------------------===//
# Models
# ===----------------------------------------------------------------------===//


class Dims:
    def __init__(self, rng):
        batch = rng.choice([1, 1, 2, 2, 3])
        sequence = rng.choice([1, 2, 3, 4, 5, 7, 8])
        width = rng.choice([1, 3, 4, 6, 8, 8, 12, 16])
        self.stream = (batch, sequence, width)
        self.vocabulary = rng.choice([2, 3, 7, 11, 16, 16, 33, 256])


class Options:
    """What models may have beside f32 and continuous functions."""

    def __init__(self, rng):
        self.steps = rng.random() < 0.1
        self.bf16 = rng.random() < 0.1


def draw_layer(rng, name, inputs, dims, options, size, outputs=None):
    """A layer of about `size` templates; results in the shape of activations
    and, behind it, one for each of `outputs`, a shape and an element type."""
    layer = Layer(name, inputs, [])
    b = Builder(rng, layer, dims, options)
    if not b.pool:
        if b.ids and rng.random() < 0.9:
            embedding(b)
        if not b.pool:
            b.put(b.param(rng.choice([dims.stream, dims.stream[1:], (dims.stream[-1],)])))
    functions, weights = zip(*TEMPLATES)
    for _ in range(size):
        rng.choices(functions, weights)[0](b)
    extra = []
    for shape, element in outputs or []:
        if element != "i32":
            value = b.as_shape(b.as_element(b.pick(), "f32"), shape)
            extra.append(b.as_element(value, element))
        elif b.ids:
            extra.append(other_ids(b))
    layer.results = [b.finish(dims.stream), *extra]
    layer.recompute = rng.choice([None, None, None, "full", "none"])
    return layer


def few_targets(b, targets):
    """Targets below a number, and the default of those that are ignored: often so
    many that a micro-batch, or all of a step, has no others."""
    def number(n):
        return b.emit(f"arith.constant dense<{n}> : {targets.type}", [],
                      [(targets.shape, "i32", 1)])[0]

    limit = b.rng.choice([0, 1, 1, b.dims.vocabulary // 4, b.dims.vocabulary // 2])
    counts = b.emit(f"arith.cmpi slt, {{0}}, {{1}} : {targets.type}", [targets, number(limit)],
                    [(targets.shape, "i1", 1)])[0]
    return b.emit(f"arith.select {{0}}, {{1}}, {{2}} : {counts.type}, {targets.type}",
                  [counts, targets, number(-100)], [(targets.shape, "i32", 1)])[0]


def draw_head(rng, dims, options, has_documents=False):
    inputs = [Value("x", dims.stream), Value("t", dims.stream[:2], "i32")]
    layer = Layer("head", inputs, [])
    b = Builder(rng, layer, dims, options)
    b.put(inputs[0])
    if rng.random() < 0.3:
        norm(b)
    x = b.stream()
    is_transposed = rng.random() < 0.7
    shape = (dims.vocabulary, dims.stream[-1])
    weight = b.param(shape if is_transposed else shape[::-1], "table")
    operands = [x, weight]
    if rng.random() < 0.3:
        operands.append(b.param((dims.vocabulary,), "shift"))
    logits = b.one("linear", operands, (*dims.stream[:2], dims.vocabulary), 4.0,
                   "transposed" if is_transposed else "")
    ignored = ""
    if rng.random() < 0.3:
        number = rng.choice([-1, 0, 1, dims.vocabulary // 2])
        if has_documents:
            number = rng.choice([-1, dims.vocabulary])
        ignored = f"ignore_index = {number} : i64"
    if rng.random() < 0.1:
        # The same without a maximum that is taken off, from its sums.
        rows = dims.stream[:2]
        total, logit = b.nn(
            "class_sums", [logits, b.constant(Value("rows", rows), 0.0), inputs[1]],
            [(rows, "f32", dims.vocabulary * 60.0), (rows, "f32", 4.0)], ignored)
        each = b.same("arith.subf", b.same("math.log", total, bound=8.0), logit)
        layer.results = [b.one("reduce_mean", [each], (), 8.0, middle=" axes = [0, 1]")]
        return layer
    targets = inputs[1]
    if not ignored and not has_documents and rng.random() < 0.4:
        targets = few_targets(b, targets)
    statistics = [((), "f32", 4.0), (dims.stream[:2], "f32", 4.0)]
    loss, lse = b.nn("cross_entropy", [logits, targets], statistics, ignored)
    if rng.random() < 0.1:
        # Another one, which may count other targets.
        more, _ = b.nn("cross_entropy", [b.scale(logits, 0.5), inputs[1]], statistics, ignored)
        loss = b.same("arith.addf", loss, b.scale(more, 0.5))
    if rng.random() < 0.2:
        # A second part of the loss, as mixtures of experts and z-loss have it.
        square = b.same("arith.mulf", lse, lse)
        mean = b.one("reduce_mean", [square], (), 4.0, middle=" axes = [0, 1]")
        loss = b.same("arith.addf", loss, b.scale(mean, 0.1))
    layer.results = [loss]
    return layer


def draw_model(rng, sizes=None, dims=None):
    """`sizes`: templates a layer, at most; for smaller models of one seed."""
    options = Options(rng)
    drawn = Dims(rng)
    dims = dims or drawn
    model = Model()
    model.vocabulary = dims.vocabulary
    model.token_bytes = 1 if dims.vocabulary == 256 and rng.random() < 0.5 else 2
    model.is_smooth = not options.steps and not options.bf16
    tokens = Value("tokens", dims.stream[:2], "i32")
    targets = Value("targets", dims.stream[:2], "i32")
    model.data = [tokens, targets]
    ids = [tokens, targets]
    # Documents are ids of tables, too. Then only the loss reads targets, which are
    # not to be classes at ends of documents.
    if dims.vocabulary >= dims.stream[1] and rng.random() < 0.2:
        documents = Value("documents", dims.stream[:2], "i32")
        model.data.append(documents)
        ids = [tokens, documents]
    streams, extras = [], []
    names = iter(range(10000))

    def draw_size():
        size = rng.choice([0, 1, 2, 3, 5, 8, 8, 14, 20])
        return size if sizes is None else min(size, sizes)

    def apply(layer, inputs):
        params = []
        for value, init in zip(layer.params, layer.inits):
            same = [p for p in model.params if p.shape == value.shape]
            if same and rng.random() < 0.2:
                params.append(rng.choice(same))
                continue
            param = Parameter(f"w{len(model.params)}", value.shape, init)
            if rng.random() < 0.1:
                param.decay = rng.choice(["true", "false"])
            model.params.append(param)
            params.append(param)
        results = [Value(f"x{next(names)}", value.shape, value.element)
                   for value in layer.results]
        new = Apply(layer, inputs, params, results)
        if rng.random() < 0.15:
            new.recompute = rng.choice(["full", "none"])
        model.applies.append(new)
        return results

    def add_layer(kinds, size, outputs):
        inputs = [Value(f"a{i}", value.shape, value.element)
                  for i, value in enumerate(kinds)]
        layer = draw_layer(rng, f"l{len(model.layers)}", inputs, dims, options, size,
                           outputs)
        model.layers.append(layer)
        return layer

    first = add_layer([tokens], rng.choice([0, 0, 1, 3]), None)
    streams += apply(first, [tokens])
    definitions = []
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 3])):
        kinds = [streams[0]] * rng.choice([1, 1, 1, 2, 3])
        if rng.random() < 0.35:
            kinds.append(rng.choice(ids))
        if extras and rng.random() < 0.6:
            kinds.append(rng.choice(extras))
        if rng.random() < 0.05:
            kinds = []
        outputs = None
        if rng.random() < 0.25:
            shape = rng.choice([(), dims.stream[1:], (3,), dims.stream, (2, 1, 2)])
            element = rng.choice(["f32", "f32", "f32", "i32", "f64"])
            outputs = [(shape, element)]
        layer = add_layer(kinds, draw_size(), outputs)
        definitions.append(layer)
        extras += [value for value in layer.results[1:]]
    made = []
    for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 6, 8, 12])):
        if not definitions:
            break
        layer = rng.choice(definitions)
        inputs = []
        for value in layer.inputs:
            same = [x for x in ids + streams + made if x.type == value.type]
            if value.element == "i32":
                inputs.append(rng.choice(same))
                continue
            if not same:
                break
            inputs.append(same[-1] if rng.random() < 0.7 else rng.choice(same))
        if len(inputs) < len(layer.inputs):
            continue
        results = apply(layer, inputs)
        streams.append(results[0])
        made += results[1:]
    head = draw_head(rng, dims, options, model.has_documents())
    model.layers.append(head)
    last = streams[-1]
    [model.loss] = apply(head, [last, targets])
    if rng.random() < 0.9:
        settle(model)
    return model
