"""What bench/gpu_check and bench/gpu_speed share: a folder with all that a machine
with a GPU needs to run compiled programs (a pack), its list of files, commands with
time limits, and tables. Python's standard library alone; no compiler is needed to
run a pack."""

import datetime
import functools
import glob
import hashlib
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig

HERE = pathlib.Path(__file__).resolve().parent
MPI = pathlib.Path("/usr/lib/x86_64-linux-gnu")
# Of glibc, which goes with the machine's loader.
GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|pthread|rt|resolv|util|mvec))\.so")


NOT_FINISHED = "not finished"


class PackError(Exception):
    """What was found, what was expected and what to do."""


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


# Packing ----------------------------------------------------------------------


def must(command, **options):
    """Runs a command of the packing half; its output."""
    command = [str(word) for word in command]
    try:
        result = subprocess.run(command, capture_output=True, text=True, **options)
    except OSError as error:
        raise PackError(f"cannot run '{command[0]}' ({error}), expected the tools of this "
                        "project: build them with scripts/build, or name their folder with "
                        "--build")
    if result.returncode:
        raise PackError(f"found status {result.returncode} of '{' '.join(command)}', expected "
                        f"success:\n{result.stdout}{result.stderr}")
    return result.stdout


def start_pack(directory, force):
    """An empty folder for a pack."""
    directory = pathlib.Path(directory)
    if directory.exists() and any(directory.iterdir()):
        if not (directory / "manifest.json").exists():
            raise PackError(f"found files in '{directory}' that are no pack, expected an empty "
                            "folder or none: name another one")
        if not force:
            raise PackError(f"found a pack in '{directory}', expected an empty folder or none: "
                            "name another one, or --force to replace it")
        shutil.rmtree(directory)
    for part in ("bin", "lib", "data"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    return directory


def libraries_of(path):
    """Shared libraries that a program loads, by ldd: name and path."""
    found = {}
    for line in must(["ldd", path]).splitlines():
        match = re.match(r"\s*(\S+) => (\S+)", line)
        if match and match[2] == "not":
            raise PackError(f"found no library '{match[1]}' of '{path}', expected it on this "
                            "machine: install it")
        if match and not GLIBC.match(match[1]):
            found[match[1]] = match[2]
    return found


def add_libraries(directory, with_mpi):
    """Libraries of the pack's programs; Open MPI's launcher and plugins if wanted."""
    programs = [path for path in (directory / "bin").iterdir() if os.access(path, os.X_OK)]
    if with_mpi:
        if not (MPI / "openmpi/lib/openmpi3").is_dir() or not pathlib.Path("/usr/bin/orterun").exists():
            raise PackError(f"found no Open MPI in {MPI}/openmpi and /usr/bin/orterun, expected "
                            "Debian's: install openmpi-bin, or leave --with-mpi out")
        prefix = directory / "openmpi"
        (prefix / "bin").mkdir(parents=True)
        # Where Debian's Open MPI looks below OPAL_PREFIX.
        plugins = prefix / "lib/x86_64-linux-gnu/openmpi/lib/openmpi3"
        plugins.mkdir(parents=True)
        for name in ("orterun", "orted"):
            shutil.copy2(f"/usr/bin/{name}", prefix / "bin" / name)
        shutil.copy2("/usr/bin/orterun", prefix / "bin/mpirun")
        for plugin in (MPI / "openmpi/lib/openmpi3").glob("*.so"):
            shutil.copy2(plugin, plugins / plugin.name)
        pmix = MPI / "pmix2/lib"
        if pmix.is_dir():
            shutil.copytree(pmix, prefix / "lib/x86_64-linux-gnu/pmix2/lib",
                            ignore=shutil.ignore_patterns("*.a", "*.la", "pkgconfig"))
        for kind in ("openmpi", "pmix"):
            share = pathlib.Path("/usr/share") / kind
            if share.is_dir():
                shutil.copytree(share, prefix / "share" / kind)
        programs += [*(prefix / "bin").iterdir(), *prefix.rglob("*.so")]
    for program in programs:
        for name, path in libraries_of(program).items():
            if not (directory / "lib" / name).exists():
                shutil.copy2(path, directory / "lib" / name)


def add_scripts(directory, *names):
    for name in names:
        shutil.copy2(HERE / name, directory / name)


def commit():
    try:
        return subprocess.run(["git", "-C", str(HERE), "describe", "--always", "--dirty",
                               "--abbrev=12"],
                              capture_output=True, text=True).stdout.strip() or "unknown"
    except OSError:
        return "unknown"


def finish_pack(directory, kind, content):
    """Writes the list of files last: a pack that was not finished has none."""
    files = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            files[str(path.relative_to(directory))] = [path.stat().st_size, digest(path)]
    manifest = {"kind": kind, "format": 1, "date": datetime.date.today().isoformat(),
                "commit": commit(), "glibc": platform.libc_ver()[1], "content": content,
                "files": files}
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    size = sum(entry[0] for entry in files.values())
    print(f"packed {len(files)} files, {size / 2**20:.0f} MiB, in {directory}")


# Running ----------------------------------------------------------------------


def open_pack(directory, kind):
    """The manifest of a pack whose files are all as they were packed."""
    directory = pathlib.Path(directory)
    path = directory / "manifest.json"
    again = f"make it with 'bench/{kind} pack {directory}' and copy it whole"
    if not path.is_file():
        raise PackError(f"found no pack in '{directory}' (no manifest.json), expected one: {again}")
    try:
        manifest = json.loads(path.read_text())
        files, found = manifest["files"], manifest["kind"]
        entries = {name: (int(size), str(sum_)) for name, (size, sum_) in files.items()}
        manifest["content"], manifest["commit"], manifest["glibc"], manifest["date"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"found a broken '{path}' ({error}), expected the list of a pack's files: "
                        f"{again}")
    if found != kind:
        raise PackError(f"found a pack of {found} in '{directory}', expected one of {kind}: run "
                        f"bench/{found}, or {again}")
    if manifest.get("format") != 1:
        raise PackError(f"found a pack of format {manifest.get('format')} in '{directory}', "
                        f"expected format 1: {again}")
    for name, (size, sum_) in entries.items():
        file = directory / name
        if not file.is_file():
            raise PackError(f"found no '{file}', expected it in the pack: {again}")
        if file.stat().st_size != size:
            raise PackError(f"found {file.stat().st_size} bytes in '{file}', expected {size}: the "
                            f"pack was cut short; {again}")
        if digest(file) != sum_:
            raise PackError(f"found other bytes in '{file}' than were packed, expected the same: "
                            f"{again}")
    mine = platform.libc_ver()[1]
    number = lambda text: [int(part) for part in re.findall(r"\d+", text)]
    if mine and number(mine) < number(manifest["glibc"]):
        raise PackError(f"found glibc {mine} on this machine, expected at least "
                        f"{manifest['glibc']}, which programs of the pack were linked with: pack "
                        "on an older system, or run in a container of Debian 12 or newer")
    return manifest


class Runner:
    """Runs a pack's programs: each in a process group that ends with its time."""

    def __init__(self, directory, work):
        self.directory, self.work = pathlib.Path(directory).resolve(), pathlib.Path(work).resolve()
        self.environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                                OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                                OMPI_MCA_btl_vader_single_copy_mechanism="none")
        # All ranks are here: no ssh is needed, and no fabric looked for.
        for name, value in (("plm", "isolated"), ("pml", "ob1"), ("btl", "self,vader")):
            self.environment.setdefault(f"OMPI_MCA_{name}", value)
        # CUDA's libraries may be wheels of this Python.
        wheels = glob.glob(sysconfig.get_paths()["purelib"] + "/nvidia/*/lib")
        paths = [os.environ.get("LD_LIBRARY_PATH", ""), str(self.directory / "lib"), *sorted(wheels)]
        self.environment["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
        own = self.directory / "openmpi/bin/mpirun"
        if own.exists():
            self.mpirun = str(own)
            self.environment.update(OPAL_PREFIX=str(self.directory / "openmpi"),
                                    PMIX_INSTALL_PREFIX=str(self.directory / "openmpi"))
        else:
            self.mpirun = shutil.which("mpirun")
        self.ended = None  # the SystemExit of a signal

    def program(self, name):
        return self.directory / "bin" / name

    def run(self, command, limit, environment=None, **variables):
        """(status, stdout, stderr); the status of what did not end is None. `environment`
        is instead of the pack's. A signal ends the command, whose output so far is still
        looked at; there is no next one."""
        if self.ended:
            raise self.ended
        try:
            process = subprocess.Popen(
                [str(word) for word in command], text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                cwd=self.work, env=dict(environment or self.environment, **variables),
                start_new_session=True)
        except OSError as error:
            return 127, "", f"cannot run '{command[0]}': {error}"
        try:
            out, err = process.communicate(timeout=limit)
            return process.returncode, out, err
        except SystemExit as signalled:
            self.ended = signalled
            return None, *self.kill(process, "ended by a signal")
        except subprocess.TimeoutExpired:
            return None, *self.kill(process, f"still running after {limit:g} s")

    @staticmethod
    def kill(process, why):
        """Ends the command's group; its output so far."""
        os.killpg(process.pid, signal.SIGKILL)
        try:
            out, err = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            # Something of it holds the pipe, or the kernel does not let it go.
            out, err = "", ""
        return out, f"{err}\n{why}"

    def ranks(self, ranks):
        """The words before a program of several ranks; None where no mpirun is."""
        if ranks == 1:
            return []
        return self.mpirun and [self.mpirun, "--oversubscribe", "--bind-to", "none", "-n", ranks]


def last_line(text):
    """The line of a failed program that says why: its error, or its last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no message"])[-1][:300]


def reason(status, err):
    if status is None:
        return last_line(err.splitlines()[-1] if err else "")
    if status < 0:
        try:
            return f"ended by {signal.Signals(-status).name}: {last_line(err)}"
        except ValueError:
            pass
    return f"status {status}: {last_line(err)}"


def notes_of(err):
    """What programs say beside their results, each once."""
    lines = [line.strip() for line in err.splitlines() if "note: " in line]
    return list(dict.fromkeys(line[line.index("note: ") + 6:] for line in lines))


@functools.lru_cache(maxsize=1)
def machine(runner):
    """GPU, driver and CPU in words."""
    words = []
    if shutil.which("nvidia-smi"):
        status, out, _ = runner.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total",
                                     "--format=csv,noheader"], 30)
        if status == 0 and out.strip():
            words.append(out.strip().splitlines()[0])
    cpu = ""
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next((line.split(":", 1)[1].strip() for line in file
                        if line.startswith("model name")), "")
    except OSError:
        pass
    words.append(f"{cpu or platform.machine()}, {os.cpu_count()} threads")
    return "; ".join(words)


def table(head, rows):
    """A Markdown table; columns are as wide as their widest cell."""
    rows = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"
    return "\n".join([line(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|",
                      *map(line, rows)])


def heading(title, manifest, runner):
    return (f"## {title}\n\n{datetime.date.today().isoformat()}, commit {manifest['commit']} "
            f"(packed {manifest['date']}), {machine(runner)}\n\n"
            f"`{shlex.join(map(str, sys.argv))}`\n")


def check_folders(**options):
    for name, path in options.items():
        if path and not pathlib.Path(path).absolute().parent.is_dir():
            raise PackError(f"found no folder for --{name}={path}, expected one: make it first")


def write_whole(path, text):
    """Replaces a file: whoever ends this leaves the old one or the new one."""
    path = pathlib.Path(path).absolute()
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def seconds(text):
    """An option's time."""
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError(text)
    return number


def guarded(main):
    """Calls main; an error is one line and status 2. SIGTERM ends what it runs, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main())
    except PackError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"error: found {error}, expected files that can be read and written: look at "
              "the folder and its rights", file=sys.stderr)
        sys.exit(2)
