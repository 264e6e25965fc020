#!/usr/bin/env python3
"""What a network between two replicas costs: two network namespaces as two hosts, each
with a replica, joined by a link of a latency and a bandwidth. Needs root.

  bench/two_hosts.py [--latency 0.001,0.004] [--bandwidth 1e9] [--pp 2]
                     [--schedules 1f1b,zb-h1] [--real]

The model (GPT-2 small by default) is trained by --pp x 2 processes, whose computations
sleep as long as they took on one rank (--emulate with a profile measured first), while
messages and collectives are real; --real computes as well, which more processes than
cores makes slow. For each schedule and link: the median step, how much of it rank time
stood for parameters or gradients of replicas and for nothing else (the mean over ranks
and the rank with the most), measured and predicted from the profile with that link.

`tc netem` makes the link where the kernel has it, else bench/link.cpp.
"""

import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys

import common

SPACES = ("pp-bench-a", "pp-bench-b")
ADDRESSES = ("10.87.0.1", "10.87.0.2")
DEVICE = "pplink"


def call(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def inside(space, *words, **more):
    return call("ip", "netns", "exec", space, *words, **more)


def as_host(space):
    """A command behind this runs with a network, a name and shared memory of its own."""
    return ["ip", "netns", "exec", space, "unshare", "--uts", "--mount", "sh", "-c",
            f'hostname {space}; mount -t tmpfs tmpfs /dev/shm; exec "$@"', "sh"]


class Hosts:
    """Two namespaces, joined while the object is open."""

    def __init__(self, work):
        self.work, self.link = work, None

    def __enter__(self):
        self.remove()
        for space in SPACES:
            call("ip", "netns", "add", space)
            inside(space, "ip", "link", "set", "lo", "up")
            for kind in ("rmem", "wmem"):
                inside(space, "sysctl", "-q", "-w",
                       f"net.ipv4.tcp_{kind}=4096 262144 33554432")
        self.agent = self.work / "enter_host"
        entries = "".join(
            f"  {address}) exec {shlex.join(as_host(space))} sh -c \"$*\";;\n"
            for space, address in zip(SPACES, ADDRESSES))
        self.agent.write_text(
            "#!/bin/sh\n# Runs a command on a host, as mpirun asks ssh to.\n"
            f'host=$1\nshift\ncase "$host" in\n{entries}esac\n')
        self.agent.chmod(0o755)
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        if self.link:
            self.link.kill()
            self.link.wait()
            self.link = None
        for space in SPACES:
            subprocess.run(["ip", "netns", "del", space], stderr=subprocess.DEVNULL)

    def has_netem(self):
        result = subprocess.run(["ip", "netns", "exec", SPACES[0], "tc", "qdisc", "add",
                                 "dev", "lo", "root", "netem", "delay", "1ms"],
                                stderr=subprocess.DEVNULL)
        if result.returncode == 0:
            inside(SPACES[0], "tc", "qdisc", "del", "dev", "lo", "root")
        return result.returncode == 0

    def join(self, latency, bandwidth):
        """A new link; returns what made it."""
        if self.link:
            self.link.kill()
            self.link.wait()
            self.link = None
        for space in SPACES:
            subprocess.run(["ip", "netns", "exec", space, "ip", "link", "del", DEVICE],
                           stderr=subprocess.DEVNULL)
        netem = self.has_netem()
        if netem:
            call("ip", "link", "add", DEVICE, "netns", SPACES[0], "type", "veth", "peer",
                 "name", DEVICE, "netns", SPACES[1])
        else:
            program = self.work / "link"
            call("c++", "-O2", "-std=c++17", "-pthread", common.SOURCE / "bench/link.cpp",
                 "-o", program)
            self.link = subprocess.Popen(
                [program, *SPACES, DEVICE, str(latency), str(bandwidth)], text=True,
                stdout=subprocess.PIPE)
            if self.link.stdout.readline() != "ready\n":
                sys.exit("bench/link.cpp did not make its devices")
        for space, own, other in zip(SPACES, ADDRESSES, reversed(ADDRESSES)):
            inside(space, "ip", "address", "add", own, "peer", other, "dev", DEVICE)
            inside(space, "ip", "link", "set", DEVICE, "mtu", "65520", "up")
            if netem:
                inside(space, "tc", "qdisc", "add", "dev", DEVICE, "root", "netem",
                       "delay", f"{latency}s", "rate", f"{int(bandwidth * 8)}bit",
                       "limit", "100000")
        return "netem" if netem else "link.cpp"

    def run(self, ranks, program, *options):
        """On both hosts, half of the ranks each; returns what it printed."""
        half = ranks // 2
        result = subprocess.run(
            [*as_host(SPACES[0]), "mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "plm_rsh_agent", str(self.agent), "--mca",
             "oob_tcp_if_include", DEVICE, "--mca", "btl_tcp_if_include", DEVICE,
             "--host", f"{ADDRESSES[0]}:{half},{ADDRESSES[1]}:{half}", "-n", str(ranks),
             str(program), *map(str, options)],
            env=dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                     OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"),
            text=True, capture_output=True)
        if result.returncode:
            sys.exit(f"{result.stdout}{result.stderr}")
        return result.stdout


def measure_profile(o, work):
    """Computations of one rank alone, with a link as fast as memory."""
    profile = work / "two-hosts-profile.json"
    program = work / "two-hosts-alone"
    common.compile_model(o, program, "--pp=1")
    call(program, "--data", o.data, "--steps", 3, "--quiet", "--profile-out", profile,
         stdout=subprocess.DEVNULL)
    return json.loads(profile.read_text())


def shares(printed, kind):
    """Percentages of the row of the bubble table that has that title."""
    heads = re.search(r"(?m)^.*parameters +gradients.*$", printed).group().split()
    row = re.search(rf"(?m)^  {kind}\b\D*?((?: +[\d.]+%)+)$", printed)
    values = [float(share) for share in re.findall(r"([\d.]+)%", row.group(1))]
    return dict(zip(heads[-len(values):], values))


def main():
    parser = common.options(__doc__)
    parser.add_argument("--latency", default="0.001,0.004", help="seconds, one way")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="bytes a second")
    parser.add_argument("--pp", type=int, default=2)
    parser.add_argument("--schedules", default="1f1b,zb-h1")
    parser.add_argument("--profile", help="instead of measuring one")
    parser.add_argument("--real", action="store_true")
    parser.set_defaults(model=None, steps=5)
    o = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    work = common.prepare(o)
    if not o.model:
        o.model = work / "two-hosts.mlir"
        o.model.write_text(subprocess.run(
            [sys.executable, common.SOURCE / "bench/make_model.py", "gpt", "--layers=12",
             "--width=768", "--heads=12", "--sequence=256", "--batch=1",
             "--vocabulary=50257"], check=True, capture_output=True, text=True).stdout)
    profile = json.loads(pathlib.Path(o.profile).read_text()) if o.profile else \
        measure_profile(o, work)
    with Hosts(work) as hosts:
        for schedule in o.schedules.split(","):
            for latency in map(float, o.latency.split(",")):
                profile["transfers"] = {"latency": latency, "bandwidth": o.bandwidth,
                                        "values": []}
                planned = work / "two-hosts-link.json"
                planned.write_text(json.dumps(profile))
                program = work / "two-hosts"
                # Replicas on different hosts, a pipeline on one.
                said = common.compile_model(
                    o, program, f"--pp={o.pp}", "--dp=2", f"--schedule={schedule}",
                    "--mesh-order=data,pipe,tensor", "--profile", planned)
                made = hosts.join(latency, o.bandwidth)
                metrics = work / "two-hosts.jsonl"
                printed = hosts.run(
                    2 * o.pp, program, "--data", o.data, "--steps", o.steps, "--metrics",
                    metrics, "--timeline", work / "two-hosts.svg",
                    *([] if o.real else ["--emulate"]))
                step = statistics.median(common.step_seconds(metrics))
                print(f"{schedule}, {latency * 1e3:g} ms, {o.bandwidth / 1e9:g} GB/s "
                      f"({made}): step {step:.3f} s")
                print("\n".join(line for line in said.splitlines() if "replicas" in line))
                print(printed)


if __name__ == "__main__":
    main()
