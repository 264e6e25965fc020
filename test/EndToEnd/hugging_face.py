#!/usr/bin/env python3
"""Imported models against Hugging Face's own: for each config.json in
Inputs/hugging-face the loss, the gradients, the logits and 50 losses under AdamW of a
compiled program are those of hugging_face.json, which make_hugging_face.py wrote in f64.
The gradient is what one step of plain SGD with learning rate 1 takes from the weights.
And what is saved is what was loaded: the same bytes, in every type, in any number of
files. check_hugging_face.py asks transformers itself."""

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
    return program


def compare_curve(name, program):
    """Losses of a training."""
    must(run(program, 2, *setup.curve_options(), "--load", f"{name}-weights", "--metrics",
             f"{name}-curve.jsonl", "--quiet"))
    found = [line["loss"] for line in read_metrics(f"{name}-curve.jsonl")]
    wanted = GOLDEN[name]["curve"]
    check(len(found) == len(wanted), f"{name}: {len(found)} losses")
    worst = max(abs(a - b) / b for a, b in zip(found, wanted))
    check(worst < 1e-5, f"{name}: losses differ from PyTorch's by up to {worst} of them")
    check(wanted[-1] < wanted[0], f"{name}: nothing is learned")
    print(f"{name}: {len(found)} losses within {worst:.2g}", flush=True)


def compare_logits(name):
    """The logits of the first micro-batch. A model of the same layers has the sum over
    logits times a parameter, the probe, as its loss: the gradient of the probe are the
    logits, and one step of SGD from 0 takes them from it."""
    text = pathlib.Path(f"{name}.mlir").read_text()
    shape = re.search(r"nn.cross_entropy %logits, %targets : \(tensor<(\d+)x(\d+)x(\d+)xf32>",
                      text).groups()
    logits = f"tensor<{'x'.join(shape)}xf32>"
    head = text.index("pp.layer @head")
    end = text.index("-> tensor<f32>", head)
    text = text[:end].rstrip()[:-1] + f",\n           %probe: {logits})\n    " + text[end:]
    text = re.sub(r"  %loss, %lse = nn.cross_entropy .*\n.*\n?", lambda match: (
        f"  %weighted = nn.mul %logits, %probe : ({logits}, {logits}) -> {logits}\n"
        f"  %loss = nn.reduce_sum %weighted axes = [0, 1, 2] : ({logits}) -> tensor<f32>\n"
        + ("" if "pp.yield" not in match.group() else "  pp.yield %loss : tensor<f32>\n")), text,
        count=1)
    at = text.rindex("%loss = pp.apply @head")
    text = (text[:at] + f'%probe = pp.param "probe" : {logits} init(#nn.zeros)\n  '
            + re.sub(r"params\((%[^)]*)\)", r"params(\1, %probe)", re.sub(
                r"params\((tensor[^)]*)\) ->", rf"params(\1, {logits}) ->", text[at:], count=1),
                count=1))
    pathlib.Path(f"{name}-probe.mlir").write_text(text)
    program = compile_model(f"{name}-probe.mlir", f"{name}-probe.exe", "--microbatches=1")
    shape = [int(size) for size in shape]
    weights = setup.read_safetensors(f"{name}-weights/model.safetensors")
    shapes = {parameter: [len(values)] for parameter, values in weights.items()}
    for parameter, found in re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', text):
        shapes[parameter] = [int(size) for size in found.split("x")[:-1]]
    weights["probe"] = [0.0] * math.prod(shape)
    pathlib.Path(f"{name}-probe").mkdir()
    setup.write_safetensors(f"{name}-probe/model.safetensors", {
        parameter: (shapes[parameter], values) for parameter, values in weights.items()})
    must(run(program, 1, "--data", "data", "--token-format", "bytes", "--order", "windows",
             "--seed", setup.SEED, "--steps", 1, "--warmup", 0, "--optimizer", "sgd", "--lr", 1,
             "--min-lr", 1, "--weight-decay", 0, "--clip", 0, "--load", f"{name}-probe", "--save",
             f"{name}-probed", "--quiet"))
    found = [-x for x in setup.read_safetensors(f"{name}-probed/model.safetensors")["probe"]]
    wanted = GOLDEN[name]["logits"]
    worst = max(abs(found[int(place)] - value) for place, value in wanted["elements"].items())
    scale = max(1.0, max(map(abs, wanted["elements"].values())))
    check(worst < 1e-5 * scale, f"{name}: logits differ by {worst}")
    norm = math.sqrt(sum(x * x for x in found))
    check(math.isclose(norm, wanted["norm"], rel_tol=1e-5), f"{name}: logits of norm {norm}")
    print(f"{name}: logits within {worst:.2g}", flush=True)


def encode(values, dtype):
    """Bytes of `values` rounded to a type, by taking digits away."""
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    words = [struct.unpack("<I", struct.pack("<f", value))[0] for value in values]
    if dtype == "F32":
        return struct.pack(f"<{len(words)}I", *words)
    return struct.pack(f"<{len(words)}H", *(word >> 16 for word in words))


def save_as_loaded(name):
    """With a learning rate of 0 the bytes of each file come back, on a mesh that cuts layers
    and states, in each type, in one file or many, with what stands beside them."""
    program = compile_model(f"{name}.mlir", f"{name}-save.exe", "--pp=2", "--tp=2",
                            f"--microbatches={setup.MICROBATCHES}")
    text = pathlib.Path(f"{name}.mlir").read_text()
    shapes = {parameter: [int(size) for size in shape.split("x")[:-1]] for parameter, shape
              in re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', text)}
    carried = {"tokenizer.json": "{}", "tokenizer_config.json": '{"a": 1}', "vocab.json": "v",
               "merges.txt": "m", "special_tokens_map.json": "s", "chat_template.jinja": "c",
               "generation_config.json": "{}"}

    def train(load, save, *options):
        must(run(program, 4, "--data", "data", "--token-format", "bytes", "--order", "windows",
                 "--steps", 2, "--lr", 0, "--load", load, "--save", save, "--quiet", *options))
        return pathlib.Path(save)

    config = json.loads((INPUTS / name / "config.json").read_text())
    for dtype, option, torch in (("F32", "f32", "float32"), ("BF16", "bf16", "bfloat16"),
                                 ("F16", "f16", "float16")):
        folder = pathlib.Path(f"{name}-{dtype}")
        folder.mkdir()
        write_file(folder / "model.safetensors", {
            parameter: (dtype, shapes[parameter], encode(setup.values(parameter,
                                                                      shapes[parameter]), dtype))
            for parameter in sorted(shapes)})
        for file, content in carried.items():
            (folder / file).write_text(content)
        (folder / "README.md").write_text("not carried")
        (folder / "config.json").write_text((INPUTS / name / "config.json").read_text())
        whole = train(folder, f"{folder}-whole", "--save-dtype", option)
        check(digest(whole / "model.safetensors") == digest(folder / "model.safetensors"),
              f"{folder}: other bytes")
        check(sorted(path.name for path in whole.iterdir())
              == sorted([*carried, "config.json", "model.safetensors"]), f"{folder}: other files")
        for file, content in carried.items():
            check((whole / file).read_text() == content, f"{folder}: {file}")
        saved = json.loads((whole / "config.json").read_text())
        key = "dtype" if "dtype" in config else "torch_dtype"
        expected = dict(config, **{key: torch}, architectures=saved["architectures"])
        check(saved == expected, f"{folder}: config.json is {saved}, expected {expected}")
        check(saved["architectures"][0].endswith(("ForCausalLM", "LMHeadModel")), "architectures")

        # In shards, over the one file; and from these back to one.
        shards = train(folder, f"{folder}-whole", "--save-dtype", option, "--max-shard-size",
                       "6KB")
        index = json.loads((shards / "model.safetensors.index.json").read_text())
        count = len(set(index["weight_map"].values()))
        check(count > 2 and not (shards / "model.safetensors").exists(), f"{count} files")
        check(set(index["weight_map"]) == set(shapes), "other names in the index")
        elements = sum(math.prod(shape) for shape in shapes.values())
        check(index["metadata"] == {"total_parameters": elements, "total_size": elements
                                    * (4 if dtype == "F32" else 2)}, f"{index['metadata']}")
        again = train(shards, f"{folder}-again", "--save-dtype", option)
        check(digest(again / "model.safetensors") == digest(folder / "model.safetensors"),
              f"{folder}: other bytes by way of {count} files")
    must(run(program, 4, "--data", "data", "--token-format", "bytes", "--steps", 1, "--lr", 0,
             "--save", f"{name}-fresh", "--tokenizer", f"{name}-F32", "--quiet"))
    fresh = pathlib.Path(f"{name}-fresh")
    check((fresh / "tokenizer.json").exists() and json.loads(
        (fresh / "config.json").read_text())["model_type"] == config["model_type"],
        "a model from scratch has a configuration and a tokenizer")
    print(f"{name}: saved as loaded", flush=True)


def write_file(path, tensors):
    """tensors: name -> (type, shape, bytes)."""
    header, at = {"__metadata__": {"format": "pt"}}, 0  # as the safetensors library
    for tensor, (dtype, shape, data) in tensors.items():
        header[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
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
        program = compare(name)
        compare_curve(name, program)
        compare_logits(name)
    load_as_found("gpt2", lambda name: "transformer." + name, "transformer.h.0.attn.bias")
    save_as_loaded("qwen3")
    load_as_found("qwen2", lambda name: name.removeprefix("model."),
                  "layers.1.self_attn.rotary_emb.inv_freq")


main()
