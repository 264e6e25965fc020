#!/usr/bin/env python3
"""Trains the golden models in PyTorch, in f64, and writes golden.json beside
this file: the gradient of the first step (the norm and a few elements for each
parameter), loss and gradient norm of each step, and a few final values of each
parameter. Needs PyTorch; the test, golden.py, does not.

AdamW divides a gradient by its size, so where it vanishes (the bias of keys: the
softmax does not see it) the update is made of rounding errors; such values are
left out."""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

from golden_setup import (
    BATCH, CLIP, DECAY, FAMILIES, HEADS, KV_HEADS, LAYERS, LR, MICROBATCHES, MIN_LR,
    SEQUENCE, STEPS, WARMUP, WEIGHT_DECAY, WIDTH, data, sample, shapes, values,
)

HEAD = WIDTH // HEADS


def attend(q, k, v):
    """[B, T, heads, D] each; keys and values repeat over groups."""
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    k = k.repeat_interleave(HEADS // k.shape[1], dim=1)
    v = v.repeat_interleave(HEADS // v.shape[1], dim=1)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return y.transpose(1, 2).reshape(BATCH, SEQUENCE, WIDTH)


def gpt(p, tokens):
    x = p["wte.weight"][tokens] + p["wpe.weight"]
    for i in range(LAYERS):
        def get(name):
            return p[f"h.{i}.{name}"]

        def norm(x, name):
            return F.layer_norm(x, (WIDTH,), get(name + ".weight"), get(name + ".bias"))

        def linear(x, name):
            return x @ get(name + ".weight") + get(name + ".bias")

        q, k, v = linear(norm(x, "ln_1"), "attn.c_attn").split(WIDTH, 2)
        heads = (t.reshape(BATCH, SEQUENCE, HEADS, HEAD) for t in (q, k, v))
        x = x + linear(attend(*heads), "attn.c_proj")
        hidden = F.gelu(linear(norm(x, "ln_2"), "mlp.c_fc"), approximate="tanh")
        x = x + linear(hidden, "mlp.c_proj")
    x = F.layer_norm(x, (WIDTH,), p["ln_f.weight"], p["ln_f.bias"])
    return x @ p["wte.weight"].T


def rotate(x):
    angle = torch.arange(SEQUENCE, dtype=x.dtype)[:, None] * 10000.0 ** (
        -2.0 * torch.arange(HEAD // 2, dtype=x.dtype) / HEAD)
    cos, sin = angle.cos()[:, None, :], angle.sin()[:, None, :]
    a, b = x[..., :HEAD // 2], x[..., HEAD // 2:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def llama(p, tokens):
    def norm(x, weight):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * weight

    x = p["model.embed_tokens.weight"][tokens]
    for i in range(LAYERS):
        def get(name):
            return p[f"model.layers.{i}.{name}.weight"]

        h = norm(x, get("input_layernorm"))
        q, k, v = ((h @ get(f"self_attn.{name}_proj").T).reshape(BATCH, SEQUENCE, n, HEAD)
                   for name, n in [("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)])
        x = x + attend(rotate(q), rotate(k), v) @ get("self_attn.o_proj").T
        h = norm(x, get("post_attention_layernorm"))
        hidden = F.silu(h @ get("mlp.gate_proj").T) * (h @ get("mlp.up_proj").T)
        x = x + hidden @ get("mlp.down_proj").T
    return norm(x, p["model.norm.weight"]) @ p["lm_head.weight"].T


def learning_rate(step):
    if step < WARMUP:
        return LR * (step + 1) / WARMUP
    part = (step - WARMUP) / DECAY
    return MIN_LR + (LR - MIN_LR) * (1 + math.cos(math.pi * part)) / 2


def describe(gradient):
    flat = gradient.flatten()
    places = range(0, len(flat), max(1, len(flat) // 9))
    return {"norm": flat.norm().item(), "elements": {str(i): flat[i].item() for i in places}}


def train(family):
    forward = {"gpt": gpt, "llama": llama}[family]
    parameters = {
        name: torch.tensor(values(name, shape), dtype=torch.float32)
        .double().reshape(shape).requires_grad_()
        for name, shape in shapes(family).items()
    }
    groups = [
        {"params": [p for p in parameters.values() if (p.dim() >= 2) == decayed],
         "weight_decay": WEIGHT_DECAY if decayed else 0.0}
        for decayed in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, 0.95), eps=1e-8)
    tokens, result = data(), {"loss": [], "grad_norm": []}
    smallest = {name: torch.full(p.shape, math.inf) for name, p in parameters.items()}
    for step in range(STEPS):
        optimizer.zero_grad()
        losses = []
        for microbatch in range(MICROBATCHES):
            first = (step * MICROBATCHES + microbatch) * BATCH
            window = torch.tensor([sample(tokens, first + row) for row in range(BATCH)])
            logits = forward(parameters, window[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            (loss / MICROBATCHES).backward()
            losses.append(loss.item())
        result["loss"].append(sum(losses) / MICROBATCHES)
        if step == 0:
            result["gradient"] = {
                name: describe(p.grad) for name, p in parameters.items()}
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP)
        result["grad_norm"].append(norm.item())
        for name, parameter in parameters.items():
            size = parameter.grad.abs()
            smallest[name] = torch.minimum(smallest[name], size)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.step()
    result["final"] = {}
    for name, parameter in parameters.items():
        flat = parameter.detach().flatten()
        trusted = (smallest[name].flatten() > 1e-5).nonzero().flatten().tolist()
        places = trusted[::max(1, len(trusted) // 7)]
        assert places, name
        result["final"][name] = {str(i): flat[i].item() for i in places}
    return result


def main():
    golden = {family: train(family) for family in FAMILIES}
    path = pathlib.Path(__file__).parent / "golden.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


main()
