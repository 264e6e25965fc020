"""Writes files of tokens as others do: Megatron, nanoGPT, llm.c, numpy."""

import struct

# Megatron's codes of types, and struct's.
TYPES = {"u8": (1, "B"), "i8": (2, "b"), "i16": (3, "h"), "i32": (4, "i"), "i64": (5, "q"),
         "u16": (8, "H")}


def pack(tokens, code):
    return struct.pack(f"<{len(tokens)}{code}", *tokens)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def write_megatron(prefix, documents, kind="u16", order=None, modes=False):
    """`documents` are lists of sequences, which lie in the .bin file as `order` (of
    their numbers) says."""
    number, code = TYPES[kind]
    sequences = [sequence for document in documents for sequence in document]
    pointers, data = [0] * len(sequences), b""
    for i in order or range(len(sequences)):
        pointers[i] = len(data)
        data += pack(sequences[i], code)
    firsts = [0]
    for document in documents:
        firsts.append(firsts[-1] + len(document))
    write(prefix + ".bin", data)
    write(prefix + ".idx", b"MMIDIDX\0\0" + struct.pack(
        "<QBQQ", 1, number, len(sequences), len(firsts))
        + pack([len(sequence) for sequence in sequences], "i") + pack(pointers, "q")
        + pack(firsts, "q") + (b"\0" * len(sequences) if modes else b""))


def write_nanogpt(path, tokens):
    write(path, pack(tokens, "H"))


def write_llmc(path, tokens, wide=False):
    magic, version = (20240801, 7) if wide else (20240520, 1)
    write(path, struct.pack("<256i", magic, version, len(tokens), *[0] * 253)
          + pack(tokens, "I" if wide else "H"))


def write_numpy(path, tokens, kind="i32"):
    header = f"{{'descr': '<{kind[0]}{int(kind[1:]) // 8}', 'fortran_order': False, " \
             f"'shape': ({len(tokens)},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    write(path, b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode()
          + pack(tokens, TYPES[kind][1]))
