"""What the golden script and the golden test must agree on: models, weights,
data, order of the samples, optimizer. Needs neither PyTorch nor numpy."""

import json
import math
import struct
import zlib

BATCH, SEQUENCE, MICROBATCHES, STEPS, SEED = 2, 11, 3, 6, 5
LAYERS, WIDTH, HEADS, KV_HEADS, HIDDEN, VOCABULARY = 2, 24, 4, 2, 40, 67
LR, MIN_LR, WARMUP, DECAY, WEIGHT_DECAY, CLIP = 3e-3, 3e-4, 2, 4, 0.1, 0.7
FAMILIES = ["gpt", "llama"]


def model_options(family):
    options = [family, f"--layers={LAYERS}", f"--width={WIDTH}", f"--heads={HEADS}",
               f"--sequence={SEQUENCE}", f"--batch={BATCH}",
               f"--vocabulary={VOCABULARY}"]
    if family == "llama":
        options += [f"--kv-heads={KV_HEADS}", f"--hidden={HIDDEN}"]
    return options


def program_options():
    return ["--data", "data", "--token-format", "bytes", "--order", "windows", "--steps", STEPS,
            "--seed", SEED, "--lr", LR, "--min-lr", MIN_LR, "--warmup", WARMUP, "--decay", DECAY,
            "--weight-decay", WEIGHT_DECAY, "--clip", CLIP]


# Of the curves of hugging_face.py.
CURVE_STEPS, CURVE_WARMUP, CURVE_LR, CURVE_MIN_LR = 50, 5, 2e-3, 2e-4


def curve_options():
    return ["--data", "data", "--token-format", "bytes", "--order", "windows",
            "--steps", CURVE_STEPS, "--seed", SEED, "--lr", CURVE_LR, "--min-lr", CURVE_MIN_LR,
            "--warmup", CURVE_WARMUP, "--decay", CURVE_STEPS - CURVE_WARMUP,
            "--weight-decay", WEIGHT_DECAY, "--clip", CLIP]


def curve_rate(step):
    if step < CURVE_WARMUP:
        return CURVE_LR * (step + 1) / CURVE_WARMUP
    part = (step - CURVE_WARMUP) / (CURVE_STEPS - CURVE_WARMUP)
    return CURVE_MIN_LR + (CURVE_LR - CURVE_MIN_LR) * (1 + math.cos(math.pi * part)) / 2


def data():
    """A few hundred tokens below the vocabulary."""
    state, result = 1, bytearray()
    for _ in range(400):
        state = (state * 1103515245 + 12345) % 2**31
        result.append((state >> 16) % VOCABULARY)
    return bytes(result)


def shapes(family):
    """Name and shape of every parameter, in model order."""
    c, kv = WIDTH, WIDTH // HEADS * KV_HEADS
    if family == "gpt":
        block = {
            "ln_1.weight": [c], "ln_1.bias": [c], "attn.c_attn.weight": [c, 3 * c],
            "attn.c_attn.bias": [3 * c], "attn.c_proj.weight": [c, c],
            "attn.c_proj.bias": [c], "ln_2.weight": [c], "ln_2.bias": [c],
            "mlp.c_fc.weight": [c, 4 * c], "mlp.c_fc.bias": [4 * c],
            "mlp.c_proj.weight": [4 * c, c], "mlp.c_proj.bias": [c],
        }
        result = {"wte.weight": [VOCABULARY, c], "wpe.weight": [SEQUENCE, c]}
        for i in range(LAYERS):
            result.update({f"h.{i}.{name}": shape for name, shape in block.items()})
        return {**result, "ln_f.weight": [c], "ln_f.bias": [c]}
    block = {
        "input_layernorm.weight": [c], "self_attn.q_proj.weight": [c, c],
        "self_attn.k_proj.weight": [kv, c], "self_attn.v_proj.weight": [kv, c],
        "self_attn.o_proj.weight": [c, c], "post_attention_layernorm.weight": [c],
        "mlp.gate_proj.weight": [HIDDEN, c], "mlp.up_proj.weight": [HIDDEN, c],
        "mlp.down_proj.weight": [c, HIDDEN],
    }
    result = {"model.embed_tokens.weight": [VOCABULARY, c]}
    for i in range(LAYERS):
        result.update({f"model.layers.{i}.{name}": shape for name, shape in block.items()})
    return {**result, "model.norm.weight": [c], "lm_head.weight": [VOCABULARY, c]}


def values(name, shape):
    """Initial values: large enough that every part of the model matters."""
    norm = "norm" in name or "ln_" in name
    offset = 1.0 if norm and name.endswith("weight") else 0.0
    scale = 0.3 if len(shape) == 2 else 0.2
    phase = zlib.crc32(name.encode()) % 1000
    return [offset + scale * math.sin(phase + 1.7 * i + 0.01 * i * i)
            for i in range(math.prod(shape))]


def write_safetensors(path, tensors):
    """tensors: name -> (shape, list of floats)."""
    header, blobs, at = {}, [], 0
    for name, (shape, numbers) in tensors.items():
        blob = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    with open(path, "rb") as file:
        whole = file.read()
    size = struct.unpack("<Q", whole[:8])[0]
    result = {}
    for name, entry in json.loads(whole[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            result[name] = struct.unpack(f"<{(end - begin) // 4}f", whole[begin:end])
    return result


def philox64(key, low, high):
    """Philox4x32-10 (Salmon et al., 2011), as the runtime orders its data."""
    mask = 2**32 - 1
    counter = [low & mask, low >> 32, high & mask, high >> 32]
    keys = [key & mask, key >> 32]
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ keys[0], b & mask,
                   (a >> 32) ^ counter[3] ^ keys[1], a & mask]
        keys = [(keys[0] + 0x9E3779B9) & mask, (keys[1] + 0xBB67AE85) & mask]
    return counter[1] << 32 | counter[0]


def sample(tokens, index):
    """The window of sequence + 1 tokens of a sample of the run."""
    key = 0xCBF29CE484222325
    for c in b"order of the data":
        key = (key ^ c) * 0x100000001B3 % 2**64
    key = philox64(key, SEED, 0)
    begin = philox64(key, index, 0) * (len(tokens) - SEQUENCE) >> 64
    return list(tokens[begin:begin + SEQUENCE + 1])
