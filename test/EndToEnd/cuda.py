#!/usr/bin/env python3
"""Compiled programs for GPUs by the runtime's CUDA code, on libraries that stand in
for NVIDIA's (test/Runtime/FakeGPU): streams, graphs, products by cuBLASLt with their
epilogues, attention of bf16 by cuDNN, and transfers by NCCL. They train as on the
emulated device."""

import os
import pathlib
import re

import tensor
from harness import (
    BUILD, SOURCE, WORK, check, compile_model, digest, exporting_linker, make_model, must,
    read_metrics, run, start, write_text,
)

STEPS = 4
LIBRARIES = BUILD / "test/Runtime/fake-gpu"
# BIAS, GELU_AUX, GELU_AUX_BIAS, DGELU, BGRADA and BGRADB of cublasLtEpilogue_t.
EPILOGUES = "4,160,164,192,256,512"


def train(program, ranks, label, *options, device="cuda", notes=None, **variables):
    """Losses and norms of each step, and the digest of the weights. What is said on the
    side goes to `notes`."""
    paths = [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH", "")]
    messages = WORK / f"messages-{label}"
    messages.mkdir()
    result = run(program, ranks, "--device", device, "--data", "text", "--steps", STEPS,
                 "--lr", "0.01", "--seed", 7, "--metrics", f"{label}.jsonl", "--save", label,
                 "--quiet", *options, LD_LIBRARY_PATH=":".join(path for path in paths if path),
                 FAKE_NCCL_DIR=str(messages), **variables)
    must(result)
    if notes is not None:
        notes.append(result.stderr)
    steps = [(step["loss"], step["grad_norm"]) for step in read_metrics(f"{label}.jsonl")]
    return steps, digest(f"{label}/model.safetensors")


def follows(name, found, expected, tolerance):
    for step, (a, b) in enumerate(zip(expected[0], found[0])):
        for what, x, y in zip(("loss", "gradient norm"), a, b):
            check(abs(x - y) <= tolerance * abs(x),
                  f"{name}: step {step} has the {what} {y}, {x} on the emulated device")


def calls_of(log):
    with open(log) as file:
        return file.read().splitlines()


def check_attention(log, layers, microbatches):
    """A forward and a backward of each layer in the step that runs and in the one that is
    recorded, by two plans in all, which are made before the recording."""
    calls = calls_of(log)
    found = calls.count("cudnnBackendExecute")
    check(found == 2 * 2 * layers * microbatches, f"found {found} calls of attention")
    begin, end = calls.index("cuStreamBeginCapture"), calls.index("cuStreamEndCapture")
    check("cudnnBackendExecute" in calls[begin:end], "attention is not in the graph")
    check("cudnnBackendGetAttribute" not in calls[begin:end], "a plan of attention in a graph")


def fails(program, ranks, variables, options, parts):
    """A run ends with an error that has all `parts`."""
    libraries = [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH", "")]
    result = run(program, ranks, "--device", "cuda", "--data", "text", "--steps", STEPS, "--quiet",
                 *options, LD_LIBRARY_PATH=":".join(path for path in libraries if path),
                 FAKE_NCCL_DIR=str(WORK), **variables)
    check(result.returncode != 0, "the run ends well")
    for part in parts:
        check(part in result.stderr, f"'{part}' is not in {result.stderr}")


def attention(model, linker):
    """By cuDNN, by generated kernels, and by one in the forward and the other in the
    backward: close to each other, and the same bits on any number of ranks."""
    def compiled(ranks, name="attention", *options):
        return compile_model(model, f"{name}-{ranks}.exe", f"--pp={ranks}", "--microbatches=4",
                             "--target=cuda", "--emulate-device", f"--linker={linker}",
                             "--precision=bf16", *options)

    one, two = compiled(1), compiled(2)
    log = WORK / "attention.calls"
    found = train(one, 1, "cudnn", "--attention=cudnn", FAKE_CUDA_LOG=str(log))
    check_attention(log, 4, 4)
    log = WORK / "attention-generated.calls"
    generated = train(one, 1, "generated", "--attention=generated", FAKE_CUDA_LOG=str(log))
    check("cudnnBackendExecute" not in calls_of(log), "attention by cuDNN")
    follows("generated", generated, found, 5e-3)
    check(generated != found, "generated kernels and the stand-in round alike")
    # With sums of dq in memory, and only where the program was compiled for it. The
    # stand-in rounds alike in both forms; generated kernels have one order always.
    check("engine: 1 with sums of dq" not in calls_of(WORK / "attention.calls"), "sums of dq")
    any_order = compiled(1, "any-order", "--deterministic=attention-off")
    log = WORK / "attention-any-order.calls"
    found_any = train(any_order, 1, "any-order", "--attention=cudnn", FAKE_CUDA_LOG=str(log))
    check_attention(log, 4, 4)
    check(calls_of(log).count("engine: 1 with sums of dq") == 2 * 4 * 4, "no sums of dq")
    follows("any order", found_any, found, 5e-3)
    again = train(any_order, 1, "any-order-generated", "--attention=generated")
    check(again == generated, "generated kernels in another order")
    # Before 9.15.1 the backward of 8 keys is not left to cuDNN.
    log = WORK / "attention-mixed.calls"
    mixed = train(one, 1, "mixed", FAKE_CUDNN="version=91500", FAKE_CUDA_LOG=str(log))
    count = calls_of(log).count("cudnnBackendExecute")
    check(count == 2 * 4 * 4, f"found {count} calls of attention")
    follows("mixed", mixed, found, 5e-3)
    for label, expected, options, variables in (
            ("cudnn", found, ["--attention=cudnn"], {}),
            ("generated", generated, ["--attention=generated"], {}),
            ("none", generated, [], {"FAKE_CUDNN": "none"}),
            ("mixed", mixed, [], {"FAKE_CUDNN": "version=91500"})):
        again = train(two, 2, f"{label}-2", *options, **variables)
        check(again == expected, f"{label}-2: found {again[0]}, expected {expected[0]}")
    # One rank without a cuDNN that works: none uses it. Another version: said.
    for label, expected, fake, parts in (
            ("broken", generated, "broken,rank=1",
             ["note: rank 1 (", " from cudnnCreate",
              "; attention runs by generated kernels on all ranks"]),
            ("older", found, "version=91600,rank=1",
             ["note: found cuDNN 9.19.0 on rank 0 (", ") and cuDNN 9.16.0 on rank 1 (",
              "run with --attention=generated"])):
        notes = []
        again = train(two, 2, f"{label}-2", notes=notes, FAKE_CUDNN=fake)
        check(again == expected, f"{label}-2: found {again[0]}, expected {expected[0]}")
        for part in parts:
            check(part in notes[0], f"'{part}' is not in {notes[0]}")
    # What only one rank finds is said by rank 0.
    notes = []
    train(two, 2, "refused-2", notes=notes, FAKE_CUDNN="none,rank=1")
    check("note: rank 1: found no plan of cuDNN for the forward" in notes[0], notes[0])
    fails(two, 2, {"FAKE_CUDNN": "broken,rank=1"}, ["--attention=cudnn"],
          [" from cudnnCreate", "run with --attention=generated"])
    fails(two, 2, {"FAKE_CUDA_FAIL": "cudnnBackendExecute@3"}, [],
          ["found CUDNN_STATUS_EXECUTION_FAILED from cudnnBackendExecute", "rank ",
           "in step 0 of F '", "stage ", "micro-batch "])
    fails(two, 2, {"FAKE_CUDNN": "none"}, ["--attention=cudnn"],
          ["found no plan of cuDNN for the forward of attention of 2 x 2 heads", "in step 0 of F '"])


def documents(model, linker):
    """Attention within documents: by generated kernels, in graphs as well; not by cuDNN."""
    ids = "dense<[[0, 0, 0, 1, 1, 1, 1, 2], [0, 0, 0, 0, 0, 1, 0, 1]]> : tensor<2x8xi32>"
    text, count = re.subn(
        r"( *)(%\w+, %\w+ = nn.attention %\w+, %\w+, %\w+)( .*)\)( -> \(.*)",
        rf"\1%ids = arith.constant {ids}\n\1\2 documents(%ids)\3, tensor<2x8xi32>)\4",
        pathlib.Path(model).read_text())
    check(count == 1, f"found {count} attentions in the text")
    path = pathlib.Path("documents.mlir")
    path.write_text(text)
    program = compile_model(path, "documents.exe", "--microbatches=4", "--target=cuda",
                            "--emulate-device", f"--linker={linker}", "--precision=bf16")
    log = WORK / "documents.calls"
    found = train(program, 1, "documents", FAKE_CUDA_LOG=str(log))
    check("cudnnCreate" not in calls_of(log), "cuDNN is opened")
    emulated = train(program, 1, "documents-emulated", device="emulated")
    follows("documents", found, emulated, 5e-3)
    fails(program, 1, {}, ["--attention=cudnn"],
          ["found attention within documents and --attention=cudnn", "run with --attention=auto",
           "in step 0 of F '"])


def check_calls(log, products, plans):
    """Each form of a product is planned once, and none is refused."""
    calls = calls_of(log)
    refused = [call for call in calls if call.startswith("refused")]
    check(not refused, f"found {refused}")
    check(calls.count("cuGraphInstantiate") == 1, "no graph")
    # A step runs, is recorded, and then done again without calls.
    check(calls.count("cublasLtMatmul") == 2 * products,
          f"found {calls.count('cublasLtMatmul')} products, expected {2 * products}")
    begin, end = calls.index("cuStreamBeginCapture"), calls.index("cuStreamEndCapture")
    check("cublasLtMatmulAlgoGetHeuristic" not in calls[begin:end], "a plan in a graph")
    found = calls.count("cublasLtMatmulAlgoGetHeuristic")
    check(found == plans, f"found {found} plans, expected {plans}")


def trains(name, model, linker, tolerance, products, plans, fused, *options):
    """`products` of a micro-batch have as many `plans`, `fused` of them with an epilogue."""
    def compiled(ranks):
        return compile_model(model, f"{name}-{ranks}.exe", f"--pp={ranks}", "--microbatches=4",
                             "--target=cuda", "--emulate-device", f"--linker={linker}", *options)

    one, two = compiled(1), compiled(2)
    emulated = train(one, 1, f"{name}-emulated", device="emulated")
    log = WORK / f"{name}.calls"
    found = train(one, 1, f"{name}-1", FAKE_CUDA_LOG=str(log))
    print(f"{name}: emulated {emulated[0]}, by CUDA {found[0]}", flush=True)
    follows(name, found, emulated, tolerance)
    check_calls(log, 4 * products, plans)
    for label, program, ranks, more in (("no-graph", one, 1, ["--no-graph"]),
                                        ("2", two, 2, []), ("2-mpi", two, 2, ["--transport=mpi"])):
        again = train(program, ranks, f"{name}-{label}", *more)
        check(again == found, f"{name}-{label}: found {again[0]}, expected {found[0]}")
    # Where the library has no plan with an epilogue, kernels do it.
    log = WORK / f"{name}-apart.calls"
    apart = train(one, 1, f"{name}-apart", FAKE_LT_REFUSE=EPILOGUES, FAKE_CUDA_LOG=str(log))
    check_calls(log, 4 * products, plans + fused)
    follows(f"{name}-apart", apart, emulated, tolerance)
    again = train(two, 2, f"{name}-apart-2", FAKE_LT_REFUSE=EPILOGUES)
    check(again == apart, f"{name}-apart-2: found {again[0]}, expected {apart[0]}")


def replicas(model, linker):
    """Collectives over the axis of replicas, by NCCL with graphs and without, and by way
    of the host: the bits of one replica with as many groups."""
    found = None
    for number, (pipe, data, *more) in enumerate((
            (1, 1), (1, 2), (2, 2), (2, 2, "--no-graph"), (1, 2, "--transport=mpi"))):
        label = f"replicas-{number}"
        program = compile_model(model, f"{label}.exe", f"--pp={pipe}", f"--dp={data}",
                                f"--microbatches={4 // data}", "--reduction-groups=4",
                                "--target=cuda", "--emulate-device", f"--linker={linker}")
        again = train(program, pipe * data, label, *more)
        found = found or again
        check(again == found, f"{label} {more}: found {again[0]}, expected {found[0]}")
    # The stand-in's own order is another one, with and without graphs.
    log = WORK / "replicas-nccl.calls"
    notes = []
    program = compile_model(model, "replicas-nccl.exe", "--pp=1", "--dp=4",
                            "--microbatches=1", "--target=cuda", "--emulate-device",
                            f"--linker={linker}")
    own = train(program, 4, "replicas-nccl", "--collectives=nccl", notes=notes,
                FAKE_CUDA_LOG=str(log))
    follows("replicas-nccl", own, found, 1e-4)
    check(own != found, "NCCL's order of sums is that of the tree")
    check(calls_of(log).count("ncclReduceScatter") > 0, "no reduction by NCCL")
    again = train(program, 4, "replicas-nccl-2", "--collectives=nccl", "--no-graph")
    check(again == own, f"found {again[0]} without graphs, expected {own[0]}")
    fails(program, 4, {}, ["--collectives=nccl", "--transport=mpi"],
          ["found --collectives nccl", "expected tree where NCCL is not the transport"])


def tensors(linker):
    """Collectives of layers, by NCCL with graphs and without, and by way of the host."""
    path = WORK / "tensors.mlir"
    path.write_text(tensor.model(2, sequence=True))
    found = None
    for number, (pipe, data, *more) in enumerate((
            (1, 1), (1, 2), (2, 1, "--no-graph"), (1, 1, "--transport=mpi"))):
        label = f"tensors-{number}"
        program = compile_model(path, f"{label}.exe", f"--pp={pipe}", f"--dp={data}",
                                f"--microbatches={2 // data}", "--reduction-groups=2",
                                "--target=cuda", "--emulate-device", f"--linker={linker}")
        again = train(program, 2 * pipe * data, label, *more)
        found = found or again
        check(again == found, f"{label} {more}: found {again[0]}, expected {found[0]}")


def main():
    start()
    write_text("text")
    linker = exporting_linker()
    gpt = make_model("gpt.mlir", "gpt", "--layers=4", "--width=16", "--heads=2",
                     "--sequence=8", "--batch=2")
    # 12 products of each of the 4 layers and 3 of the head. Those of a layer have an
    # epilogue, but for 3 input gradients without activation.
    trains("gpt", gpt, linker, 1e-5, 4 * 12 + 3, 12 + 3, 9)
    attention(gpt, linker)
    documents(gpt, linker)
    replicas(gpt, linker)
    tensors(linker)
    trains("gpt-bf16", gpt, linker, 5e-3, 4 * 12 + 3, 12 + 3, 9, "--precision=bf16")
    # 6 products of each of the 5 layers and 3 of the head, 29 different ones.
    activations = SOURCE / "test/EndToEnd/Inputs/activations.mlir"
    trains("activations", activations, linker, 1e-5, 5 * 6 + 3, 29, 16)
    # 5 products of each of the 2 layers, two of them with the constant, and 3 of the head:
    # 7 different ones.
    constants = SOURCE / "test/EndToEnd/Inputs/constants.mlir"
    trains("constants", constants, linker, 1e-5, 2 * 5 + 3, 7, 0)


if __name__ == "__main__":
    main()
