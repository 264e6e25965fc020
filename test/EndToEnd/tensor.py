#!/usr/bin/env python3
"""A transformer that is sharded by hand over the axis "tensor", after Megatron: columns and
heads of the first products, rows of the second, a sum behind each pair, and with sequence
parallelism a gather before and a scatter behind. On any mesh it trains as the whole model
on one rank does, and on meshes of one tensor axis to the same bytes."""

import pathlib
import struct

from harness import (
    check, compile_model, digest, must, read_metrics, run, start, write_text,
)

B, S, D, H, F, V, LAYERS, STEPS = 2, 12, 24, 12, 48, 259, 2, 20


def tensor(*shape, element="f32"):
    return "tensor<" + "x".join(map(str, shape)) + f"x{element}>"


def model(t, sequence=False):
    """The text, for `t` coordinates on the axis tensor; `sequence` cuts what lies between
    the products along it."""
    def dist(dim):
        return "" if t == 1 else \
            f' {{comm.distribution = #comm.distribution<{{"tensor" = varying({dim})}}>}}'

    def shard(*dims):
        return "" if t == 1 else " sharding(#pp.sharding<[" + ", ".join(
            '{"tensor"}' if cut else "{}" for cut in dims) + "]>)"

    s = S // t if sequence else S  # of the stream between the products
    x, full, ids = tensor(B, s, D), tensor(B, S, D), tensor(B, S, element="i32")
    xdist = dist(1) if sequence else ""
    norm, wide, narrow = tensor(D), tensor(D, D // t), tensor(D // t, D)
    local, heads = tensor(B, S, D // t), tensor(B, S, H // t, D // H)
    over = 'over ["tensor"]'

    def enter(value):
        """What columns multiply."""
        if t == 1:
            return ""
        if sequence:
            return f"  %{value} = comm.all_gather %{value}0 {over} dim(1) : {x} -> {full}\n"
        return f"  %{value} = comm.vary %{value}0 {over} : {x}\n"

    def leave(value):
        """The sum of what rows have multiplied."""
        if t == 1:
            return ""
        if sequence:
            return (f"  %{value} = comm.reduce_scatter sum %{value}p {over} dim(1) : "
                    f"{full} -> {x}\n")
        return f"  %{value} = comm.all_reduce sum %{value}p {over} : {x}\n"

    def vary(value, kind):
        """A parameter of all, used on parts."""
        return f"  %{value} = comm.vary %{value}i {over} : {kind}\n" \
            if t > 1 and sequence else ""

    i = "i" if t > 1 and sequence else ""
    zero, p = ("", "") if t == 1 else ("0", "p")
    text = "" if t == 1 else \
        f'pp.mesh @mesh <["pipe" = 1, "data" = 1, "tensor" = {t}]>\n'
    text += f"""
pp.layer @embed(%tokens: {ids}) params(%wte: {tensor(V, D)}) -> ({x}{xdist}) {{
  %e = nn.embedding %tokens, %wte : ({ids}, {tensor(V, D)}) -> {full}
{f'  %y = comm.slice %e {over} dim(1) : {full} -> {x}' if sequence and t > 1 else ''}
  pp.yield {'%y' if sequence and t > 1 else '%e'} : {x}
}}
pp.layer @block(%x: {x}{xdist})
    params(%g1{i}: {norm}, %b1{i}: {norm}, %wq: {wide}{dist(1)}, %wk: {wide}{dist(1)},
           %wv: {wide}{dist(1)}, %bq: {tensor(D // t)}{dist(0)}, %wo: {narrow}{dist(0)},
           %bo{i}: {norm}, %g2{i}: {norm}, %b2{i}: {norm},
           %w1: {tensor(D, F // t)}{dist(1)}, %c1: {tensor(F // t)}{dist(0)},
           %w2: {tensor(F // t, D)}{dist(0)}, %c2{i}: {norm}) -> ({x}{xdist}) {{
{vary('g1', norm)}{vary('b1', norm)}{vary('bo', norm)}{vary('g2', norm)}{vary('b2', norm)}{vary('c2', norm)}  %n{zero} = nn.layer_norm %x, %g1, %b1 : ({x}, {norm}, {norm}) -> {x}
{enter('n')}  %q0 = nn.linear %n, %wq, %bq : ({full}, {wide}, {tensor(D // t)}) -> {local}
  %k0 = nn.linear %n, %wk : ({full}, {wide}) -> {local}
  %v0 = nn.linear %n, %wv : ({full}, {wide}) -> {local}
  %q = nn.reshape %q0 : ({local}) -> {heads}
  %k = nn.reshape %k0 : ({local}) -> {heads}
  %v = nn.reshape %v0 : ({local}) -> {heads}
  %a, %lse = nn.attention %q, %k, %v {{causal}} : ({heads}, {heads}, {heads}) -> ({heads}, {tensor(B, H // t, S)})
  %r = nn.reshape %a : ({heads}) -> {local}
  %o{p} = nn.linear %r, %wo : ({local}, {narrow}) -> {full}
{leave('o')}  %ob = nn.add %o, %bo : ({x}, {norm}) -> {x}
  %x1 = nn.add %x, %ob : ({x}, {x}) -> {x}
  %m{zero} = nn.layer_norm %x1, %g2, %b2 : ({x}, {norm}, {norm}) -> {x}
{enter('m')}  %f = nn.linear %m, %w1, %c1 : ({full}, {tensor(D, F // t)}, {tensor(F // t)}) -> {tensor(B, S, F // t)}
  %fa = nn.gelu %f {{approximate = "tanh"}} : ({tensor(B, S, F // t)}) -> {tensor(B, S, F // t)}
  %h{p} = nn.linear %fa, %w2 : ({tensor(B, S, F // t)}, {tensor(F // t, D)}) -> {full}
{leave('h')}  %hb = nn.add %h, %c2 : ({x}, {norm}) -> {x}
  %y = nn.add %x1, %hb : ({x}, {x}) -> {x}
  pp.yield %y : {x}
}}
pp.layer @head(%x{'s' if sequence and t > 1 else ''}: {x}{xdist}, %targets: {ids}) params(%w: {tensor(V, D)}) -> tensor<f32> {{
{f'  %x = comm.all_gather %xs {over} dim(1) invariant : {x} -> {full}' if sequence and t > 1 else ''}
  %logits = nn.linear %x, %w {{transposed}} : ({full}, {tensor(V, D)}) -> {tensor(B, S, V)}
  %loss, %lse = nn.cross_entropy %logits, %targets : ({tensor(B, S, V)}, {ids}) -> (tensor<f32>, {tensor(B, S)})
  pp.yield %loss : tensor<f32>
}}
pp.model @m(%tokens: {ids}, %targets: {ids}) -> tensor<f32> {{
  %wte = pp.param "wte" : {tensor(V, D)} init(#nn.normal<std = 0.1>)
  %x0 = pp.apply @embed(%tokens) params(%wte) : ({ids}) params({tensor(V, D)}) -> {x}
"""
    normal, zeros, ones = "#nn.normal<std = 0.1>", "#nn.zeros", "#nn.ones"
    params = [
        ("g1", (D,), ones, None), ("b1", (D,), zeros, None), ("wq", (D, D), normal, 1),
        ("wk", (D, D), normal, 1), ("wv", (D, D), normal, 1), ("bq", (D,), normal, 0),
        ("wo", (D, D), normal, 0), ("bo", (D,), normal, None), ("g2", (D,), ones, None),
        ("b2", (D,), zeros, None), ("w1", (D, F), normal, 1), ("c1", (F,), normal, 0),
        ("w2", (F, D), normal, 0), ("c2", (D,), normal, None)]
    for layer in range(LAYERS):
        names, types = [], []
        for name, shape, init, cut in params:
            text += (f'  %{name}_{layer} = pp.param "{layer}.{name}" : {tensor(*shape)}'
                     + (shard(*(dim == cut for dim in range(len(shape))))
                        if cut is not None else "") + f" init({init})\n")
            names.append(f"%{name}_{layer}")
            types.append(tensor(*shape))
        text += (f"  %x{layer + 1} = pp.apply @block(%x{layer}) params({', '.join(names)}) "
                 f": ({x}) params({', '.join(types)}) -> {x}\n")
    return text + f"""  %loss = pp.apply @head(%x{LAYERS}, %targets) params(%wte) : ({x}, {ids}) params({tensor(V, D)}) -> tensor<f32>
  pp.return %loss : tensor<f32>
}}
"""


def train(label, t, sequence, pipe, data, options=(), more=()):
    path = pathlib.Path(f"model-{t}{'-sequence' if sequence else ''}.mlir")
    path.write_text(model(t, sequence))
    program = compile_model(path, f"{label}.exe", f"--pp={pipe}", f"--dp={data}", f"--tp={t}",
                            f"--microbatches={4 // data}", "--reduction-groups=4", *options)
    must(run(program, pipe * data * t, "--data", "text", "--clip", "0.5", "--seed", 5,
             "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *(more or ("--steps", STEPS, "--lr", "0.01"))))
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    return digest(pathlib.Path(label) / "model.safetensors"), steps


def values(label):
    data = (pathlib.Path(label) / "model.safetensors").read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


def main():
    start()
    write_text("text")
    whole = train("whole", 1, False, 1, 1)
    # 3: the norm of parts is summed in one order wherever these ranks are.
    for t in (2, 3, 4):
        for sequence in (False, True):
            reference = None
            for number, (pipe, data, *options) in enumerate([
                    (1, 1), (2, 1, "--schedule=zb-h1"), (1, 2), (2, 1, "--recompute=full"),
                    *([(2, 2, "--zero=0"), (4, 1), (1, 4, "--mesh-order=tensor,pipe,data")]
                      if t == 2 else [(2, 2, "--mesh-order=tensor,pipe,data")])]):
                label = f"{t}-{'sequence' if sequence else 'all'}-{number}"
                found = train(label, t, sequence, pipe, data, options)
                print(f"{label}: {pipe} x {data} x {t} {' '.join(options)}: loss "
                      f"{found[1][0][0]:.6f} to {found[1][-1][0]:.6f}, {found[0][:16]}",
                      flush=True)
                reference = reference or found
                check(found == reference, f"{label}: other bytes or numbers")
            check(len(reference[1]) == STEPS, "steps are missing")
            for (loss, norm), (expected, whole_norm) in zip(reference[1], whole[1]):
                check(abs(loss - expected) < 1e-5 * expected and
                      abs(norm - whole_norm) < 1e-4 * whole_norm,
                      f"{t}: found loss and norm {loss}, {norm}, of one rank "
                      f"{expected}, {whole_norm}")
            if t == 2:
                # The emulated device computes on the host, with kernels of its own.
                device = ["--target=cuda", "--emulate-device"]
                few = ("--steps", 4, "--lr", "0.01")
                on = ("--device", "emulated", *few)
                short = train("short", 1, False, 1, 1, (), few)
                first = train("device", t, sequence, 1, 1, device, on)
                check(train("device", t, sequence, 1, 2, device, on) == first,
                      f"{t}: other bytes or numbers on the device")
                for (loss, _), (expected, _) in zip(first[1], short[1]):
                    check(abs(loss - expected) < 1e-4 * expected,
                          f"{t}: found loss {loss} on the device, expected {expected}")
            # A file has whole tensors, whatever the mesh.
            far = max(abs(a - b) for a, b in zip(values(f"{t}-all-0"), values("whole")))
            check(far < 1e-3, f"{t}: weights differ by {far}")
            unchanged = train("again", t, sequence, 1, 1, (),
                              ("--load", "whole", "--lr", "1e-30", "--min-lr", "0",
                               "--steps", "1"))
            check(unchanged[0] == whole[0], f"{t}: weights change on their way")


if __name__ == "__main__":
    main()
