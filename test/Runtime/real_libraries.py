"""Where NVIDIA's libraries lie on this machine, if they do."""
import glob
import os
import sys

FILES = {"cudnn": "libcudnn.so.9", "cublaslt": "libcublasLt.so.13", "nccl": "libnccl.so.2"}


def folders():
    """As a run has them, then a toolkit's, then those of wheels."""
    paths = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    paths += os.environ.get("PPRT_CUDA_PATH", "").split(":")
    root = os.environ.get("CUDA_HOME")
    paths += [os.path.join(root, "lib64"), os.path.join(root, "lib")] if root else []
    paths.append("/usr/local/cuda/lib64")
    for root in sys.path:
        paths += sorted(glob.glob(os.path.join(root, "nvidia", "*", "lib")))
    return [path for path in paths if path]


def find(name):
    """Folders for LD_LIBRARY_PATH, in which FILES[name] is the first; None without."""
    for path in folders():
        if os.path.exists(os.path.join(path, FILES[name])):
            return ":".join([path, *[other for other in folders() if other != path]])
    return None


def searched():
    return ", ".join(folders())
