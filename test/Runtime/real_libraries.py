"""Where NVIDIA's libraries lie on this machine, if they do: as the runtime finds them."""
import os
import subprocess

FILES = {"cudnn": "libcudnn.so.9", "cublaslt": "libcublasLt.so.13", "nccl": "libnccl.so.2"}
# What cuDNN opens beside cuBLASLt.
OTHERS = ["libnvrtc.so.13"]


def find(tool):
    """By name, folders for LD_LIBRARY_PATH in which FILES[name] is the first, or None; and
    why those are not there. `tool` is pprt-find-libraries."""
    files = [*FILES.values(), *OTHERS]
    try:
        result = subprocess.run([tool, *files], capture_output=True, text=True, timeout=60)
    except OSError as error:
        return dict.fromkeys(FILES), str(error)
    paths = dict(zip(files, result.stdout.splitlines()))
    folders = list(dict.fromkeys(os.path.dirname(path) for path in paths.values() if path))
    found = {}
    for name, file in FILES.items():
        own = os.path.dirname(paths.get(file, ""))
        found[name] = ":".join(sorted(folders, key=lambda folder: folder != own)) if own else None
    return found, result.stderr.strip()
