#!/usr/bin/env python3
"""The PyTorch side of tensor_parallel.py: GPT-2 as bench/make_model.py writes it, its
blocks sharded by torch.distributed.tensor.parallel over gloo. Started by torchrun; rank 0
prints one line of JSON."""

import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.parallel import (
    ColwiseParallel, RowwiseParallel, parallelize_module,
)

sys.argv.insert(1, "eager")
import gpt2_torch as whole  # noqa: E402

DATA = sys.argv[2]
L, C, H, T, V, B, M, STEPS = map(int, sys.argv[3:11])
SIZE = int(os.environ.get("WORLD_SIZE", 1))


class Block(nn.Module):
    """Queries, keys and values apart, as the plan of PyTorch wants them."""

    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(C), nn.LayerNorm(C)
        self.q, self.k, self.v = nn.Linear(C, C), nn.Linear(C, C), nn.Linear(C, C)
        self.proj = nn.Linear(C, C)
        self.fc, self.out = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        n = self.ln_1(x)
        q, k, v = (p(n).view(B, T, H // SIZE, C // H).transpose(1, 2)
                   for p in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C // SIZE))
        return x + self.out(F.gelu(self.fc(self.ln_2(x)), approximate="tanh"))


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    whole.Block = Block
    model = whole.Gpt()
    if SIZE > 1:
        mesh = init_device_mesh("cpu", (SIZE,))
        for block in model.blocks:
            parallelize_module(block, mesh, {
                "q": ColwiseParallel(), "k": ColwiseParallel(), "v": ColwiseParallel(),
                "proj": RowwiseParallel(), "fc": ColwiseParallel(),
                "out": RowwiseParallel()})
    # One call for tensors in parts, one for those that all have: they do not mix.
    parts = [p for p in model.parameters() if hasattr(p, "to_local")]
    others = [p for p in model.parameters() if not hasattr(p, "to_local")]
    optimizers = [torch.optim.AdamW(group, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1,
                                    foreach=False)
                  for group in (parts, others) if group]
    data = torch.frombuffer(bytearray(open(DATA, "rb").read()), dtype=torch.uint8).long()
    speeds = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        for _ in range(M):
            starts = torch.randint(len(data) - T - 1, (B,)).tolist()
            window = torch.stack([data[i:i + T + 1] for i in starts])
            loss = model(window[:, :-1], window[:, 1:]) / M
            loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        last = loss.item() * M
        speeds.append(B * M * T / (time.perf_counter() - begin))
    if not dist.is_initialized() or dist.get_rank() == 0:
        print(json.dumps({"tokens_per_second": speeds, "loss": last}))
    if dist.is_initialized():
        dist.destroy_process_group()


main()
