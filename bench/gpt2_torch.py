#!/usr/bin/env python3
"""The PyTorch side of gpt2_cpu.py: GPT-2 as bench/make_model.py writes it,
trained for a few steps. Prints one line of JSON."""

import json
import math
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

MODE, DATA = sys.argv[1:3]
L, C, H, T, V, B, M, STEPS = map(int, sys.argv[3:11])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.attn, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
        self.fc, self.out = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        q, k, v = (t.view(B, T, H, C // H).transpose(1, 2)
                   for t in self.attn(self.ln_1(x)).split(C, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.out(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.ModuleList(Block() for _ in range(L))
        self.ln_f = nn.LayerNorm(C)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                deep = name.endswith(("proj.weight", "out.weight"))
                nn.init.normal_(p, 0, 0.02 / (math.sqrt(2 * L) if deep else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, tokens, targets):
        x = self.wte(tokens) + self.wpe.weight
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)
        return F.cross_entropy(logits.view(-1, V), targets.reshape(-1))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95),
                                  weight_decay=0.1)
    forward = torch.compile(model) if MODE == "compile" else model
    data = torch.frombuffer(bytearray(open(DATA, "rb").read()), dtype=torch.uint16).long()
    speeds = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        for _ in range(M):
            starts = torch.randint(len(data) - T, (B,)).tolist()
            window = torch.stack([data[i:i + T + 1] for i in starts])
            loss = forward(window[:, :-1], window[:, 1:]) / M
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        last = loss.item() * M
        speeds.append(B * M * T / (time.perf_counter() - begin))
    print(json.dumps({"tokens_per_second": speeds, "loss": last}))


if __name__ == "__main__":
    main()
