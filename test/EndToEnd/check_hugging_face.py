#!/usr/bin/env python3
"""By hand, with transformers (scripts/reference-python DIR):

  DIR/bin/python test/EndToEnd/check_hugging_face.py build [NAME...]

Of each family a small random model of save_pretrained, in f32, bf16 and f16, in one file and
in many: its program, with a learning rate of 0, saves the same bytes; trained, it saves what
from_pretrained loads, with the loss that the program has after the same steps."""

import json
import math
import pathlib
import shutil
import sys

from golden_setup import BATCH, MICROBATCHES, SEED, SEQUENCE, data, sample
from harness import BUILD, SOURCE, check, compile_model, digest, execute, must, read_metrics, run, start

# PyTorch would import the cuda.py beside this file.
sys.path.pop(0)
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM  # noqa: E402

INPUTS = SOURCE / "test/EndToEnd/Inputs/hugging-face"
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
STEPS = 20


def make_model(name, folder, dtype, **options):
    torch.manual_seed(7)
    config = AutoConfig.from_pretrained(INPUTS / name)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter + 0.05 * torch.randn_like(parameter))
    model.to(dtype).save_pretrained(folder, **options)


def tensors(folder):
    result = {}
    for path in sorted(pathlib.Path(folder).glob("*.safetensors")):
        for tensor, value in load_file(path).items():
            result[tensor.removeprefix("transformer.")] = value
    return result


def loss_of(folder, step):
    """Of the model in a directory, over the micro-batches of a step."""
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager", output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        check(not info.get(kind), f"{folder}: {kind}: {info.get(kind)}")
    model.eval()
    losses = []
    with torch.no_grad():
        for microbatch in range(MICROBATCHES):
            first = (step * MICROBATCHES + microbatch) * BATCH
            window = torch.tensor([sample(data(), first + row) for row in range(BATCH)])
            logits = model(window[:, :-1]).logits
            losses.append(F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten()).item())
    return sum(losses) / len(losses)


def check_model(name):
    make_model(name, f"{name}-f32", torch.float32)
    must(execute([BUILD / "bin/pp-import", f"{name}-f32", f"--sequence={SEQUENCE}",
                  f"--batch={BATCH}", "-o", f"{name}.mlir"]))
    program = compile_model(f"{name}.mlir", f"{name}.exe", "--pp=2", "--tp=2",
                            f"--microbatches={MICROBATCHES}")

    def train(load, save, steps, *options):
        must(run(program, 4, "--data", "data", "--token-format", "bytes", "--order", "windows",
                 "--seed", SEED, "--steps", steps, "--load", load, "--save", save, "--metrics",
                 f"{save}.jsonl", "--quiet", *options))
        return read_metrics(f"{save}.jsonl")

    for dtype, torch_dtype in TYPES.items():
        loaded, shards = f"{name}-{dtype}", f"{name}-{dtype}-shards"
        make_model(name, loaded, torch_dtype)
        make_model(name, shards, torch_dtype, max_shard_size="9KB")
        check(pathlib.Path(shards, "model.safetensors.index.json").exists(), "no shards")
        back = f"{name}-{dtype}-back"
        losses = train(loaded, back, 2, "--lr", 0, "--save-dtype", dtype)
        found, expected = tensors(back), tensors(loaded)
        check(set(found) == set(expected), f"{back}: other names")
        for tensor, value in expected.items():
            check(found[tensor].dtype == value.dtype == torch_dtype
                  and torch.equal(found[tensor], value), f"{back}: {tensor}")
        # GPT-2's names have no prefix, as on the Hub, and save_pretrained's have one.
        if not name.startswith("gpt2"):
            check(digest(f"{back}/model.safetensors") == digest(f"{loaded}/model.safetensors"),
                  f"{back}: other bytes")
        config = json.loads(pathlib.Path(back, "config.json").read_text())
        original = json.loads(pathlib.Path(loaded, "config.json").read_text())
        check(config == original, f"{back}: config.json is {config}, expected {original}")
        check(math.isclose(loss_of(back, 0), losses[0]["loss"], rel_tol=1e-5), f"{back}: loss")
        # Shards of ours and of theirs.
        train(shards, f"{back}-one", 1, "--lr", 0, "--save-dtype", dtype)
        check(digest(f"{back}-one/model.safetensors") == digest(f"{back}/model.safetensors"),
              f"{back}: by way of shards")
        train(loaded, f"{back}-many", 1, "--lr", 0, "--save-dtype", dtype, "--max-shard-size",
              "9KB")
        check(math.isclose(loss_of(f"{back}-many", 0), losses[0]["loss"], rel_tol=1e-5),
              f"{back}: shards load")
    # What is trained: the loss of the next step is that of the saved model.
    more = train(f"{name}-f32", f"{name}-more", STEPS + 1, "--lr", 3e-3, "--decay", STEPS)
    train(f"{name}-f32", f"{name}-trained", STEPS, "--lr", 3e-3, "--decay", STEPS)
    found, expected = loss_of(f"{name}-trained", STEPS), more[STEPS]["loss"]
    check(math.isclose(found, expected, rel_tol=1e-5),
          f"{name}: the saved model has loss {found}, the program {expected}")
    check(expected < more[0]["loss"], f"{name}: nothing is learned")
    print(f"{name}: comes back in {', '.join(TYPES)}; trained, {expected:.7f} and {found:.7f}",
          flush=True)


def main():
    torch.set_num_threads(1)
    names = sys.argv[2:] or sorted(folder.name for folder in INPUTS.iterdir())
    start()
    pathlib.Path("data").write_bytes(data())
    for name in names:
        check_model(name)
    shutil.rmtree(pathlib.Path.cwd())


main()
