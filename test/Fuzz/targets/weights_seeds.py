"""Inputs to start from: whole directories, and some that are damaged."""

import json
import struct

SIZES = {"F32": 4, "BF16": 2, "F16": 2, "F64": 8}


def file_of(tensors, metadata=True):
    header, data = {"__metadata__": {"format": "pt"}} if metadata else {}, b""
    for name, dtype, shape in tensors:
        count = SIZES[dtype]
        for extent in shape:
            count *= extent
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + count]}
        data += bytes(range(count))
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def single(tensors, config=b"{}"):
    return b"\x00" + struct.pack("<H", len(config)) + config + file_of(tensors)


def several(weight_map, one, two):
    index = json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}).encode()
    one = file_of(one)
    return (b"\x01" + struct.pack("<H", len(index)) + index + struct.pack("<H", len(one)) + one
            + file_of(two))


def seeds():
    a, b = ("a", "F32", [2, 3]), ("model.b", "BF16", [4])
    for dtype in SIZES:
        yield single([("a", dtype, [2, 3]), ("b", "F16", [4])])
    yield single([a, b, ("h.0.attn.bias", "F32", [1]), ("lm_head.weight", "F32", [1])],
                 b"{\"torch_dtype\": \"float32\", \"x\": [1.5, null]}")
    yield single([("transformer.a", "F32", [2, 3]), b])
    yield single([a])
    yield single([a, b, ("stranger", "F32", [0])])
    yield several({"a": "one.safetensors", "model.b": "two.safetensors"}, [a], [b])
    yield several({"a": "two.safetensors", "model.b": "two.safetensors"}, [a], [b])
    yield several({"a": "one.safetensors", "model.b": "three.safetensors"}, [a], [b])
    yield several({"a": "../one.safetensors"}, [a], [b])
    yield b"\x00\x00\x00" + b"\xff" * 8
    yield b""
