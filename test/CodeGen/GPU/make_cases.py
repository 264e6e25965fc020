"""Prints functions of every nn op in shapes that fit no vector or block.

usage: make_cases.py f32|bf16 [large]
"""

import sys

element = sys.argv[1]
shapes = [(1, 1), (3, 5), (257, 1), (257, 5), (3, 64), (257, 64)]
def documents(name, batch, length, heads, groups, size, number, attributes):
    """Attention within documents of `number` positions, every third of which is
    also that of the one before."""
    q, k, lse = t(batch, length, heads, size), t(batch, length, groups, size), t(batch, heads, length, of="f32")
    d = t(batch, length, of="i32")
    ids = [[0 if i % 3 == 2 else i // number for i in range(length)] for _ in range(batch)]
    made = f"%ids = arith.constant dense<{ids}> : {d}"
    Q = [("q", q), ("k", k), ("v", k)]
    forward = f"%o, %l = nn.attention %q, %k, %v documents(%ids) {attributes} : ({q}, {k}, {k}, {d}) -> ({q}, {lse})"
    function(name, Q, [("o", q), ("l", lse)], [made, forward])
    function(name + "_grad", Q + [("d", q)], [("a", q), ("b", k), ("c", k)],
             [made, forward,
              f"%a, %b, %c = nn.attention_grad %q, %k, %v, %o, %l, %d documents(%ids) {attributes} : "
              f"({q}, {k}, {k}, {q}, {lse}, {q}, {d}) -> ({q}, {k}, {k})"])


if "large" in sys.argv:
    shapes = [(3, 1000), (257, 1000), (1, 4096), (5, 4096), (1031, 12)]


def t(*shape, of=element):
    return "tensor<" + "x".join([str(size) for size in shape] + [of]) + ">"


def function(name, arguments, results, body, accumulates=None):
    """`arguments` are (name, type), `results` are (value, type)."""
    inputs = ", ".join(f"%{key}: {kind}" for key, kind in arguments)
    outputs = ", ".join(
        kind + (f" {{pp.accumulates = {accumulates} : i64}}" if accumulates is not None else "")
        for _, kind in results
    )
    values = ", ".join("%" + value for value, _ in results)
    types = ", ".join(kind for _, kind in results)
    print(f"func.func @{name}({inputs}) -> ({outputs}) {{")
    for line in body:
        print("  " + line)
    print(f"  return {values} : {types}\n}}")


def op(result, name, operands, attributes=""):
    """One op line; operands are (text, type)."""
    texts = ", ".join("%" + text for text, _ in operands)
    types = ", ".join(kind for _, kind in operands)
    return f"%{result[0]} = nn.{name} {texts} {attributes} : ({types}) -> {result[1]}"


def rows(r, c):
    x, v, row = t(r, c), t(c), t(r, 1)
    at = f"{r}_{c}"
    X, Y, G, B = ("x", x), ("y", x), ("g", v), ("b", v)

    def simple(name, operands, result, attributes=""):
        function(
            f"{name}_{at}", operands, [("r", result)], [op(("r", result), name, operands, attributes)]
        )

    for unary in ("gelu", "silu", "relu"):
        simple(unary, [X], x)
        simple(unary + "_grad", [X, Y], x)
    simple("add", [X, G], x)
    simple("mul", [X, ("w", row)], x)
    simple("layer_norm", [X, G, B], x)
    simple("layer_norm_grad_input", [X, G, Y], x)
    simple("rms_norm", [X, G], x)
    simple("rms_norm_grad_input", [X, G, Y], x)
    simple("softmax", [X], x, "{axis = 1 : i64}")
    simple("transpose", [X], t(c, r), "permutation = [1, 0]")
    simple("reduce_max", [X], t(r), "axes = [1]")
    simple("reduce_mean", [X], t(c), "axes = [0]")
    simple("cast", [X], t(r, c, of="bf16" if element == "f32" else "f32"))
    for norm in ("layer_norm", "rms_norm"):
        function(
            f"{norm}_grad_scale_{at}", [X, Y, G], [("r", v)],
            [f"%r = nn.{norm}_grad_scale %x, %y init(%g) : ({x}, {x}, {v}) -> {v}"], 2)
        # The halves of a backward: statistics go from one to the other.
        names = ["m", "s"] if norm == "layer_norm" else ["s"]
        number = t(r, of="f32")
        given = [(name, number) for name in names]
        values, types = ", ".join("%" + name for name in names), ", ".join([number] * len(names))
        function(
            f"{norm}_input_half_{at}", [X, Y, G], [("r", x)] + given,
            [f"{values} = nn.{norm}_statistics %x : ({x}) -> ({types})",
             f"%r = nn.{norm}_grad_input %x, %g, %y statistics({values}) : "
             f"({x}, {v}, {x}, {types}) -> {x}"])
        function(
            f"{norm}_weight_half_{at}", [X, Y, G] + given, [("r", v)],
            [f"%r = nn.{norm}_grad_scale %x, %y statistics({values}) init(%g) : "
             f"({x}, {x}, {types}, {v}) -> {v}"], 2)
    function(
        f"reduce_sum_{at}", [X, G], [("r", v)],
        [f"%r = nn.reduce_sum %x init(%g) axes = [0] : ({x}, {v}) -> {v}"], 1)
    function(
        f"reduce_all_{at}", [X], [("r", t())],
        [f"%r = nn.reduce_sum %x axes = [0, 1] : ({x}) -> {t()}"])
    function(
        f"dropout_{at}", [X, ("k", "i64")], [("r", x)],
        [f"%r = nn.dropout %x key(%k) {{p = 0.3, site = 2 : i64}} : ({x}, i64) -> {x}"])
    ids = t(r, of="i32")
    table = t(7, c)
    function(
        f"embedding_{at}", [("i", ids), ("w", table)], [("r", x)],
        [f"%r = nn.embedding %i, %w : ({ids}, {table}) -> {x}"])
    function(
        f"embedding_grad_{at}", [("i", ids), Y, ("w", table)], [("r", table)],
        [f"%r = nn.embedding_grad %i, %y init(%w) : ({ids}, {x}, {table}) -> {table}"], 2)
    if c >= 5:
        lse, one = t(r, of="f32"), t(of="f32")
        function(
            f"cross_entropy_{at}", [X, ("i", ids)], [("l", one), ("s", lse)],
            [f"%l, %s = nn.cross_entropy %x, %i {{ignore_index = 3 : i64}} : ({x}, {ids}) -> ({one}, {lse})"])
        function(
            f"cross_entropy_grad_{at}", [X, ("i", ids), ("s", lse), ("l", one)], [("r", x)],
            [f"%r = nn.cross_entropy_grad %x, %i, %s, %l {{ignore_index = 3 : i64}} : "
             f"({x}, {ids}, {lse}, {one}) -> {x}"])
    # What is shared between chains: a norm, its input and a residual.
    function(
        f"block_{at}", [X, Y, G, B], [("s", x), ("n", x), ("a", x)],
        [op(("s", x), "add", [("x", x), ("y", x)]),
         op(("n", x), "layer_norm", [("s", x), G, B]),
         op(("q", x), "gelu", [("n", x)]),
         op(("a", x), "add", [("q", x), ("s", x)])])


def shapes_of_views():
    x = t(3, 12, 10)
    function("slice", [("x", x)], [("r", t(3, 6, 3))],
             [f"%r = nn.slice %x offsets = [0, 1, 1] sizes = [3, 6, 3] strides = [1, 2, 3] : ({x}) -> {t(3, 6, 3)}"])
    function("split", [("x", x)], [("a", t(3, 12, 4)), ("b", t(3, 12, 6))],
             [f"%p, %q = nn.split %x sizes = [4, 6] {{axis = 2 : i64}} : ({x}) -> ({t(3, 12, 4)}, {t(3, 12, 6)})",
              op(("a", t(3, 12, 4)), "gelu", [("p", t(3, 12, 4))]),
              op(("b", t(3, 12, 6)), "silu", [("q", t(3, 12, 6))])])
    function("concatenate", [("x", t(5, 3)), ("y", t(5, 8))], [("r", t(5, 11))],
             [op(("a", t(5, 3)), "gelu", [("x", t(5, 3))]),
              f"%r = nn.concatenate %a, %y {{axis = 1 : i64}} : ({t(5, 3)}, {t(5, 8)}) -> {t(5, 11)}"])
    function("pad", [("x", t(3, 5))], [("r", t(6, 10))],
             [f"%r = nn.pad %x low = [2, 0] high = [1, 1] interior = [0, 1] : ({t(3, 5)}) -> {t(6, 10)}"])
    function("permute", [("x", t(3, 5, 8, 4))], [("r", t(3, 8, 5, 4))],
             [f"%r = nn.transpose %x permutation = [0, 2, 1, 3] : ({t(3, 5, 8, 4)}) -> {t(3, 8, 5, 4)}"])
    function("middle", [("x", t(3, 65, 8))], [("r", t(3, 8))],
             [f"%r = nn.reduce_sum %x axes = [1] : ({t(3, 65, 8)}) -> {t(3, 8)}"])
    function("softmax_middle", [("x", t(3, 9, 8))], [("r", t(3, 9, 8))],
             [f"%r = nn.softmax %x {{axis = 1 : i64}} : ({t(3, 9, 8)}) -> {t(3, 9, 8)}"])
    for interleaved in ("", "{interleaved}"):
        function("rotary" + ("_interleaved" if interleaved else ""), [("x", t(2, 7, 3, 6))], [("r", t(2, 7, 3, 6))],
                 [f"%r = nn.rotary %x {interleaved} : ({t(2, 7, 3, 6)}) -> {t(2, 7, 3, 6)}"])
    scaling = "{scaling = #nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0, original = 16.0>}"
    function("rotary_scaled", [("x", t(2, 7, 3, 6))], [("r", t(2, 7, 3, 6))],
             [f"%r = nn.rotary %x {scaling} : ({t(2, 7, 3, 6)}) -> {t(2, 7, 3, 6)}"])


def products():
    x, w, y = t(33, 20), t(20, 7), t(33, 7)
    function("linear", [("x", t(3, 11, 20)), ("w", w), ("b", t(7))], [("r", t(3, 11, 7))],
             [f"%r = nn.linear %x, %w, %b : ({t(3, 11, 20)}, {w}, {t(7)}) -> {t(3, 11, 7)}"])
    function("weights", [("x", x), ("y", y), ("w", w)], [("r", w)],
             [f"%r = nn.matmul %x, %y init(%w) {{transpose_a}} : ({x}, {y}, {w}) -> {w}"], 2)
    function("batches", [("x", t(3, 5, 6)), ("y", t(3, 4, 6))], [("r", t(3, 5, 4))],
             [f"%r = nn.matmul %x, %y {{transpose_b}} : ({t(3, 5, 6)}, {t(3, 4, 6)}) -> {t(3, 5, 4)}"])


def epilogues():
    """What a library does beside a product, and what it does not."""
    x, y, f = t(33, 20), t(33, 16), t(3, 11, 16)
    tanh, exact = '{approximate = "tanh"}', ""
    for name, form, wide, attributes in (
            ("gelu_product", tanh, 16, ""), ("gelu_product_transposed", tanh, 16, "{transposed}"),
            ("gelu_product_exact", exact, 16, ""), ("gelu_product_narrow", tanh, 7, "")):
        w = t(wide, 20) if attributes else t(20, wide)
        r = t(3, 11, wide)
        X, W, B = ("x", t(3, 11, 20)), ("w", w), ("b", t(wide))
        function(name, [X, W, B], [("f", r), ("a", r)],
                 [op(("f", r), "linear", [X, W, B], attributes),
                  op(("a", r), "gelu", [("f", r)], form)])
        function(name + "_grad", [X, W, ("f", r)], [("r", r)],
                 [op(("d", r), "linear", [X, W], attributes),
                  op(("r", r), "gelu_grad", [("f", r), ("d", r)], form)])
    b = t(16, of="f32")
    for name, left, right, shape in (("sums", "x", "y", (20, 16)),
                                     ("sums_transposed", "y", "x", (16, 20))):
        types, w = {"x": x, "y": y}, t(*shape, of="f32")
        product, kinds = f"%{left}, %{right}", f"{types[left]}, {types[right]}"
        rows = f"%y = nn.reshape %d : ({f}) -> {y}"
        function(name, [("x", x), ("d", f)], [("m", t(*shape)), ("s", t(16))],
                 [rows, f"%m = nn.matmul {product} {{transpose_a}} : ({kinds}) -> {t(*shape)}",
                  f"%s = nn.reduce_sum %d axes = [0, 1] : ({f}) -> {t(16)}"])
        # The sum stands before the product.
        function(name + "_added", [("x", x), ("d", f), ("w", w), ("b", b)],
                 [("m", w), ("r", b)],
                 [f"%s = nn.reduce_sum %d init(%b) axes = [0, 1] : ({f}, {b}) -> {b}", rows,
                  f"%m = nn.matmul {product} init(%w) {{transpose_a}} : ({kinds}, {w}) -> {w}",
                  f"%r = nn.silu %s : ({b}) -> {b}"])


def attention(name, batch, query, key, heads, groups, size, attributes):
    q, k, lse = t(batch, query, heads, size), t(batch, key, groups, size), t(batch, heads, query, of="f32")
    Q = [("q", q), ("k", k), ("v", k)]
    forward = f"%o, %l = nn.attention %q, %k, %v {attributes} : ({q}, {k}, {k}) -> ({q}, {lse})"
    function(name, Q, [("o", q), ("l", lse)], [forward])
    function(name + "_grad", Q + [("d", q)], [("a", q), ("b", k), ("c", k)],
             [forward,
              f"%a, %b, %c = nn.attention_grad %q, %k, %v, %o, %l, %d {attributes} : "
              f"({q}, {k}, {k}, {q}, {lse}, {q}) -> ({q}, {k}, {k})"])


if "large" in sys.argv:
    attention("attention_large", 1, 150, 150, 2, 1, 64, "{causal}")
else:
    shapes_of_views()
    products()
    epilogues()
    attention("attention", 2, 5, 5, 2, 2, 8, "")
    attention("attention_causal", 1, 37, 37, 4, 2, 6, "{causal}")
    attention("attention_longer", 1, 3, 70, 2, 1, 40, "{causal}")
    attention("attention_shorter", 1, 40, 9, 1, 1, 256, "")
    documents("attention_documents", 2, 70, 2, 1, 8, 20, "{causal}")
    documents("attention_turns", 1, 37, 2, 2, 40, 5, "")
for shape in shapes:
    rows(*shape)
