"""The goals of bench/gpu_speed: met, missed, or not measured.

A result is a dict; figures that could not be taken are missing or None:

  name, model        of the case
  ours, theirs       tokens/s, PyTorch's beside it
  share              of the GPU's dense bf16 peak, 0 to 1
  bytes, their_bytes on the GPU at most
  kernels            [{name, calls, seconds, bytes, operations}] of all `kernel_steps`
                     steps, bytes 0 if not known
  step_seconds       of a step
  copy               bytes/s that copies on the device read and write
  between            share of a step in which no kernel runs
"""

RATIO = 1.1  # of PyTorch's tokens/s
PEAK = 0.5  # of the dense bf16 peak, on the model of 1.3B
COPIES = 0.8  # of the bandwidth of copies, each kernel bound by memory
# What is judged by it: a share of the step, and bytes of a call, below which a kernel's
# start and end are most of its time.
SHARE = 0.01
BYTES = 16e6
BETWEEN = 0.02  # of a step

NOT_MEASURED = "not measured"


def judge(met):
    return "met" if met else "missed"


def goals_of(result):
    """(goal, found, verdict) of a result; every goal has its line."""
    found = {key: value for key, value in result.items() if value is not None}
    rows = []

    def goal(text, needs, figure, met):
        if any(need not in found for need in needs):
            rows.append((text, "", NOT_MEASURED))
        else:
            rows.append((text, figure(), judge(met())))

    goal(f"tokens/s at least {RATIO} times PyTorch's", ("ours", "theirs"),
         lambda: f"{found['ours'] / found['theirs']:.3f}",
         lambda: found["ours"] >= RATIO * found["theirs"])
    if "1.3b" in result["model"]:
        goal(f"at least {PEAK:.0%} of the dense bf16 peak", ("share",),
             lambda: f"{found['share']:.1%}", lambda: found["share"] >= PEAK)
    goal("memory at most PyTorch's", ("bytes", "their_bytes"),
         lambda: f"{found['bytes'] / found['their_bytes']:.3f}",
         lambda: found["bytes"] <= found["their_bytes"])
    rows.append(bandwidth_of(found))
    goal(f"less than {BETWEEN:.0%} of a step between kernels", ("between",),
         lambda: f"{found['between']:.1%}", lambda: found["between"] < BETWEEN)
    return rows


def bandwidth_of(found):
    """Kernels that multiply nothing are bound by memory."""
    text = (f"each memory-bound kernel of {SHARE:.0%} of a step and {BYTES / 1e6:.0f} MB at least "
            f"{COPIES:.0%} of the copies' bandwidth")
    least = SHARE * found.get("step_seconds", 0) * found.get("kernel_steps", 1)
    kernels = [kernel for kernel in found.get("kernels", ())
               if not kernel["operations"] and kernel["seconds"] >= least
               and (not kernel["bytes"] or kernel["bytes"] >= BYTES * kernel["calls"])]
    known = [kernel for kernel in kernels if kernel["bytes"] and kernel["seconds"]]
    if not known or not found.get("copy"):
        return text, "", NOT_MEASURED
    shares = {kernel["name"]: kernel["bytes"] / kernel["seconds"] / found["copy"]
              for kernel in known}
    slow = sorted((share, name) for name, share in shares.items() if share < COPIES)
    figure = f"{len(known) - len(slow)} of {len(known)}"
    if slow:
        figure += "; " + ", ".join(f"{name} {share:.0%}" for share, name in slow[:4])
        figure += f" and {len(slow) - 4} more" if len(slow) > 4 else ""
    if len(known) < len(kernels):
        figure += f"; bytes of {len(kernels) - len(known)} not known"
    return text, figure, judge(not slow)


def all_goals(results):
    """Rows of a table."""
    return [[result["name"], *row] for result in results for row in goals_of(result)]
