"""One case: a model, the step that it trains on, and settings under which programs of
it must compute the same; how they are compiled, run and compared."""

import copy
import hashlib
import json
import math
import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import time

import generate

# With a large rate the weights after a step show the gradient to all its bits.
RATE = 64
DOCUMENT_END = 1  # the token, in models that have documents
# Distance allowed from the interpreter, in multiples of what rounding errors of the
# interpreter's runs with noise change.
MARGIN = 16
# The same for bf16, whose errors are of one size throughout, and are given to all
# results of ops.
BF16_MARGIN, BF16_NOISE = 16, 2.0 ** -9
# A gradient that rounding changes by more than this part of it says nothing.
NOISY = 0.1
TIMEOUT = 150

# Errors of pp-compile that are right, by a part of their text.
REFUSALS = [
    # Functions of f64 have no polynomials on devices.
    r"on 'f64' in a kernel for a GPU, which has no code for it; expected f32",
    # A parameter that no loss depends on.
    r"found no program that updates it, expected one; a parameter must take part in the loss",
    # No dimension of a layer is a multiple of --tp.
    r"found nothing that \d+ coordinates on axis \"tensor\" could share",
]


class Failure(Exception):
    """`kind` stays the same while a case is made smaller."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


class OutOfTime(Exception):
    """The time of all cases has ended, which is no failure."""


class Setting:
    """How a program is compiled and run: everything that must not change its results."""

    def __init__(self, ranks=1, schedule="gpipe"):
        self.ranks, self.schedule = ranks, schedule  # ranks of a replica
        self.replicas, self.zero = 1, 1
        self.tensors, self.sequence = 1, None
        self.sharing = 1  # ranks that are one process, a divisor of tensors
        self.split = self.unroll = False
        self.virtual = self.recompute = self.semantics = None
        self.stages = ()  # pins
        self.is_from_file = False  # the schedule, as pp-plan writes it
        self.threads = 1
        self.restarts = False  # from its weights, after the first step
        self.resumes = 0  # after so many steps of another program, from its checkpoint

    def schedule_options(self):
        words = [f"--schedule={self.schedule}"]
        if self.split:
            words.append("--split-backward")
        if self.virtual:
            words.append(f"--virtual={self.virtual}")
        return words

    def options(self, label="setting"):
        words = [f"--pp={self.ranks}"]
        words += ([f"--schedule={label}.csv"] if self.is_from_file
                  else self.schedule_options())
        if self.recompute:
            words.append(f"--recompute={self.recompute}")
        if self.unroll:
            words.append("--unroll")
        if self.semantics:
            words.append(f"--semantics={self.semantics}")
        if self.replicas > 1:
            words.append(f"--dp={self.replicas}")
        if self.zero == 0:
            words.append("--zero=0")
        if self.tensors > 1:
            words.append(f"--tp={self.tensors // self.sharing}")
            if self.sharing > 1:
                words.append(f"--tensor-groups={self.tensors}")
            if self.sequence:
                words.append(f"--sequence-parallel={self.sequence}")
        return words

    def cut(self):
        """What the bits of layers depend on."""
        return self.tensors, self.sequence if self.tensors > 1 else None

    def processes(self):
        return self.ranks * self.replicas * self.tensors // self.sharing

    def describe(self):
        """All of it but the pins."""
        words = self.options()
        if self.is_from_file:
            words += ["of"] + self.schedule_options()
        if self.threads > 1:
            words.append(f"--threads {self.threads}")
        if self.restarts:
            words.append("--load")
        if self.resumes:
            words.append(f"--resume after {self.resumes} steps")
        return " ".join(words)


class Case:
    def __init__(self, seed):
        self.seed = seed
        self.model = None
        self.microbatches, self.run_seed = 1, seed % 1000  # of all replicas
        self.groups = 1  # of micro-batches whose sums are added in a tree
        self.is_bf16 = self.is_device = False
        # Whether settings may restart: every step then has the same data and rate, and
        # the optimizer no state.
        self.may_restart = False
        self.optimizer = []
        self.steps = 3
        self.settings = []

    def compile_options(self, replicas=1):
        words = [f"--microbatches={self.microbatches // replicas}", "-q"]
        if self.groups > 1:
            words.append(f"--reduction-groups={self.groups}")
        if self.is_bf16:
            words.append("--precision=bf16")
        if self.is_device:
            words += ["--target=cuda", "--emulate-device"]
        return words

    def describe(self):
        kind = ("device" if self.is_device else "cpu") + (" bf16" if self.is_bf16 else "")
        return (f"{len(self.model.applies)} applies, {len(self.model.params)} parameters, "
                f"{self.microbatches} micro-batches"
                + (f" in {self.groups} groups" if self.groups > 1 else "") + f", {kind}")


def draw_case(seed, tools, sizes=None, dims=None):
    """The case of a seed."""
    rng = random.Random(seed)
    case = Case(seed)
    case.is_device = rng.random() < 0.15
    case.is_bf16 = rng.random() < 0.12
    case.model = generate.draw_model(random.Random(rng.random()), sizes, dims)
    case.microbatches = rng.choice([1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 16, 20, 23, 27, 40])
    if case.is_device:
        # An emulated device is slow.
        case.microbatches = min(case.microbatches, 10)
    if rng.random() < 0.5:
        case.optimizer = ["--optimizer", "sgd", "--lr", "0.125", "--clip", "0",
                          "--weight-decay", "0"]
    else:
        case.optimizer = ["--optimizer", "adamw", "--lr", "0.01", "--clip", "1"]
    for _ in range(2 if case.is_device else rng.choice([2, 3, 4])):
        case.settings.append(draw_setting(rng, case, tools))
    draw_runs(random.Random(f"runs of {seed}"), case)
    draw_replicas(random.Random(f"replicas of {seed}"), case, tools)
    draw_tensors(random.Random(f"tensors of {seed}"), case)
    return case


def draw_tensors(rng, case):
    """In half of the cases, coordinates over which layers of some settings are cut: the
    same in all of these, whose bits have to be the same."""
    tensors = rng.choice([1, 1, 1, 2, 3, 4])
    sequence = rng.choice([None, None, "on", "off"])
    for setting in case.settings:
        if setting.processes() * tensors <= 8 and rng.random() < 0.75:
            setting.tensors, setting.sequence = tensors, sequence
            setting.sharing = rng.choice(
                [1, 1] + [n for n in range(2, tensors + 1) if tensors % n == 0])


def draw_replicas(rng, case, tools):
    """Groups of micro-batches, and replicas that share them."""
    groups = [n for n in (2, 3, 4, 6, 8) if case.microbatches % n == 0]
    if not groups or rng.random() < 0.5:
        return
    all_groups = rng.choice(groups)
    # Each has a power of two of the groups.
    shares = [n for n in (1, 2, 3, 4, 6, 8)
              if all_groups % n == 0 and all_groups // n in (1, 2, 4, 8)]
    chosen = []
    for setting in case.settings:
        # A schedule may want more micro-batches than a replica has then.
        possible = [n for n in shares if setting.ranks * n <= 8 and any(
            plan["schedule"] == setting.schedule and plan["legal"]
            and plan["stages_per_rank"] == (setting.virtual or 1)
            for plan in tools.schedules(setting.ranks, case.microbatches // n,
                                        setting.virtual or 2))]
        if not possible:
            return
        chosen.append(rng.choice(possible))
    case.groups = all_groups
    for setting, replicas in zip(case.settings, chosen):
        setting.replicas, setting.zero = replicas, rng.choice([1, 1, 0])


def draw_runs(rng, case):
    """What settings have beside their options."""
    case.may_restart = rng.random() < 0.3
    if case.may_restart:
        case.optimizer = ["--optimizer", "sgd", "--lr", "0.125", "--min-lr", "0.125",
                          "--clip", "0", "--weight-decay", "0"]
    for setting in case.settings:
        setting.is_from_file = rng.random() < 0.2
        if not case.is_device:
            setting.threads = rng.choice([1, 1, 1, 2, 3])
        setting.restarts = case.may_restart and rng.random() < 0.5
        if not setting.restarts and case.steps > 1 and rng.random() < 0.4:
            setting.resumes = rng.randrange(1, case.steps)


def draw_setting(rng, case, tools):
    applies = len(case.model.applies)
    ranks = rng.choice([n for n in (1, 2, 2, 3, 3, 4) if n <= applies])
    virtual = rng.choice([2, 2, 3, 4])
    plans = [plan for plan in tools.schedules(ranks, case.microbatches, virtual)
             if plan["stages_per_rank"] * ranks <= applies and plan["legal"]]
    # Each name alike, however often it is listed.
    name = rng.choice(sorted({plan["schedule"] for plan in plans}))
    plan = rng.choice([plan for plan in plans if plan["schedule"] == name])
    setting = Setting(ranks, name)
    setting.split = plan["split_backward"] and name not in tools.always_split
    if plan["stages_per_rank"] > 1:
        setting.virtual = plan["stages_per_rank"]
    setting.recompute = rng.choice([None, None, "none", "full"])
    setting.unroll = rng.random() < 0.15
    if rng.random() < 0.1:
        # Those that the transports of the target give.
        setting.semantics = rng.choice([
            "fifo-per-edge" if case.is_device else "rendezvous",
            "fifo-per-edge"])
    stages = ranks * plan["stages_per_rank"]
    if rng.random() < 0.4:
        cuts = sorted(rng.sample(range(1, applies), stages - 1))
        pins = [sum(cut <= number for cut in cuts) for number in range(applies)]
        keep = rng.choice([1.0, 1.0, 0.3])
        setting.stages = tuple(pin if rng.random() < keep else None for pin in pins)
    return setting


# ===----------------------------------------------------------------------===//
# Running
# ===----------------------------------------------------------------------===//


def is_starved(session, seconds):
    """Whether processes of a session have had less than `seconds` of a processor, and
    one of them wants it, or waits for a disk, in one of some looks."""
    for _ in range(20):
        used, wants = 0, False
        for path in pathlib.Path("/proc").glob("[0-9]*/task/*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # has ended
            if int(fields[3]) == session:
                used += int(fields[11]) + int(fields[12])
                wants |= fields[0] in "RD"
        if used >= seconds * os.sysconf("SC_CLK_TCK"):
            return False
        if wants:
            return True
        time.sleep(0.1)
    return False


class Tools:
    """The built compiler."""

    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.distort = None
        self.known = {}
        # Schedules that split the backward by themselves.
        names = self.schedules(2, 8, 2)
        self.always_split = {
            plan["schedule"] for plan in names
            if not any(other["schedule"] == plan["schedule"] and other["split_backward"]
                       for other in names)}

    def tool(self, name):
        return str(self.build / "bin" / name)

    def execute(self, command, directory=None, timeout=TIMEOUT):
        """Status (None after a timeout), stdout, stderr. A machine that stands still for
        a while is no timeout: what has waited for it gets as much time again."""
        process = subprocess.Popen(
            [str(word) for word in command], cwd=directory, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True)
        for is_last in (False, True):
            try:
                out, error = process.communicate(timeout=timeout)
                return process.returncode, out, error
            except subprocess.TimeoutExpired:
                if is_last or timeout < TIMEOUT or not is_starved(process.pid, timeout):
                    break
        os.killpg(process.pid, 9)
        out, error = process.communicate()
        return None, out, error

    def schedules(self, ranks, microbatches, virtual):
        key = (ranks, microbatches, virtual)
        if key not in self.known:
            status, out, error = self.execute(
                [self.tool("pp-plan"), "compare", f"--ranks={ranks}",
                 f"--microbatches={microbatches}", f"--virtual={virtual}", "--effort=1",
                 "--json"])
            if status != 0:
                raise Failure("pp-plan", f"pp-plan compare: status {status}: {error}")
            self.known[key] = json.loads(out)
        return self.known[key]


class Results:
    """What a program leaves: the bits that must agree."""

    def __init__(self, directory, label):
        weights = directory / label / "model.safetensors"
        self.digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        lines = (directory / f"{label}.jsonl").read_text().splitlines()
        self.steps = [(step["loss"], step["grad_norm"]) for step in map(json.loads, lines)]


class Run:
    """A case in a directory of its own. `commands` is a script that does the same."""

    def __init__(self, case, tools, directory, end=math.inf):
        self.case, self.tools, self.directory = case, tools, pathlib.Path(directory)
        self.end = end  # of time.monotonic()
        self.commands = []
        self.refusals = []
        self.unchecked = self.checked = 0
        self.worst = 0.0
        self.written = {}  # label of the last program that wrote checkpoints, by cut
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.write_data()

    def write_data(self):
        rng = random.Random(self.case.seed)
        model = self.case.model
        sequence = model.data[0].shape[1]
        count = sequence + 1 + rng.choice([0, 1, 50, 500]) * (not self.case.may_restart)
        tokens = [rng.randrange(model.vocabulary) for _ in range(count)]
        data = b"".join(token.to_bytes(model.token_bytes, "little") for token in tokens)
        (self.directory / "data.bin").write_bytes(data)

    def execute(self, command, what):
        rest = self.end - time.monotonic()
        if rest <= 0:
            raise OutOfTime()
        self.commands.append(shlex.join(map(str, command)))
        status, out, error = self.tools.execute(command, self.directory,
                                                min(rest, TIMEOUT))
        if status is None and rest < TIMEOUT:
            raise OutOfTime()
        if status is None:
            raise Failure(f"{what} hangs", f"still running after {TIMEOUT} s")
        if status < 0 or status >= 128:
            raise Failure(f"{what} crashes", f"status {status}\n{out}{error}")
        return status, out, error

    def compile(self, setting, label):
        """False if the compiler refuses it, and is right."""
        model = f"{label}.mlir"
        (self.directory / model).write_text(self.case.model.text(setting.stages))
        if setting.is_from_file:
            status, out, error = self.execute(
                [self.tools.tool("pp-plan"), "simulate", *setting.schedule_options(),
                 f"--ranks={setting.ranks}",
                 f"--microbatches={self.case.microbatches // setting.replicas}",
                 f"--csv={label}.csv"], "pp-plan")
            if status != 0:
                raise Failure("pp-plan: " + digest_of_message(error), out + error)
        status, out, error = self.execute(
            [self.tools.tool("pp-compile"), model, "-o", f"{label}.exe",
             *self.case.compile_options(setting.replicas), *setting.options(label)],
            "compiler")
        if status == 0:
            return True
        for refusal in REFUSALS:
            if re.search(refusal, error):
                self.refusals.append(refusal)
                return False
        raise Failure("compiler: " + digest_of_message(error), out + error)

    def train(self, setting, program, label, options):
        launch = []
        if setting.processes() > 1:
            launch = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n",
                      setting.processes()]
        device = ["--device", "emulated"] if self.case.is_device else []
        if self.case.model.has_documents():
            device += ["--document-end", DOCUMENT_END]
        word = "u16" if self.case.model.token_bytes == 2 else "bytes"
        status, out, error = self.execute(
            [*launch, f"./{program}.exe", "--data", "data.bin", "--token-format", word,
             "--order", "windows", "--seed", self.case.run_seed, "--threads", setting.threads, "--quiet",
             "--timeout", 60, "--metrics", f"{label}.jsonl", "--save", label, *device,
             *options], "program")
        if status != 0:
            raise Failure("program: " + digest_of_message(error), out + error)
        return Results(self.directory, label)

    def train_all(self, setting, program, label):
        """All steps of the case."""
        if not setting.restarts or self.case.steps < 2:
            return self.train_straight(setting, program, label)
        first = self.train(setting, program, f"{label}-first",
                           ["--steps", 1, *self.case.optimizer])
        rest = self.train(setting, program, label,
                          ["--steps", self.case.steps - 1, *self.case.optimizer, "--load",
                           f"{label}-first"])
        rest.steps = first.steps + rest.steps
        return rest

    def train_straight(self, setting, program, label):
        """In one run, or on from a checkpoint of another program, whose layers are cut
        alike; writes checkpoints for the next one."""
        cut = setting.cut()
        options = ["--steps", self.case.steps, *self.case.optimizer]
        if not setting.resumes:
            shutil.rmtree(self.directory / f"{label}-checkpoints", ignore_errors=True)
            found = self.train(setting, program, label, [
                *options, "--checkpoint", f"{label}-checkpoints", "--every", 1])
            self.written[cut] = (f"{label}-checkpoints", found)
            return found
        folder, before = self.written[cut]
        found = self.train(setting, program, label, [
            *options, f"--resume={folder}/step-{setting.resumes:08}"])
        found.steps = before.steps[:setting.resumes] + found.steps
        return found

    def expected_of(self, reference, label):
        """What settings must compute: those that restart, and the others."""
        straight = self.train_all(reference, label, label)
        if not any(setting.restarts for setting in self.case.settings):
            return {False: straight}
        reference.restarts = True
        restarted = self.train_all(reference, label, f"{label}-restarted")
        # Dropout depends on the number of the step, which starts anew.
        if "nn.dropout" not in self.case.model.operations():
            difference = self.compare(restarted, straight)
            if difference:
                raise Failure("restart", f"{label} that restarts: {difference}")
        return {False: straight, True: restarted}

    def check_reference(self, tensors, sequence):
        """Compares one pipe coordinate with the interpreter. Returns its results, or None
        if the compiler refuses it."""
        reference = Setting()
        # As few replicas as have a power of two of the groups each.
        reference.replicas = self.case.groups
        while reference.replicas % 2 == 0:
            reference.replicas //= 2
        reference.unroll = True
        reference.tensors, reference.sequence = tensors, sequence
        label = "reference" if tensors == 1 else f"reference-{tensors}-{sequence}"
        if not self.compile(reference, label):
            return None
        one_step = ["--steps", 1, "--optimizer", "sgd", "--lr", RATE, "--min-lr", RATE,
                    "--clip", 0, "--weight-decay", 0]
        self.interpret(self.train(reference, label, "gradient", one_step),
                       "" if tensors == 1 else f" of {tensors} coordinates")
        return self.expected_of(reference, label)

    def check(self):
        """Raises Failure."""
        references = {(1, None): self.check_reference(1, None)}
        if not references[1, None]:
            return
        for number, setting in enumerate(self.case.settings):
            cut = setting.cut()
            if cut not in references:
                references[cut] = self.check_reference(*cut)
            expected = references[cut]
            label = f"setting{number}"
            if not expected or not self.compile(setting, label):
                continue
            try:
                difference = self.compare(
                    self.train_all(setting, label, label), expected[setting.restarts])
                kind = "bits"
            except Failure as failure:
                difference, kind = failure.message, failure.kind
            (self.directory / f"{label}.exe").unlink()
            if difference:
                raise self.explain(kind, difference, setting, label,
                                   expected[setting.restarts])

    @staticmethod
    def compare(found, expected):
        """What of the bits differs, if any do."""
        for step, (a, b) in enumerate(zip(found.steps, expected.steps)):
            if a != b:
                return f"loss and norm of step {step} are {a}, of one rank {b}"
        if len(found.steps) != len(expected.steps) or found.digest != expected.digest:
            return "other weights than one rank"
        return None

    def explain(self, kind, difference, setting, label, expected):
        """A failure that says whether loops are to blame."""
        text = f"{label} ({setting.describe()}): {difference}"
        if setting.unroll:
            return Failure(kind, text)
        written_out = copy.copy(setting)
        written_out.unroll = True
        commands = len(self.commands)
        try:
            if (self.compile(written_out, "unrolled") and not self.compare(
                    self.train_all(written_out, "unrolled", "unrolled"), expected)):
                return Failure(f"loops: {kind}", text + "\nnothing differs with --unroll")
        except Failure:
            pass
        del self.commands[commands:]
        return Failure(kind, text)

    # --- The interpreter --------------------------------------------------- #

    def interpret(self, gradient, whose):
        """Loss and gradient of the first step against double precision."""
        if self.compare_gradient(gradient, runs=2, scalar=2.0 ** -24, seed=1) is None:
            return
        # More runs before anybody is told: two may have been lucky.
        error = self.compare_gradient(gradient, runs=16, scalar=2.0 ** -22, seed=100)
        if error:
            raise Failure(f"gradient{whose}", error)

    def compare_gradient(self, gradient, runs, scalar, seed):
        case = self.case
        command = [
            self.tools.tool("pp-interpret"), "reference.mlir", "--data=data.bin",
            f"--token-bytes={case.model.token_bytes}",
            f"--microbatches={case.microbatches}", f"--seed={case.run_seed}",
            "--after=gradient", f"--lr={RATE}", f"--noise-runs={runs}",
            f"--scalar-noise={scalar}", f"--noise-seed={seed}"]
        if case.is_bf16:
            command.append(f"--tensor-noise={BF16_NOISE}")
        if case.model.has_documents():
            command.append(f"--document-end={DOCUMENT_END}")
        if self.tools.distort:
            command.append(f"--distort={self.tools.distort}")
        status, out, error = self.execute(command, "interpreter")
        if status != 0:
            raise Failure("interpreter: " + digest_of_message(error), out + error)
        found = json.loads(out)
        margin = BF16_MARGIN if case.is_bf16 else MARGIN
        loss, norm = gradient.steps[0]
        allowed = margin * found["loss_noise"] + 1e-6 * abs(found["loss"])
        if not abs(loss - found["loss"]) <= allowed:
            return (f"loss is {loss}, in double precision {found['loss']} "
                    f"(allowed: {allowed:.2g})")
        self.checked = self.unchecked = 0
        whole = math.sqrt(sum((entry["norm"] or 0) ** 2 for entry in found["parameters"]))
        # Cotangents that cancel within an adjoint are rounded before they do.
        floor = BF16_NOISE * whole if case.is_bf16 else 1e-9
        slack = 0.0
        for entry in found["parameters"]:
            size, noise = entry["norm"], entry["noise"]
            if size is None or noise is None or entry["distance"] is None:
                return f"gradient of {entry['name']} is not finite"
            allowed = (margin * noise + 2e-6 * size + 2.0 ** -23 * entry["weight_norm"] / RATE
                       + floor)
            if not entry["distance"] <= allowed:
                return (f"gradient of {entry['name']} is off by {entry['distance']:.3g}, its "
                        f"norm is {size:.3g} (allowed: {allowed:.2g})")
            slack += allowed
            if allowed > NOISY * size:
                self.unchecked += 1
            else:
                self.checked += 1
            if allowed > 0:  # where nothing is: weights and gradients of zeros
                self.worst = max(self.worst, entry["distance"] / allowed)
        if not abs(norm - whole) <= slack + 1e-6 * whole:
            return f"gradient norm is {norm}, in double precision {whole}"
        return None


def digest_of_message(error):
    """A message without what differs from model to model."""
    for line in error.splitlines():
        if "error" in line.lower() or "found" in line:
            line = re.sub(r"^.*?error: ", "", line)
            line = re.sub(r"'[^']*'|@\w+|%\w+|\"[^\"]*\"|<[^>]*>", "X", line)
            return re.sub(r"\d[-+\d.e]*", "N", line)[:100]
    return error[-100:]


def run_case(case, tools, directory, end=math.inf):
    """The run and its failure, if there is one."""
    run = Run(case, tools, directory, end)
    try:
        run.check()
        return run, None
    except Failure as failure:
        return run, failure


def smaller(case, **changes):
    """A copy with other fields."""
    case = copy.deepcopy(case)
    for name, value in changes.items():
        setattr(case, name, value)
    return case
