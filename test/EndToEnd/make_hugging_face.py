#!/usr/bin/env python3
"""Loss, gradients, logits and a loss curve under AdamW of Hugging Face's own models, in
f64: writes hugging_face.json beside this file. Needs PyTorch and transformers (the file is
of 5.24; scripts/reference-python makes them a place); the test, hugging_face.py, does
not."""

import json
import pathlib
import sys

from golden_setup import (
    BATCH, CLIP, CURVE_STEPS, MICROBATCHES, WEIGHT_DECAY, curve_rate, data, sample, values,
)

# PyTorch would import the cuda.py beside this file.
sys.path.pop(0)
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM  # noqa: E402

HERE = pathlib.Path(__file__).parent


def describe(tensor, count=9):
    flat = tensor.flatten()
    places = range(0, len(flat), max(1, len(flat) // count))
    return {"norm": flat.norm().item(), "elements": {str(i): flat[i].item() for i in places}}


def compute(folder):
    config = AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64).eval()
    parameters = {name.removeprefix("transformer."): parameter
                  for name, parameter in model.named_parameters()}
    with torch.no_grad():
        for name, parameter in parameters.items():
            shape = list(parameter.shape)
            parameter.copy_(torch.tensor(values(name, shape), dtype=torch.float32).reshape(shape))
    result = {"curve": []}
    groups = [{"params": [p for p in parameters.values() if (p.dim() >= 2) == decays],
               "weight_decay": WEIGHT_DECAY if decays else 0.0} for decays in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), eps=1e-8)
    tokens = data()
    for step in range(CURVE_STEPS):
        optimizer.zero_grad()
        losses = []
        for microbatch in range(MICROBATCHES):
            first = (step * MICROBATCHES + microbatch) * BATCH
            window = torch.tensor([sample(tokens, first + row) for row in range(BATCH)])
            logits = model(window[:, :-1]).logits
            loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            (loss / MICROBATCHES).backward()
            losses.append(loss.item())
            if step == 0 and microbatch == 0:
                result["logits"] = describe(logits.detach(), 97)
        result["curve"].append(sum(losses) / MICROBATCHES)
        if step == 0:
            result["loss"] = result["curve"][0]
            result["gradient"] = {name: describe(p.grad) for name, p in parameters.items()}
        torch.nn.utils.clip_grad_norm_(parameters.values(), CLIP)
        for group in optimizer.param_groups:
            group["lr"] = curve_rate(step)
        optimizer.step()
    return result


def main():
    result = {folder.name: compute(folder)
              for folder in sorted((HERE / "Inputs/hugging-face").iterdir())}
    (HERE / "hugging_face.json").write_text(json.dumps(result, indent=1) + "\n")


main()
