#!/usr/bin/env python3
"""Imported models against Hugging Face's own: for each config.json in
Inputs/hugging-face the loss and the gradients of a compiled program are those of
hugging_face.json, which make_hugging_face.py wrote in f64. The gradient is what one
step of plain SGD with learning rate 1 takes from the weights."""

import json
import math
import pathlib
import re
import struct

import golden_setup as setup
from harness import BUILD, SOURCE, check, compile_model, digest, execute, must, read_metrics, run, start

INPUTS = SOURCE / "test/EndToEnd/Inputs/hugging-face"
GOLDEN = json.loads((SOURCE / "test/EndToEnd/hugging_face.json").read_text())


def import_model(name):
    """The model and, for its parameters, a file of weights; returns the weights."""
    must(execute([BUILD / "bin/pp-import", INPUTS / name, f"--sequence={setup.SEQUENCE}",
                  f"--batch={setup.BATCH}", "--from-scratch", "-o", f"{name}.mlir"]))
    text = pathlib.Path(f"{name}.mlir").read_text()
    shapes = {parameter: [int(size) for size in shape.split("x")[:-1]]
              for parameter, shape in re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', text)}
    weights = {parameter: (shape, setup.values(parameter, shape))
               for parameter, shape in shapes.items()}
    pathlib.Path(f"{name}-weights").mkdir()
    setup.write_safetensors(f"{name}-weights/model.safetensors", weights)
    # With weights the import checks them.
    pathlib.Path(f"{name}-weights/config.json").write_text((INPUTS / name / "config.json").read_text())
    must(execute([BUILD / "bin/pp-import", f"{name}-weights", f"--sequence={setup.SEQUENCE}",
                  f"--batch={setup.BATCH}", "-o", f"{name}.mlir"]))
    return setup.read_safetensors(f"{name}-weights/model.safetensors")


def compare(name, *options):
    initial = import_model(name)
    ranks = 2
    program = compile_model(f"{name}.mlir", f"{name}.exe", f"--pp={ranks}",
                            f"--microbatches={setup.MICROBATCHES}", *options)
    must(run(program, ranks, *setup.program_options(), "--steps", 1, "--warmup", 0,
             "--optimizer", "sgd", "--lr", 1, "--min-lr", 1, "--weight-decay", 0, "--clip", 0,
             "--load", f"{name}-weights", "--save", f"{name}-out", "--metrics", f"{name}.jsonl",
             "--quiet"))
    found = read_metrics(f"{name}.jsonl")[0]["loss"]
    wanted = GOLDEN[name]["loss"]
    check(math.isclose(found, wanted, rel_tol=2e-6),
          f"{name}: the loss is {found}, Hugging Face's {wanted}")
    final = setup.read_safetensors(f"{name}-out/model.safetensors")
    expected = GOLDEN[name]["gradient"]
    check(set(final) == set(expected), f"{name}: other parameters")
    worst = 0.0
    for parameter, gradient in expected.items():
        step = [a - b for a, b in zip(initial[parameter], final[parameter])]
        # The weights are f32, and so is their difference: about 1e-7 of them.
        slack = 1e-7 * max(map(abs, final[parameter])) + 2e-5 * gradient["norm"]
        norm = math.sqrt(sum(x * x for x in step))
        check(abs(norm - gradient["norm"]) <= slack * math.sqrt(len(step)),
              f"{name}: gradient of {parameter} has norm {norm}, Hugging Face {gradient['norm']}")
        for place, element in gradient["elements"].items():
            worst = max(worst, abs(step[int(place)] - element))
            check(abs(step[int(place)] - element) <= slack,
                  f"{name}: gradient of {parameter}[{place}] is {step[int(place)]}, "
                  f"Hugging Face has {element}")
    print(f"{name}: loss {found:.7f} and {wanted:.7f}, gradients within {worst:.2g}", flush=True)


def write_file(path, tensors):
    """tensors: name -> (type, shape, bytes)."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for tensor, (dtype, shape, data) in tensors.items():
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text
                     + b"".join(data for _, _, data in tensors.values()))


def load_as_found(name, prefix, buffer):
    """Weights in bf16, in two files with an index, under other names and with a buffer
    are the same as in one file of f32: the same bits on a mesh that cuts layers."""
    program = compile_model(f"{name}.mlir", f"{name}-tp.exe", "--pp=2", "--tp=2",
                            f"--microbatches={setup.MICROBATCHES}")
    wide, narrow = {}, {}
    text = pathlib.Path(f"{name}.mlir").read_text()
    for parameter, shape in re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', text):
        shape = [int(size) for size in shape.split("x")[:-1]]
        words = [struct.unpack("<I", struct.pack("<f", value))[0] >> 16
                 for value in setup.values(parameter, shape)]
        wide[parameter] = ("F32", shape, b"".join(struct.pack("<I", w << 16) for w in words))
        narrow[prefix(parameter)] = ("BF16", shape, struct.pack(f"<{len(words)}H", *words))
    narrow[buffer] = ("F32", [1], bytes(4))
    one, two = pathlib.Path(f"{name}-one"), pathlib.Path(f"{name}-two")
    one.mkdir()
    two.mkdir()
    write_file(one / "model.safetensors", wide)
    items, weight_map = list(narrow.items()), {}
    for number, part in enumerate([items[:7], items[7:]], 1):
        write_file(two / f"model-{number}.safetensors", dict(part))
        weight_map.update({tensor: f"model-{number}.safetensors" for tensor, _ in part})
    index = two / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))

    def train(folder):
        must(run(program, 4, *setup.program_options(), "--load", folder, "--save", f"{folder}-out",
                 "--quiet"))
        return digest(f"{folder}-out/model.safetensors")

    check(train(one) == train(two), f"{name}: other results from bf16, two files and other names")
    del weight_map[prefix(next(iter(wide)))]
    items[6] = ("stranger", items[6][1])
    write_file(two / "model-1.safetensors", dict(items[1:7]))
    result = run(program, 4, *setup.program_options(), "--load", two)
    for expected in (f"missing: {next(iter(wide))} [", "surplus: stranger [",
                     f"not where the index says: {list(narrow)[6]} in model-1.safetensors"):
        check(result.returncode != 0 and expected in result.stderr,
              f"{name}: expected '{expected}' in {result.stderr}")
    print(f"{name}: loads as found", flush=True)


def main():
    start()
    pathlib.Path("data").write_bytes(setup.data())
    for name in GOLDEN:
        compare(name)
    load_as_found("gpt2", lambda name: "transformer." + name, "transformer.h.0.attn.bias")
    load_as_found("qwen2", lambda name: name.removeprefix("model."),
                  "layers.1.self_attn.rotary_emb.inv_freq")


main()
