#!/usr/bin/env python3
"""Loss and gradients of Hugging Face's own models, in f64: writes hugging_face.json
beside this file. Needs PyTorch and transformers (the file is of 5.24); the test,
hugging_face.py, does not."""

import json
import pathlib
import sys

from golden_setup import BATCH, MICROBATCHES, data, sample, values

# PyTorch would import the cuda.py beside this file.
sys.path.pop(0)
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM  # noqa: E402

HERE = pathlib.Path(__file__).parent


def describe(gradient):
    flat = gradient.flatten()
    places = range(0, len(flat), max(1, len(flat) // 9))
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
    losses = []
    for microbatch in range(MICROBATCHES):
        window = torch.tensor([sample(data(), microbatch * BATCH + row) for row in range(BATCH)])
        logits = model(window[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
        (loss / MICROBATCHES).backward()
        losses.append(loss.item())
    return {"loss": sum(losses) / MICROBATCHES,
            "gradient": {name: describe(p.grad) for name, p in parameters.items()}}


def main():
    result = {folder.name: compute(folder)
              for folder in sorted((HERE / "Inputs/hugging-face").iterdir())}
    (HERE / "hugging_face.json").write_text(json.dumps(result, indent=1) + "\n")


main()
