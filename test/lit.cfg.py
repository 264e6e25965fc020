# lit's view of the test directory: every .mlir and .test file below it is a
# test that runs the built tools; they and LLVM's own tools are on the PATH.

import os
import shutil
import sys

import lit.formats

config.name = "pp"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "EndToEnd", "Fuzz", "Install", "unit", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.pp_obj_root, "test")

config.environment["PATH"] = os.pathsep.join(
    [config.pp_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
# A sanitized build links a libMLIR that is not: containers that cross the
# border look overflowed, and the library's singletons look leaked.
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
for name in (
    "OMPI_ALLOW_RUN_AS_ROOT",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
    "OMPI_MCA_rmaps_base_oversubscribe",
):
    config.environment[name] = "1"

config.substitutions.append(("%pp_src", config.pp_src_root))
config.substitutions.append(("%examples", os.path.join(config.pp_src_root, "examples")))
config.substitutions.append(("%bench", os.path.join(config.pp_src_root, "bench")))
config.substitutions.append(("%python", config.python))

# ptxas assembles kernels for GPUs; it works on a machine without one.
ptxas = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append(("%ptxas", ptxas))

# NVIDIA's libraries, of which parts work without a driver.
sys.path.insert(0, os.path.join(config.test_source_root, "Runtime"))
import real_libraries  # noqa: E402

libraries, why = real_libraries.find(os.path.join(config.pp_tools_dir, "pprt-find-libraries"))
for name, folders in libraries.items():
    if folders:
        config.available_features.add(f"real-{name}")
        config.substitutions.append((f"%{name}", folders))
if None in libraries.values():
    lit_config.note(f"tests with some of NVIDIA's real libraries are unsupported here: {why}")
for name in ("planning-driver", "fake-gpu"):
    config.substitutions.append(
        (f"%{name}", os.path.join(config.pp_obj_root, "test", "Runtime", name)))
config.substitutions.append(("%runtime", os.path.join(config.pp_obj_root, "lib")))

# Pages are looked at in a browser where there is one.
chromium = shutil.which("chromium")
if chromium:
    config.available_features.add("chromium")
    config.substitutions.append(("%chromium", chromium))

if shutil.which("mpirun"):
    config.available_features.add("openmpi")
if config.sanitize:
    config.available_features.add("sanitize")
