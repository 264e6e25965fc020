"""Inputs to start from: the configurations of tests, and some that are damaged."""

import json
import pathlib

TESTS = pathlib.Path(__file__).resolve().parents[2]


def seeds():
    for folder in ("EndToEnd/Inputs/hugging-face", "Tools/pp-import/Inputs"):
        for path in sorted((TESTS / folder).glob("*/config.json")):
            text = path.read_bytes()
            for options in (0, 1):
                yield bytes([options]) + text
            config = json.loads(text)
            config.update(unknown={"a": [1, None, 0.5, "\u00e9"]}, torch_dtype=None)
            yield b"\x03" + json.dumps(config).encode()
    yield b"\x00" + b"[" * 2000 + b"]" * 2000
    yield b"\x00{\"model_type\": \"llama\", \"rms_norm_eps\": 1e999}"
    yield b"\x00{\"model_type\": \"\xff\"}"
    yield b""
