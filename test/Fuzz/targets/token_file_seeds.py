"""Inputs of token_file.cpp to start from: files of each format."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Runtime"))

import token_files  # noqa: E402

AUTO, BYTES, U16, U32 = range(4)
PLAIN, BIN, NPY, PAIR = 0, 4, 8, 12
END, BEGIN = 16, 32
NAMED_BIN = 64


def seeds():
    tokens = [i * i % 7 for i in range(300)]
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "file")

        def made(kind, write, *arguments, **options):
            write(str(path), *arguments, **options)
            return bytes([kind]) + path.read_bytes()

        def pair(kind, *arguments, **options):
            token_files.write_megatron(str(path), *arguments, **options)
            index = path.with_suffix(".idx").read_bytes()
            return (bytes([kind | PAIR]) + len(index).to_bytes(2, "little") + index
                    + path.with_suffix(".bin").read_bytes())

        yield bytes([AUTO | PLAIN]) + b"It was the best of times"
        yield bytes([BYTES | PLAIN]) + bytes(range(256))
        yield made(U16 | BIN | END, token_files.write_nanogpt, tokens)
        yield made(U32 | BIN | BEGIN, token_files.write_numpy, tokens)
        for wide in (False, True):
            yield made(AUTO | BIN, token_files.write_llmc, tokens, wide)
        for kind in token_files.TYPES:
            yield made(AUTO | NPY, token_files.write_numpy, tokens, kind)
            documents = [[tokens[:9], [], tokens[9:20]], [], [tokens[20:]]]
            yield pair(AUTO, documents, kind, order=[3, 1, 0, 2])
        many = [[[i % 5] * (i % 4)] for i in range(60)]
        yield pair(AUTO | NAMED_BIN, many)
        yield pair(U16, many, modes=True)
