"""Random models on a mesh, right by construction.

A layer is a chain of blocks, as people shard them: norms, biases, gates, and
column- and row-parallel products around an activation or heads of attention.
Between blocks a value is whole on the axis "tensor", or cut along the sequence;
on "data" it is always cut along the batch. Some layers add what an earlier one
made, of another stage perhaps. Prints MODELS modules of LAYERS
layers each, split by "// -----", for one SEED.
"""

import random
import sys

BATCH, SEQUENCE, FEATURES, HIDDEN, HEADS, WORDS = 2, 8, 8, 16, 4, 16


def distribution(data, tensor=None):
    axes = [f'"data" = {data}'] + ([f'"tensor" = {tensor}'] if tensor else [])
    return "{comm.distribution = #comm.distribution<{" + ", ".join(axes) + "}>}"


class Layer:
    """A body under construction, and what it takes."""

    def __init__(self, rng, parts):
        self.rng, self.parts = rng, parts
        self.lines, self.params, self.count = [], [], 0

    def type(self, is_cut):
        sequence = SEQUENCE // self.parts if is_cut else SEQUENCE
        return f"tensor<{BATCH}x{sequence}x{FEATURES}xf32>"

    def op(self, text, result):
        """The value that op `text` makes of type `result`."""
        self.count += 1
        self.lines.append(f"  %{self.count} = {text}")
        return f"%{self.count}", result

    def param(self, shape, dim=None, tensor=None):
        """A parameter of the whole `shape`, cut along `dim`; else `tensor`."""
        name = f"%p{len(self.params)}"
        local = [s // self.parts if d == dim else s for d, s in enumerate(shape)]
        kind = f"varying({dim})" if dim is not None else tensor
        self.params.append((name, shape, dim, local, kind))
        return name, f"tensor<{'x'.join(map(str, local))}xf32>"

    def vector(self, is_cut):
        """A parameter of one number a feature, for use beside `is_cut`."""
        if not is_cut:
            return self.param([FEATURES])
        if self.rng.random() < 0.3:  # summed at the end of the step
            return self.param([FEATURES], tensor="replicated")
        name, type = self.param([FEATURES])
        return self.op(f'comm.vary {name} over ["tensor"] : {type}', type)

    def unary(self, op, x):
        return self.op(f"{op} {x[0]} : ({x[1]}) -> {x[1]}", x[1])

    def binary(self, op, x, y):
        return self.op(f"{op} {x[0]}, {y[0]} : ({x[1]}, {y[1]}) -> {x[1]}", x[1])

    def norm(self, x, is_cut):
        gamma = self.vector(is_cut)
        if self.rng.random() < 0.5:
            return self.binary("nn.rms_norm", x, gamma)
        beta = self.vector(is_cut)
        return self.op(f"nn.layer_norm {x[0]}, {gamma[0]}, {beta[0]} : ({x[1]}, {gamma[1]}, {beta[1]}) -> {x[1]}", x[1])

    def enter(self, x, is_cut):
        """For column-parallel products: whole, with a gradient in parts."""
        whole = self.type(False)
        if is_cut:
            return self.op(f'comm.all_gather {x[0]} over ["tensor"] dim(1) : {x[1]} -> {whole}', whole)
        return self.op(f'comm.vary {x[0]} over ["tensor"] : {whole}', whole)

    def leave(self, p, is_cut):
        """Behind a row-parallel product: the sum, in parts or whole."""
        cut = self.type(True)
        if is_cut:
            return self.op(f'comm.reduce_scatter sum {p[0]} over ["tensor"] dim(1) : {p[1]} -> {cut}', cut)
        return self.op(f'comm.all_reduce sum {p[0]} over ["tensor"] : {p[1]}', p[1])

    def column(self, x, features, bias):
        result = f"tensor<{BATCH}x{SEQUENCE}x{features // self.parts}xf32>"
        w = self.param([FEATURES, features], 1)
        if not bias:
            return self.op(f"nn.linear {x[0]}, {w[0]} : ({x[1]}, {w[1]}) -> {result}", result)
        b = self.param([features], 0)
        return self.op(f"nn.linear {x[0]}, {w[0]}, {b[0]} : ({x[1]}, {w[1]}, {b[1]}) -> {result}", result)

    def row(self, x, features):
        w = self.param([features, FEATURES], 0)
        whole = self.type(False)
        return self.op(f"nn.linear {x[0]}, {w[0]} : ({x[1]}, {w[1]}) -> {whole}", whole)

    def mlp(self, x, is_cut):
        r = self.enter(x, is_cut)
        h = self.unary(self.rng.choice(["nn.gelu", "nn.silu", "nn.relu"]), self.column(r, HIDDEN, self.rng.random() < 0.5))
        if self.rng.random() < 0.4:
            h = self.binary("nn.mul", h, self.column(r, HIDDEN, False))
        return self.leave(self.row(h, HIDDEN), is_cut)

    def attention(self, x, is_cut):
        r = self.enter(x, is_cut)
        heads = f"tensor<{BATCH}x{SEQUENCE}x{HEADS // self.parts}x{FEATURES // HEADS}xf32>"
        q, k, v = [
            self.op(f"nn.reshape {c[0]} : ({c[1]}) -> {heads}", heads)
            for c in [self.column(r, FEATURES, self.rng.random() < 0.5) for _ in range(3)]
        ]
        lse = f"tensor<{BATCH}x{HEADS // self.parts}x{SEQUENCE}xf32>"
        self.count += 1
        a = f"%{self.count}"
        self.lines.append(
            f"  {a}:2 = nn.attention {q[0]}, {k[0]}, {v[0]} {{causal}} : ({heads}, {heads}, {heads}) -> ({heads}, {lse})"
        )
        flat = f"tensor<{BATCH}x{SEQUENCE}x{FEATURES // self.parts}xf32>"
        return self.leave(self.row(self.op(f"nn.reshape {a}#0 : ({heads}) -> {flat}", flat), FEATURES), is_cut)

    def block(self, x, is_cut):
        """The next value, and whether it is cut."""
        kind = self.rng.choice(["mlp", "mlp", "attention", "attention", "bias", "scale", "norm", "switch"])
        if kind in ("mlp", "attention"):
            n = self.norm(x, is_cut) if self.rng.random() < 0.8 else x
            y = self.mlp(n, is_cut) if kind == "mlp" else self.attention(n, is_cut)
            if self.rng.random() < 0.5:
                y = self.binary("nn.add", y, self.vector(is_cut))
            return self.binary("nn.add", x, y), is_cut
        if kind == "bias":
            return self.binary("nn.add", x, self.vector(is_cut)), is_cut
        if kind == "scale":
            return self.binary("nn.mul", x, self.vector(is_cut)), is_cut
        if kind == "norm":
            return self.norm(x, is_cut), is_cut
        whole, cut = self.type(False), self.type(True)
        if is_cut:
            return self.op(f'comm.all_gather {x[0]} over ["tensor"] dim(1) invariant : {cut} -> {whole}', whole), False
        return self.op(f'comm.slice {x[0]} over ["tensor"] dim(1) : {whole} -> {cut}', cut), True

    def text(self, name, inputs, result, yielded):
        params = ", ".join(
            f"{p}: tensor<{'x'.join(map(str, local))}xf32> {distribution('replicated', kind)}"
            for p, _, _, local, kind in self.params
        )
        with_params = f"\n    params({params})" if self.params else ""
        return "\n".join(
            [f"pp.layer @{name}({inputs}){with_params}\n    -> ({result}) {{"]
            + self.lines
            + [f"  pp.yield {yielded[0]} : {yielded[1]}", "}"]
        )


def make_model(rng, layers):
    data, tensor = rng.choice([2, 4]), rng.choice([2, 4])
    ids = f"tensor<{BATCH}x{SEQUENCE}xi32>"
    table = f"tensor<{WORDS}x{FEATURES}xf32>"
    rows, own, everywhere = distribution("varying(0)"), distribution("varying"), distribution("replicated")
    state = {False: rows, True: distribution("varying(0)", "varying(1)")}
    out = [f'pp.mesh @mesh <["pipe" = 2, "data" = {data}, "tensor" = {tensor}]>']
    whole = Layer(rng, tensor).type(False)
    out.append(f"""pp.layer @embed(%ids: {ids} {rows}) params(%w: {table} {everywhere}) -> ({whole} {rows}) {{
  %x = nn.embedding %ids, %w : ({ids}, {table}) -> {whole}
  pp.yield %x : {whole}
}}""")
    logits = f"tensor<{BATCH}x{SEQUENCE}x{WORDS}xf32>"
    out.append(f"""pp.layer @head(%x: {whole} {rows}, %t: {ids} {rows}) params(%w: {table} {everywhere}) -> (tensor<f32> {own}) {{
  %l = nn.linear %x, %w {{transposed}} : ({whole}, {table}) -> {logits}
  %loss, %s = nn.cross_entropy %l, %t : ({logits}, {ids}) -> (tensor<f32>, tensor<{BATCH}x{SEQUENCE}xf32>)
  pp.yield %loss : tensor<f32>
}}""")
    params = [f'  %table = pp.param "table" : {table} init(#nn.zeros)']
    body = [f"  %x0 = pp.apply @embed(%tokens) params(%table) {{stage = 0 : i64}} : ({ids}) params({table}) -> {whole}"]
    is_cut, cuts = False, [False]
    for number in range(1, layers + 1):
        layer = Layer(rng, tensor)
        was_cut, x = is_cut, ("%x", layer.type(is_cut))
        values, inputs = [f"%x{number - 1}"], [f"%x: {x[1]} {state[was_cut]}"]
        earlier = [i for i, cut in enumerate(cuts[:-1]) if cut == is_cut]
        if earlier and rng.random() < 0.4:
            values.append(f"%x{rng.choice(earlier)}")
            inputs.append(f"%skip: {x[1]} {state[was_cut]}")
            x = layer.binary("nn.add", x, ("%skip", x[1]))
        for _ in range(rng.randint(1, 3)):
            x, is_cut = layer.block(x, is_cut)
        if number == layers and is_cut:
            x, is_cut = layer.op(
                f'comm.all_gather {x[0]} over ["tensor"] dim(1) invariant : {x[1]} -> {whole}', whole
            ), False
        out.append(
            layer.text(f"layer{number}", ", ".join(inputs), f"{x[1]} {state[is_cut]}", x)
        )
        names, types = [], []
        for position, (_, shape, dim, _, _) in enumerate(layer.params):
            name, type = f"l{number}.{position}", f"tensor<{'x'.join(map(str, shape))}xf32>"
            dims = ", ".join('{"tensor"}' if d == dim else "{}" for d in range(len(shape)))
            sharding = f"sharding(#pp.sharding<[{dims}]>) " if dim is not None else ""
            names.append(f"%l{number}_{position}")
            types.append(type)
            params.append(f'  {names[-1]} = pp.param "{name}" : {type} {sharding}init(#nn.zeros)')
        given = f" params({', '.join(names)})" if names else ""
        given_types = f" params({', '.join(types)})" if names else ""
        body.append(
            f"  %x{number} = pp.apply @layer{number}({', '.join(values)}){given} {{stage = {2 * number // (layers + 1)} : i64}}"
            f" : ({', '.join([layer.type(was_cut)] * len(values))}){given_types} -> {x[1]}"
        )
        cuts.append(is_cut)
    body.append(
        f"  %loss = pp.apply @head(%x{layers}, %targets) params(%table) {{stage = 1 : i64}}"
        f" : ({whole}, {ids}) params({table}) -> tensor<f32>"
    )
    out.append(f"pp.model @m(%tokens: {ids} {rows}, %targets: {ids} {rows}) -> (tensor<f32> {own}) {{")
    return "\n".join(out + params + body + ["  pp.return %loss : tensor<f32>", "}"])


def main():
    models, layers, seed = map(int, sys.argv[1:])
    rng = random.Random(seed)
    print("\n// -----\n".join(make_model(rng, layers) for _ in range(models)))


main()
