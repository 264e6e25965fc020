#!/usr/bin/env python3
"""bench/gpu_check, gpu_speed, gpu_pack and gpu_run: packs that are made, run on the
emulated device and on libraries that stand in for CUDA's, and found out when something
is wrong."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from harness import BUILD, SOURCE, WORK, check, exporting_linker, execute, must, start

LIBRARIES = BUILD / "test/Runtime/fake-gpu"


def fake_cuda(**more):
    paths = [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH", "")]
    return dict(LD_LIBRARY_PATH=":".join(path for path in paths if path),
                FAKE_NCCL_DIR=str(WORK), **more)


def rows_of(text):
    """Cells of the lines of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines][1:]


def run_check(*options, pack="check", **environment):
    return execute([pathlib.Path(pack).resolve() / "gpu_check", "run", pack, "--seed", 5, *options],
                   **environment)


def ends(result, status, *parts):
    text = result.stdout + result.stderr
    check(result.returncode == status,
          f"{result.args}: found status {result.returncode}, expected {status}:\n{text}")
    for part in parts:
        check(part in text, f"{result.args}: no '{part}' in\n{text}")


def check_tables():
    result = run_check("--device=emulated")
    ends(result, 0, "## Checks on a GPU", "emulated on the host", "seed 5")
    rows = rows_of(result.stdout)
    cases = {row[1]: row for row in rows}
    for op in ("layer_norm_grad_input", "attention_grad", "weights", "cross_entropy_grad"):
        for element in ("f32", "bf16"):
            check(cases[f"{element} {op}"][-1] == "pass", f"no {element} {op} in {cases}")
    check("pass" == cases["gpt f32, 2 ranks, zb-h1"][-1], "no ranks that agree")
    check("not run: the device is emulated" == cases["check-f32, memcheck"][-1],
          "a sanitizer without a GPU")
    # The same by the runtime's CUDA code, with graphs and without.
    result = run_check("--sanitizer=none-such", **fake_cuda())
    ends(result, 0, "Fake GPU", "no none-such on this machine")
    cases = {row[1]: row for row in rows_of(result.stdout)}
    check(cases["gpt f32, 1 rank, 1f1b, no graph"][-1] == "pass", "no steps without graphs")
    return len(rows)


def check_wrong_results(rows):
    """What is wrong is found, and nothing else is left out."""
    result = run_check("--device=emulated", "--tolerance", "f32=0", "--loss-tolerance", "f32=0")
    ends(result, 1, "FAIL: gelu_3_5")
    found = rows_of(result.stdout)
    check(len(found) == rows, f"found {len(found)} rows, expected {rows}")
    result_of = {row[1]: row[-1] for row in found}
    check(result_of["f32 transpose"] == "pass", "a copy is not exact")
    check(result_of["bf16 gelu"] == "pass", "the tolerance of f32 for bf16")
    check(result_of["gpt f32, 1 rank, 1f1b, against the CPU"] == "FAIL", "no difference of sums")
    # A device that is lost: the function is named, those after it run again.
    result = run_check(**fake_cuda(FAKE_CUDA_FAIL="cuLaunchKernel@40"))
    ends(result, 1, "CUDA_ERROR_LAUNCH_FAILED")
    names = [row[1] for row in rows_of(result.stdout)]
    check("bf16 block" in names and "f32 block" in names, f"the last functions are not in {names}")
    result = run_check("--device=emulated", "--limit", "0.001")
    ends(result, 1, "still running after 0.001 s")


def check_seeds():
    """Whole numbers of 64 bits, to the last digit."""
    program = pathlib.Path("check/bin/check-f32").resolve()

    def run(*options):
        return execute([program, "--device", "emulated", *options])

    for option in ("--seed", "--start"):
        for text in ("1.5", "-1", "1e3", "18446744073709551616"):
            ends(run(option, text), 2, f"found {option} {text}, expected a whole number from 0 to "
                 "18446744073709551615")
    none = run("--start", 2**64 - 1)
    ends(none, 2, f"found --start {2**64 - 1}, expected less than the")
    last = json.loads(none.stdout.splitlines()[0])["functions"] - 1
    # Two that f64 does not tell apart.
    found = [run("--start", last, "--seed", seed).stdout for seed in (2**53, 2**53 + 1)]
    check(found[0] != found[1], f"the same for other seeds: {found[0]}")


def check_broken_packs():
    ends(run_check("--tolerance", "f16=1"), 2, "found 'f16=1' in --tolerance", "write it as")
    here = [sys.executable, SOURCE / "bench/gpu_check", "run"]
    ends(execute([*here, "nowhere"]), 2, "found no pack in 'nowhere'", "bench/gpu_check pack")
    ends(execute([sys.executable, SOURCE / "bench/gpu_speed", "run", "check"]), 2,
         "found a pack of gpu_check", "expected one of gpu_speed")
    ends(execute([sys.executable, SOURCE / "bench/gpu_check", "pack", "check"]), 2,
         "found a pack in 'check'", "--force")
    ends(execute([sys.executable, SOURCE / "bench/gpu_check", "pack", "."]), 2,
         "that are no pack")
    ends(execute([sys.executable, SOURCE / "bench/gpu_check", "pack", "new", "--build=check"]), 2,
         "check/bin/pp-compile', expected the project's tools", "scripts/build")
    ends(execute([sys.executable, SOURCE / "bench/gpu_check", "pack", "new", "--elements=f16",
                  "--build", BUILD]), 2, "found the type 'f16'", "change the list")
    shutil.copytree("check", "broken", symlinks=True)
    program = pathlib.Path("broken/bin/check-f32")
    whole = program.read_bytes()
    program.write_bytes(whole[:-1])
    ends(run_check(pack="broken"), 2, f"found {len(whole) - 1} bytes in", "the pack was cut short")
    program.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    ends(run_check(pack="broken"), 2, "found other bytes in")
    program.unlink()
    ends(run_check(pack="broken"), 2, "found no '", "copy it whole")
    manifest = pathlib.Path("broken/manifest.json")
    text = manifest.read_text()
    manifest.write_text(text[:1000])
    ends(run_check(pack="broken"), 2, "found a broken '")
    manifest.write_text(json.dumps(dict(json.loads(text), format=9)))
    ends(run_check(pack="broken"), 2, "found a pack of format 9", "expected format 1")


def check_speed(linker):
    bench = [sys.executable, SOURCE / "bench/gpu_speed"]
    ends(execute([*bench, "pack", "speed", "--models=gpt5", "--build", BUILD]), 2,
         "found the model 'gpt5'", "gpt2-124m, llama-1.3b")
    ends(execute([*bench, "pack", "speed", "--sequences=0", "--build", BUILD]), 2,
         "found '0' in --sequences")
    must(execute([*bench, "pack", "speed", "--models=tiny", "--sequences=16", "--emulate-device",
                  "--build", BUILD, f"--linker={linker}"]))
    speed = [WORK / "speed/gpu_speed", "run", "speed", "--repeat=2", "--peak=1", "--json=speed.json"]
    ends(execute([*speed, "--steps=3"]), 2, "found --steps 3", "the 3 of the warm-up")
    for options, environment in ((["--device=emulated"], {}), ([], fake_cuda())):
        # A Python without PyTorch, whatever this machine has.
        without = pathlib.Path("without").resolve()
        without.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
        without.chmod(0o755)
        result = execute([*speed, "--steps=5", f"--torch-python={without}", *options],
                         **environment)
        ends(result, 0, "## Speed on a GPU", "### Kernels of tiny-16", "adamw_",
             "product ", "of copies", "not run: ")
        rows = rows_of(result.stdout)
        check(rows[0][:2] == ["tiny-16", "cuDNN" if environment else
                              "generated kernels: the device is emulated"], f"found {rows[0]}")
        check(float(rows[0][2]) < 2e-2 if environment else rows[0][2] == "not compared",
              f"found {rows[0]}")
        row = next(row for row in rows if len(row) == 8 and row[0] == "tiny-16")
        check(float(row[4].split()[0]) >= 0, f"found {row}")
        check("MiB" in row[6], f"no memory in {row}")
        goals = {cells[1]: cells for cells in rows_of(result.stdout) if cells[0] == "tiny-16"
                 and len(cells) == 4}
        check(goals["tokens/s at least 1.1 times PyTorch's"][-1] == "not measured", f"{goals}")
        check(any(row[-1] in ("met", "missed") for row in goals.values()), f"{goals}")
    figures = json.loads(pathlib.Path("speed.json").read_text())
    check(figures["results"][0]["theirs"] is None and figures["results"][0]["ours"] > 0,
          f"{figures}")
    ends(execute([*speed, "--json=nowhere/x.json"]), 2, "found no folder for --json")


def check_goals():
    """Made-up figures: each goal is met, missed and not measured."""
    sys.path.insert(0, str(SOURCE / "bench"))
    import gpu_goals

    def kernel(name, seconds, bytes_, operations=0):
        return {"name": name, "calls": 1, "seconds": seconds, "bytes": bytes_,
                "operations": operations}

    def verdicts(**figures):
        result = {"name": "x", "model": "llama-1.3b"} | figures
        return [row[2] for row in gpu_goals.goals_of(result)]

    good = {"ours": 111, "theirs": 100, "share": 0.5, "bytes": 5, "their_bytes": 5, "copy": 100e6,
            "between": 0.019, "step_seconds": 10,
            "kernels": [kernel("norm", 1, 80e6), kernel("product", 1, 1, 9), kernel("bias", 1, 15e6),
                        kernel("short", 0.09, 0)]}
    check(verdicts(**good) == ["met"] * 5, verdicts(**good))
    bad = {"ours": 109, "theirs": 100, "share": 0.49, "bytes": 6, "their_bytes": 5, "copy": 100e6,
           "between": 0.02, "kernels": [kernel("norm", 1, 79e6), kernel("add", 1, 0)]}
    check(verdicts(**bad) == ["missed"] * 5, verdicts(**bad))
    row = gpu_goals.bandwidth_of(bad)
    check(row[1] == "0 of 1; norm 79%; bytes of 1 not known", row)
    none = dict.fromkeys(good)
    check(verdicts(**none) == ["not measured"] * 5, verdicts(**none))
    check(verdicts(**(none | {"kernels": [], "copy": 1})) == ["not measured"] * 5, "no kernels")
    # Half the chip is asked of the large model alone.
    check(len(verdicts(model="gpt2-124m")) == 4, "another model")


def check_ended(command, *parts):
    """What is ended keeps what it has measured."""
    report, figures = pathlib.Path("ended.md"), pathlib.Path("ended.json")
    for number in (signal.SIGTERM, signal.SIGKILL):
        report.unlink(missing_ok=True)
        with open("ended.txt", "w") as printed:
            process = subprocess.Popen(
                [*map(str, command), f"--report={report}", f"--json={figures}"], stdout=printed,
                stderr=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=str(WORK)))
        begin = time.monotonic()
        while not report.exists() and process.poll() is None and time.monotonic() < begin + 60:
            time.sleep(0.01)
        process.send_signal(number)
        status = process.wait()
        check(status == {signal.SIGTERM: 143, signal.SIGKILL: -9}[number],
              f"{command}: found status {status} after {number}")
        text = report.read_text()
        for part in (*parts, "The run is not finished."):
            check(part in text, f"{command}: no '{part}' after {number} in\n{text}")
        check(json.loads(figures.read_text())["finished"] is False, "found a finished run")
        # A script that is told to end prints the same.
        if number == signal.SIGTERM:
            check(pathlib.Path("ended.txt").read_text() == text, f"printed and kept differ: {text}")


def check_archive(linker):
    """What goes to a machine with a GPU, and what it says there."""
    pack = [sys.executable, SOURCE / "bench/gpu_pack", "archive", "--small", "--emulate-device",
            "--build", BUILD, f"--linker={linker}"]
    must(execute(pack))
    result = execute([sys.executable, "archive/gpu_run", "first", "--output=out", "--device=emulated"])
    ends(result, 0, "# On a GPU: first", "generated kernels: the device is emulated",
         "| check | passed", "| train | passed", "## Speed on a GPU")
    result = execute([sys.executable, "archive/gpu_run", "second", "--output=out",
                      "--torch-python=/bin/false"], **fake_cuda())
    ends(result, 0, "| speed4096 | passed", "| plain1024 | passed", "status 1")
    summary = json.loads(pathlib.Path("out/summary.json").read_text())
    check(summary["attention"] == {"speed4096: tiny-32": "cuDNN", "plain1024: tiny-16": "cuDNN"},
          f"{summary}")
    check(len(json.loads(pathlib.Path("out/check.json").read_text())["rows"]) > 50, "no rows")
    # A device that is lost: all phases run, and say so.
    result = execute([sys.executable, "archive/gpu_run", "first", "--output=out"],
                     **fake_cuda(FAKE_CUDA_FAIL="cuLaunchKernel@3"))
    ends(result, 1, "| check | FAILED", "| train | FAILED", "CUDA_ERROR_LAUNCH_FAILED")
    pathlib.Path("archive/other").write_text("")
    ends(execute(pack), 2, "found 'other' in 'archive'", "name another folder")
    ends(execute([sys.executable, "archive/gpu_run", "first", "--output=archive/gpu_run"]), 2,
         "for --output, expected a folder")
    ends(run_check("--limit=nan"), 2, "invalid seconds value")
    ends(run_check("--seed=-1"), 2, "invalid seed value")
    archive = pathlib.Path("archive/programs.tar.xz")
    whole = archive.read_bytes()
    archive.write_bytes(whole[:5000] + bytes(50) + whole[5050:])
    ends(execute([sys.executable, "archive/gpu_run", "first"]), 2, "found a broken")
    archive.write_bytes(whole[:-100])
    ends(execute([sys.executable, "archive/gpu_run", "first"]), 2, "found a broken")
    archive.unlink()
    ends(execute([sys.executable, "archive/gpu_run", "first"]), 2, "found no '", "bench/gpu_pack")


def main():
    start()
    linker = exporting_linker()
    must(execute([sys.executable, SOURCE / "bench/gpu_check", "pack", "check", "--small",
                  "--emulate-device", "--build", BUILD, f"--linker={linker}"]))
    check_wrong_results(check_tables())
    check_seeds()
    check_broken_packs()
    check_ended([WORK / "check/gpu_check", "run", "check", "--device=emulated"], "| kernels ",
                " rows: ")
    check_goals()
    check_speed(linker)
    check_ended([WORK / "speed/gpu_speed", "run", "speed", "--device=emulated", "--peak=1"],
                "| tiny-16 ", "### Goals")
    check_archive(linker)


if __name__ == "__main__":
    main()
