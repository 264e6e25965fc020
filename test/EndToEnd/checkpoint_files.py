"""What a checkpoint holds, read without the runtime."""

import json
import pathlib
import struct

from harness import check


def read_tensors(path):
    """The tensors of a file of safetensors: (shape, bytes) by name."""
    content = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        check(entry["dtype"] == "F32", f"{path}: {name} is {entry['dtype']}")
        tensors[name] = (entry["shape"], content[8 + length + begin:8 + length + end])
    return tensors


def read_states(directory):
    """The whole states of a checkpoint, put together from slices: bytes by name. Each element
    has to be there once."""
    index = json.loads((directory / "checkpoint.json").read_text())
    files, states = {}, {}
    for state in index["states"]:
        name = state["name"]
        shape = state["shape"]
        strides = [4] * len(shape)
        for dim in reversed(range(len(shape) - 1)):
            strides[dim] = strides[dim + 1] * shape[dim + 1]
        size = 4
        for extent in shape:
            size *= extent
        whole, seen = bytearray(size), 0
        marks = bytearray(size // 4)
        for piece in state["slices"]:
            if piece["file"] not in files:
                files[piece["file"]] = read_tensors(directory / piece["file"])
            found, data = files[piece["file"]][piece["tensor"]]
            check(found == piece["size"], f"{name}: {found} and {piece['size']}")
            row = piece["size"][-1] * 4 if shape else 4
            places = [0]
            for dim in range(len(shape) - 1):
                places = [place + (piece["begin"][dim] + i) * strides[dim]
                          for place in places for i in range(piece["size"][dim])]
            for number, place in enumerate(places):
                at = place + (piece["begin"][-1] * 4 if shape else 0)
                check(not any(marks[at // 4:(at + row) // 4]), f"{name} twice at {at}")
                marks[at // 4:(at + row) // 4] = b"\1" * (row // 4)
                whole[at:at + row] = data[number * row:(number + 1) * row]
                seen += row
        check(seen == size, f"{directory}: {name} has {seen} of {size} bytes")
        states[name] = bytes(whole)
    return states


def step_of(path):
    """Of a complete checkpoint by its name, or None."""
    name = path.name
    digits = name.removeprefix("step-")
    return int(digits) if name.startswith("step-") and digits.isdigit() else None
