#!/usr/bin/env python3
"""The PyTorch side of bench/gpu_speed: GPT-2 or a Llama-shaped model as
bench/make_model.py writes them, on one GPU, with torch.compile, flash attention
or cuDNN's, and fused AdamW. f32 masters: autocast to bf16. Prints one line of JSON.

usage: gpu_torch.py JSON    (family, layers, width, heads, kv_heads, hidden, sequence,
                             vocabulary, batch, microbatches, steps, data, attention)
"""

import json
import math
import sys
import time
import types

import torch
import torch.nn as nn
import torch.nn.functional as F

o = types.SimpleNamespace(**json.loads(sys.argv[1]))
HEAD = o.width // o.heads


def attention(q, k, v):
    """[B, T, H, D]; fewer heads of keys are shared."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    if k.shape[1] != q.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return y.transpose(1, 2).reshape(o.batch, o.sequence, o.width)


class GptBlock(nn.Module):
    def __init__(self):
        super().__init__()
        c = o.width
        self.ln_1, self.ln_2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.qkv, self.proj = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.fc, self.out = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

    def forward(self, x, _):
        q, k, v = (t.view(o.batch, o.sequence, o.heads, HEAD)
                   for t in self.qkv(self.ln_1(x)).split(o.width, 2))
        x = x + self.proj(attention(q, k, v))
        return x + self.out(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class LlamaBlock(nn.Module):
    def __init__(self):
        super().__init__()
        c, kv = o.width, o.kv_heads * HEAD
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        self.n_1, self.n_2 = nn.RMSNorm(c, eps=1e-5), nn.RMSNorm(c, eps=1e-5)
        self.q, self.k, self.v, self.proj = linear(c, c), linear(c, kv), linear(c, kv), linear(c, c)
        self.gate, self.up, self.out = linear(c, o.hidden), linear(c, o.hidden), linear(o.hidden, c)

    def forward(self, x, angles):
        n = self.n_1(x)
        heads = lambda t: t.view(o.batch, o.sequence, -1, HEAD)

        def rotate(t):
            cos, sin = (a.to(t.dtype) for a in angles)
            a, b = t.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

        y = attention(rotate(heads(self.q(n))), rotate(heads(self.k(n))), heads(self.v(n)))
        x = x + self.proj(y)
        n = self.n_2(x)
        return x + self.out(F.silu(self.gate(n)) * self.up(n))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.is_gpt = o.family == "gpt"
        self.wte = nn.Embedding(o.vocabulary, o.width)
        if self.is_gpt:
            self.wpe = nn.Embedding(o.sequence, o.width)
        self.blocks = nn.ModuleList((GptBlock if self.is_gpt else LlamaBlock)()
                                    for _ in range(o.layers))
        self.norm = nn.LayerNorm(o.width) if self.is_gpt else nn.RMSNorm(o.width, eps=1e-5)
        if not self.is_gpt:
            self.head = nn.Linear(o.width, o.vocabulary, bias=False)
            rates = 10000.0 ** (-torch.arange(0, HEAD, 2) / HEAD)
            angles = torch.outer(torch.arange(o.sequence), rates)[None, :, None, :]
            self.register_buffer("cos", angles.cos(), persistent=False)
            self.register_buffer("sin", angles.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("proj.weight", "out.weight"))
                nn.init.normal_(p, 0, 0.02 / (math.sqrt(2 * o.layers) if deep else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets):
        x = self.wte(tokens)
        angles = None if self.is_gpt else (self.cos, self.sin)
        if self.is_gpt:
            x = x + self.wpe.weight
        for block in self.blocks:
            x = block(x, angles)
        head = self.wte.weight if self.is_gpt else self.head.weight
        logits = F.linear(self.norm(x), head)
        return F.cross_entropy(logits.view(-1, o.vocabulary).float(), targets.reshape(-1))


def main():
    if not torch.cuda.is_available():
        sys.exit("error: PyTorch finds no GPU")
    torch.manual_seed(1)
    with torch.device("cuda"):
        model = Model()
    backend = {"flash": torch.nn.attention.SDPBackend.FLASH_ATTENTION,
               "cudnn": torch.nn.attention.SDPBackend.CUDNN_ATTENTION}[o.attention]
    # Of the models that are compared: matrices decay, vectors too, as pp has it.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95),
                                  weight_decay=0.1, fused=True)
    forward = torch.compile(model)
    data = torch.frombuffer(bytearray(open(o.data, "rb").read()), dtype=torch.int16).long()
    seconds, loss = [], math.nan
    for _ in range(o.steps):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        for _ in range(o.microbatches):
            starts = torch.randint(len(data) - o.sequence, (o.batch,)).tolist()
            window = torch.stack([data[i:i + o.sequence + 1] for i in starts]).cuda()
            with (torch.autocast("cuda", dtype=torch.bfloat16),
                  torch.nn.attention.sdpa_kernel(backend)):
                part = forward(window[:, :-1], window[:, 1:]) / o.microbatches
            part.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss = part.item() * o.microbatches
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": seconds, "loss": loss, "version": torch.__version__,
                      "device": torch.cuda.get_device_name(),
                      "peak_bytes": torch.cuda.max_memory_reserved()}))


main()
