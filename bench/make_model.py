#!/usr/bin/env python3
"""Writes a decoder transformer as pp and nn ops.

Two families: `gpt` (learned positions, layer norm, tanh GELU, tied embedding;
parameters named and laid out as in Hugging Face's GPT-2) and `llama` (rotary
positions, RMS norm, grouped-query attention, SwiGLU; named and laid out as in
Hugging Face's Llama). All weights start from N(0, 0.02), projections back into
the residual stream from N(0, 0.02 / sqrt(2 layers)).
"""

import argparse
import math


class Writer:
    """Collects lines; tensors are written as `tensor<4x128xf32>`."""

    def __init__(self, options):
        self.o = options
        self.lines = []

    def line(self, text=""):
        self.lines.append(text)

    def tensor(self, *shape, element="f32"):
        return f"tensor<{'x'.join(map(str, shape))}{'x' if shape else ''}{element}>"

    def op(self, result, name, operands, types, result_types, attributes=""):
        result_text = result_types if isinstance(result_types, str) else (
            f"({', '.join(result_types)})")
        attributes = f" {attributes}" if attributes else ""
        self.line(
            f"  {result} = {name} {', '.join(operands)}{attributes} : "
            f"({', '.join(types)}) -> {result_text}"
        )

    def layer(self, name, inputs, params, result):
        """Opens a layer; inputs and params are (name, type) pairs."""
        text = f"pp.layer @{name}({', '.join(f'%{n}: {t}' for n, t in inputs)})"
        if params:
            text += "\n    params("
            text += ",\n           ".join(f"%{n}: {t}" for n, t in params) + ")"
        self.line(f"{text}\n    -> {result} {{")

    def close(self, value, type_):
        self.line(f"  pp.yield {value} : {type_}")
        self.line("}")
        self.line()


def initialiser(std):
    return f"#nn.normal<std = {std:.6g}>"


class Model(Writer):
    """What both families share: sizes, blocks in a row, the model's body."""

    def __init__(self, options):
        super().__init__(options)
        o = options
        self.ids = self.tensor(o.batch, o.sequence, element="i32")
        self.x = self.tensor(o.batch, o.sequence, o.width)
        self.rows = (o.batch, o.sequence)
        self.head = o.width // o.heads
        self.std = initialiser(0.02)
        self.out_std = initialiser(0.02 / math.sqrt(2 * o.layers))

    def attention(self, q, k, v, kv_heads, result):
        """Heads of q, k and v ([B, T, H, D]) to rows of the width again."""
        o = self.o
        qt = self.tensor(*self.rows, o.heads, self.head)
        kt = self.tensor(*self.rows, kv_heads, self.head)
        lse = self.tensor(o.batch, o.heads, o.sequence)
        self.op("%a, %lse", "nn.attention", [q, k, v], [qt, kt, kt], [qt, lse],
                "{causal}")
        self.op(result, "nn.reshape", ["%a"], [qt], self.x)

    def split_heads(self, value, heads, result):
        self.op(result, "nn.reshape", [value],
                [self.tensor(*self.rows, heads * self.head)],
                self.tensor(*self.rows, heads, self.head))

    def loss_of(self, logits_type):
        self.op("%loss, %lse", "nn.cross_entropy", ["%logits", "%targets"],
                [logits_type, self.ids],
                ["tensor<f32>", self.tensor(*self.rows)])

    def write_model(self, embed, block, head, parameters_of_block):
        """embed, head: lists of (symbol, name, type, init); the last of head
        may repeat a symbol of embed (tied)."""
        o = self.o
        self.line(f"pp.model @{o.name}(%tokens: {self.ids}, %targets: {self.ids})"
                  " -> tensor<f32> {")
        known = {}

        def declare(parameters):
            for symbol, name, type_, init in parameters:
                if symbol not in known:
                    known[symbol] = type_
                    self.line(f'  %{symbol} = pp.param "{name}" : {type_} '
                              f"init({init})")

        applies = iter(o.pin or [])

        def apply(result, layer, inputs, input_types, parameters, type_):
            pin = f" {{stage = {next(applies)} : i64}}" if o.pin else ""
            self.line(
                f"  %{result} = pp.apply @{layer}({', '.join(inputs)}) "
                f"params({', '.join('%' + p[0] for p in parameters)}){pin}\n"
                f"      : ({', '.join(input_types)}) "
                f"params({', '.join(p[2] for p in parameters)}) -> {type_}"
            )

        declare(embed)
        apply("x0", "embed", ["%tokens"], [self.ids], embed, self.x)
        for i in range(o.layers):
            self.line()
            parameters = parameters_of_block(i)
            declare(parameters)
            apply(f"x{i + 1}", "block", [f"%x{i}"], [self.x], parameters, self.x)
        self.line()
        declare(head)
        apply("loss", "head", [f"%x{o.layers}", "%targets"], [self.x, self.ids],
              head, "tensor<f32>")
        self.line("  pp.return %loss : tensor<f32>")
        self.line("}")


class Gpt(Model):
    def write(self):
        o, t, x = self.o, self.tensor, self.x
        c = o.width
        wte, wpe, row = t(o.vocabulary, c), t(o.sequence, c), t(c)
        logits = t(*self.rows, o.vocabulary)

        self.line("// Token and learned position embedding.")
        self.layer("embed", [("tokens", self.ids)], [("wte", wte), ("wpe", wpe)], x)
        self.op("%e", "nn.embedding", ["%tokens", "%wte"], [self.ids, wte], x)
        self.op("%y", "nn.add", ["%e", "%wpe"], [x, wpe], x)
        self.close("%y", x)

        shapes = [
            ("ln_1.weight", "g1", (c,)), ("ln_1.bias", "b1", (c,)),
            ("attn.c_attn.weight", "w_qkv", (c, 3 * c)),
            ("attn.c_attn.bias", "b_qkv", (3 * c,)),
            ("attn.c_proj.weight", "w_o", (c, c)), ("attn.c_proj.bias", "b_o", (c,)),
            ("ln_2.weight", "g2", (c,)), ("ln_2.bias", "b2", (c,)),
            ("mlp.c_fc.weight", "w_fc", (c, 4 * c)), ("mlp.c_fc.bias", "b_fc", (4 * c,)),
            ("mlp.c_proj.weight", "w_p", (4 * c, c)), ("mlp.c_proj.bias", "b_p", (c,)),
        ]
        type_of = {short: t(*shape) for _, short, shape in shapes}
        self.line("// A pre-norm transformer block: attention, then a perceptron, each added to")
        self.line("// the residual stream.")
        self.layer("block", [("x", x)],
                   [(short, type_of[short]) for _, short, _ in shapes], x)
        qkv, wide = t(*self.rows, 3 * c), t(*self.rows, 4 * c)

        def linear(result, value, weight, bias, in_type, out_type):
            self.op(result, "nn.linear", [value, "%" + weight, "%" + bias],
                    [in_type, type_of[weight], type_of[bias]], out_type)

        self.op("%n1", "nn.layer_norm", ["%x", "%g1", "%b1"], [x, row, row], x)
        linear("%qkv", "%n1", "w_qkv", "b_qkv", x, qkv)
        self.op("%q0, %k0, %v0", "nn.split", ["%qkv"], [qkv], [x, x, x],
                f"sizes = [{c}, {c}, {c}] {{axis = 2 : i64}}")
        for name in "qkv":
            self.split_heads(f"%{name}0", o.heads, f"%{name}")
        self.attention("%q", "%k", "%v", o.heads, "%ar")
        linear("%o", "%ar", "w_o", "b_o", x, x)
        self.op("%x1", "nn.add", ["%x", "%o"], [x, x], x)
        self.op("%n2", "nn.layer_norm", ["%x1", "%g2", "%b2"], [x, row, row], x)
        linear("%f", "%n2", "w_fc", "b_fc", x, wide)
        self.op("%fa", "nn.gelu", ["%f"], [wide], wide, '{approximate = "tanh"}')
        linear("%p", "%fa", "w_p", "b_p", wide, x)
        self.op("%y", "nn.add", ["%x1", "%p"], [x, x], x)
        self.close("%y", x)

        self.line("// Logits from the embedding matrix (tied) and the mean loss.")
        self.layer("head", [("x", x), ("targets", self.ids)],
                   [("g", row), ("b", row), ("wte", wte)], "tensor<f32>")
        self.op("%n", "nn.layer_norm", ["%x", "%g", "%b"], [x, row, row], x)
        self.op("%logits", "nn.linear", ["%n", "%wte"], [x, wte], logits,
                "{transposed}")
        self.loss_of(logits)
        self.close("%loss", "tensor<f32>")

        def parameters_of_block(i):
            result = []
            for name, short, shape in shapes:
                init = self.std if len(shape) == 2 else "#nn.zeros"
                if name.startswith("ln") and name.endswith("weight"):
                    init = "#nn.ones"
                if name.endswith("c_proj.weight"):
                    init = self.out_std
                result.append((f"{short}_{i}", f"h.{i}.{name}", t(*shape), init))
            return result

        self.write_model(
            [("wte", "wte.weight", wte, self.std), ("wpe", "wpe.weight", wpe, self.std)],
            "block",
            [("g_f", "ln_f.weight", row, "#nn.ones"), ("b_f", "ln_f.bias", row, "#nn.zeros"),
             ("wte", "wte.weight", wte, self.std)],
            parameters_of_block)


class Llama(Model):
    def write(self):
        o, t, x = self.o, self.tensor, self.x
        c, kv, hidden = o.width, o.kv_heads * self.head, o.hidden
        table, row = t(o.vocabulary, c), t(c)
        logits = t(*self.rows, o.vocabulary)

        self.line("// Token embedding; positions enter by rotation in each block.")
        self.layer("embed", [("tokens", self.ids)], [("table", table)], x)
        self.op("%y", "nn.embedding", ["%tokens", "%table"], [self.ids, table], x)
        self.close("%y", x)

        shapes = [
            ("input_layernorm.weight", "g1", (c,)),
            ("self_attn.q_proj.weight", "w_q", (c, c)),
            ("self_attn.k_proj.weight", "w_k", (kv, c)),
            ("self_attn.v_proj.weight", "w_v", (kv, c)),
            ("self_attn.o_proj.weight", "w_o", (c, c)),
            ("post_attention_layernorm.weight", "g2", (c,)),
            ("mlp.gate_proj.weight", "w_gate", (hidden, c)),
            ("mlp.up_proj.weight", "w_up", (hidden, c)),
            ("mlp.down_proj.weight", "w_down", (c, hidden)),
        ]
        type_of = {short: t(*shape) for _, short, shape in shapes}
        self.line("// Grouped-query attention with rotary positions, then SwiGLU.")
        self.layer("block", [("x", x)],
                   [(short, type_of[short]) for _, short, _ in shapes], x)
        kvt, wide = t(*self.rows, kv), t(*self.rows, hidden)

        def linear(result, value, weight, in_type, out_type):
            self.op(result, "nn.linear", [value, "%" + weight],
                    [in_type, type_of[weight]], out_type, "{transposed}")

        def norm(result, value, gamma):
            self.op(result, "nn.rms_norm", [value, gamma], [x, row], x)

        def rotate(value, heads, result):
            heads_type = t(*self.rows, heads, self.head)
            self.op(result, "nn.rotary", [value], [heads_type], heads_type)

        norm("%n1", "%x", "%g1")
        linear("%q0", "%n1", "w_q", x, x)
        linear("%k0", "%n1", "w_k", x, kvt)
        linear("%v0", "%n1", "w_v", x, kvt)
        self.split_heads("%q0", o.heads, "%q1")
        self.split_heads("%k0", o.kv_heads, "%k1")
        self.split_heads("%v0", o.kv_heads, "%v")
        rotate("%q1", o.heads, "%q")
        rotate("%k1", o.kv_heads, "%k")
        self.attention("%q", "%k", "%v", o.kv_heads, "%ar")
        linear("%o", "%ar", "w_o", x, x)
        self.op("%x1", "nn.add", ["%x", "%o"], [x, x], x)
        norm("%n2", "%x1", "%g2")
        linear("%gate", "%n2", "w_gate", x, wide)
        linear("%up", "%n2", "w_up", x, wide)
        self.op("%act", "nn.silu", ["%gate"], [wide], wide)
        self.op("%gu", "nn.mul", ["%act", "%up"], [wide, wide], wide)
        linear("%down", "%gu", "w_down", wide, x)
        self.op("%y", "nn.add", ["%x1", "%down"], [x, x], x)
        self.close("%y", x)

        self.line("// Logits from their own matrix and the mean loss.")
        self.layer("head", [("x", x), ("targets", self.ids)],
                   [("g", row), ("w", table)], "tensor<f32>")
        norm("%n", "%x", "%g")
        self.op("%logits", "nn.linear", ["%n", "%w"], [x, table], logits,
                "{transposed}")
        self.loss_of(logits)
        self.close("%loss", "tensor<f32>")

        def parameters_of_block(i):
            result = []
            for name, short, shape in shapes:
                init = self.std if len(shape) == 2 else "#nn.ones"
                if name.endswith(("o_proj.weight", "down_proj.weight")):
                    init = self.out_std
                result.append((f"{short}_{i}", f"model.layers.{i}.{name}", t(*shape), init))
            return result

        self.write_model(
            [("table", "model.embed_tokens.weight", table, self.std)],
            "block",
            [("g_f", "model.norm.weight", row, "#nn.ones"),
             ("w_lm", "lm_head.weight", table, self.std)],
            parameters_of_block)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=["gpt", "llama"])
    parser.add_argument("--name", help="of the model; default: the family")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--kv-heads", type=int, default=2, help="llama only")
    parser.add_argument("--hidden", type=int, help="llama only; default: 8/3 width")
    parser.add_argument("--sequence", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4, help="of a micro-batch")
    parser.add_argument("--vocabulary", type=int, default=256)
    parser.add_argument("--pin", help="stage of embed, each block and head: 0,0,1,1")
    options = parser.parse_args()
    if options.pin:
        options.pin = [int(stage) for stage in options.pin.split(",")]
        if len(options.pin) != options.layers + 2:
            parser.error("--pin needs a stage for embed, each block and head")
    options.name = options.name or options.family
    options.hidden = options.hidden or options.width * 8 // 3 // 32 * 32
    if options.width % options.heads or (
            options.family == "llama" and options.heads % options.kv_heads):
        parser.error("heads must divide the width, kv heads the heads")
    writer = (Gpt if options.family == "gpt" else Llama)(options)
    writer.line("// Made by: bench/make_model.py " + " ".join(
        [options.family] + [f"--{key.replace('_', '-')}={value}"
                            for key, value in sorted(vars(options).items())
                            if key not in ("family", "name", "pin")
                            and (options.family == "llama"
                                 or key not in ("kv_heads", "hidden"))]))
    writer.line()
    writer.write()
    print("\n".join(writer.lines))


if __name__ == "__main__":
    main()
