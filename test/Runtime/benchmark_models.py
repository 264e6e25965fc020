"""The models of bench/gpu_speed and bench/gpu_check with one layer and a small
vocabulary: their attention is that of the whole models.

  benchmark_models.py FOLDER
"""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.dont_write_bytecode = True


def load(name):
    path = os.path.join(BENCH, name)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
speed = load("gpu_speed")
for (name, sequence), batch in speed.BATCHES.items():
    shape = {**speed.SHAPES[name], "layers": 1, "vocabulary": 256}
    options = [f"--{key.replace('_', '-')}={value}" for key, value in shape.items() if key != "family"]
    model = subprocess.run(
        [sys.executable, os.path.join(BENCH, "make_model.py"), shape["family"], *options,
         f"--sequence={sequence}", f"--batch={batch}"], check=True, capture_output=True, text=True)
    with open(os.path.join(folder, f"{name}-{sequence}.mlir"), "w") as file:
        file.write(model.stdout)
