"""Inputs to start from: whole checkpoints, and some that are damaged."""

import json
import struct


def slices_file(tensors):
    header, data = {}, b""
    for name, shape in tensors:
        count = 4
        for extent in shape:
            count *= extent
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(data), len(data) + count]}
        data += bytes(count)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def seed(boxes, change=lambda index: None):
    names = [f"w.m{number}" for number in range(len(boxes))]
    index = {
        "format": "pp-checkpoint", "version": 1, "step": 5, "samples": 40, "seed": 1,
        "model": {"name": "m", "hash": "", "vocabulary": 256, "sequence": 8},
        "data": "d", "optimizer": "lion", "mesh": "pipe 1", "options": {"--lr": "0.1"},
        "states": [{"name": "w.m", "shape": [4, 6], "slices": [
            {"file": "optimizer-00000.safetensors", "tensor": name, "begin": begin,
             "size": size} for name, (begin, size) in zip(names, boxes)]}],
    }
    change(index)
    text = json.dumps(index).encode()
    file = slices_file([(name, size) for name, (_, size) in zip(names, boxes)])
    return struct.pack("<H", len(text)) + text + file


def seeds():
    whole = [([0, 0], [4, 6])]
    halves = [([0, 0], [2, 6]), ([2, 0], [2, 6])]
    columns = [([0, 0], [4, 1]), ([0, 1], [4, 5])]
    pieces = [([0, 0], [1, 6]), ([1, 0], [1, 2]), ([1, 2], [1, 4]), ([2, 0], [2, 6])]
    for boxes in (whole, halves, columns, pieces):
        yield seed(boxes)
    yield seed(halves, lambda index: index["states"][0]["slices"].pop())
    yield seed(halves, lambda index: index["states"].append(index["states"][0]))
    yield seed(whole, lambda index: index.update(step=-1))
    yield seed(whole, lambda index: index["states"][0].update(shape=[4, 2 ** 63]))
    yield b""
