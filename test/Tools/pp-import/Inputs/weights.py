"""What pp-import says of weights: files of small models, right and wrong in many ways.
`weights.py PP-IMPORT CONFIGURATIONS DIRECTORY`."""

import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys

TOOL, CONFIGS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
BYTES = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8, "I8": 1}


def tensors_of(config):
    """Name -> (type, shape) of all parameters."""
    command = [TOOL, CONFIGS / config, "--sequence=8", "--batch=1", "--from-scratch", "-o", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {name: ("F32", [int(size) for size in shape.split("x")[:-1]])
            for name, shape in re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', text)}


def file_of(tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape) in tensors.items():
        size = BYTES[dtype]
        for extent in shape:
            size *= extent
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def run(config, files):
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    shutil.copy(CONFIGS / config / "config.json", WORK)
    for name, data in files.items():
        (WORK / name).write_bytes(data)
    return subprocess.run([TOOL, WORK, "--sequence=8", "--batch=1", "-o", "-"],
                          capture_output=True, text=True)


bad = runs = 0


def expect(config, files, *messages):
    """Success, or an error with all the messages."""
    global bad, runs
    runs += 1
    result = run(config, files)
    good = (result.returncode == (1 if messages else 0)
            and all(message in result.stderr for message in messages)
            and bool(result.stdout) != bool(messages))
    if not good:
        bad += 1
        print(f"{config} {list(files)}: expected {messages}, found {result.stderr}")


def single(tensors):
    return {"model.safetensors": file_of(tensors)}


def sharded(parts, weight_map=None):
    """One file a part, and the index."""
    names = [f"model-{i:05}-of-{len(parts):05}.safetensors" for i in range(1, len(parts) + 1)]
    if weight_map is None:
        weight_map = {tensor: file for file, part in zip(names, parts) for tensor in part}
    files = {file: file_of(part) for file, part in zip(names, parts)}
    files["model.safetensors.index.json"] = json.dumps(
        {"metadata": {"total_size": 0}, "weight_map": weight_map}).encode()
    return files


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


def halves(tensors):
    items = list(tensors.items())
    return [dict(items[:9]), dict(items[9:])]


def main():
    llama, gpt, tied = tensors_of("llama-2"), tensors_of("gpt2"), tensors_of("llama-3.1")
    up = "model.layers.1.mlp.up_proj.weight"

    # As they are found in the wild.
    expect("llama-2", single(llama))
    expect("llama-2", sharded(halves(llama)))
    expect("llama-2", single({name: ("BF16", shape) for name, (_, shape) in llama.items()}))
    expect("llama-2", single({name: ("F16", shape) for name, (_, shape) in llama.items()}))
    expect("llama-2", single({**llama, "model.layers.0.self_attn.rotary_emb.inv_freq": ("F32", [3])}))
    expect("llama-3.1", single({**tied, "lm_head.weight": ("F32", [67, 24])}))
    expect("gpt2", single(gpt))
    expect("gpt2", single({"transformer." + name: tensor for name, tensor in gpt.items()}))
    expect("gpt2", single({**gpt, "h.0.attn.bias": ("F32", [1, 1, 16, 16]), "h.1.attn.masked_bias": ("F32", []),
                           "lm_head.weight": ("F32", [67, 24])}))
    bare = {name.removeprefix("model."): tensor for name, tensor in tied.items()}
    expect("llama-3.1", single(bare))

    # All that is wrong, at once.
    expect("llama-2", single({**without(llama, up, "lm_head.weight"), "model.norm.weight": ("F32", [25]),
                              "model.norm.bias": ("F32", [24]),
                              "model.embed_tokens.weight": ("I8", [67, 24])}),
           "that do not fit, expected the 21 parameters of the model: the weights are those of "
           "another model",
           f"\n  missing: {up} [40, 24]\n", "\n  missing: lm_head.weight [67, 24]\n",
           "\n  misshapen: model.norm.weight is [25], expected [24]\n",
           "\n  surplus: model.norm.bias [24]\n",
           "\n  of another type: model.embed_tokens.weight is I8, expected F32, BF16 or F16\n")
    expect("gpt2", single({**gpt, "transformer.wte.weight": ("F32", [67, 24])}),
           "twice: wte.weight and transformer.wte.weight")

    # Sets of files.
    expect("llama-2", {}, "found neither model.safetensors nor model.safetensors.index.json in",
           "download them, or write --from-scratch to start from initial values")
    expect("llama-2", {"pytorch_model.bin": b"PK"}, "save_pretrained, which writes safetensors")
    files = sharded(halves(llama))
    del files["model-00001-of-00002.safetensors"]
    expect("llama-2", files, "found no file model-00001-of-00002.safetensors in",
           "expected the 2 that model.safetensors.index.json names: fetch what is missing")
    first, second = halves(llama)
    moved = {name: "model-00002-of-00002.safetensors" for name in llama}
    expect("llama-2", sharded([first, second], {**moved, **{n: "model-00001-of-00002.safetensors" for n in list(first)[1:]}}),
           f"not where the index says: {list(first)[0]} in model-00002-of-00002.safetensors")
    expect("llama-2", sharded([first, {**second, up: llama[up], list(first)[0]: first[list(first)[0]]}]),
           f"twice: {list(first)[0]} in ")
    expect("llama-2", sharded([llama], {up: "../model.safetensors"}),
           'found "../model.safetensors" as the file of tensor', "expected the name of a file beside")
    expect("llama-2", sharded([llama], 3), "found no weight_map in", "expected one from names of tensors to")

    # Files that are no safetensors.
    whole = file_of(llama)
    expect("llama-2", {"model.safetensors": whole[:-1]}, "bytes of data: the file is truncated")
    expect("llama-2", {"model.safetensors": whole + b"x"}, "found 1 bytes behind the last tensor")
    expect("llama-2", {"model.safetensors": whole[:100]}, "found a header of")
    expect("llama-2", {"model.safetensors": b"abc"}, "found 3 bytes in", "expected a safetensors file: it is truncated")
    expect("llama-2", {"model.safetensors": struct.pack("<Q", 2) + b"[]"}, "found a header that is not JSON")
    expect("llama-2", {"model.safetensors": struct.pack("<Q", 9) + b'{"a": {}}'},
           "found tensor 'a' in", "without dtype, shape or data_offsets: the file is damaged")
    print(f"{runs} sets of weights, {bad} wrong")


main()
