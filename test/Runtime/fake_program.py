#!/usr/bin/env python3
"""Writes the C source of a hand-made training program, as pp-compile would
emit it as an object: description, and one step function a rank.

The model has four stages of one layer each, y = x * scale + shift, on the
tokens (scaled to 0..1); the loss is the mean squared distance to the targets.
Schedule: GPipe. With 1, 2 or 4 ranks it must give the same bits.

  fake_program.py --ranks 2 > program.c

FAKE_FAULT in the environment of the program makes a rank misbehave:
  nan@S          rank of the loss reports nan in step S
  hang@R         rank R sleeps in step 2 instead of sending
  die@R          rank R kills itself in step 2
  short@R        rank R sends a message of half the size in step 2
  twice@R        rank R starts a request twice in step 2
  forget@R       rank R does not wait for its last request in step 2
  allocate@R     rank R calls malloc in each step

With --device the same arithmetic stands in kernels, for the emulated device and
for fake CUDA (FakeGPU). FAKE_FAULT=kernel@S: a kernel of step S leaves a thread
behind at a barrier.

FAKE_WORK makes each forward last that many microseconds, a backward twice as
many.
"""
import argparse
import hashlib
import json
import os

STAGES, MICROBATCHES, BATCH, SEQUENCE, VOCABULARY = 4, 4, 2, 16, 256

parser = argparse.ArgumentParser()
parser.add_argument("--ranks", type=int, default=1)
parser.add_argument("--salt", default="")
parser.add_argument("--device", action="store_true",
                    help="a program for GPUs, with kernels for the host only")
arguments = parser.parse_args()
P = arguments.ranks
per_rank = STAGES // P
elements = BATCH * SEQUENCE


def align(offset):
    return (offset + 63) // 64 * 64


# Functions that the runtime calls, by their positions.
FUNCTIONS = ["sum_of_squares", "adamw", "adamw.decay", "sgd", "sgd.decay", "conclude"]
NORM, ADAMW, ADAMW_DECAY, SGD, SGD_DECAY, CONCLUDE = range(len(FUNCTIONS))

parameters = []
for stage in range(STAGES):
    parameters.append({
        "name": f"stage{stage}.scale", "shape": [SEQUENCE], "elements": SEQUENCE,
        "init": {"kind": "normal", "mean": 1.0, "std": 0.1},
        "owner": stage // per_rank, "uses": 1,
        "norm": NORM, "add": -1, "updates": [ADAMW, SGD]})
    parameters.append({
        "name": f"stage{stage}.shift", "shape": [2, SEQUENCE // 2],
        "elements": SEQUENCE, "init": {"kind": "uniform", "low": -0.1, "high": 0.1},
        "owner": stage // per_rank, "uses": 1,
        "norm": NORM, "add": -1, "updates": [ADAMW_DECAY, SGD_DECAY]})

channels, programs, layouts = [], [], []
for rank in range(P - 1):
    channels += [{"src": rank, "dst": rank + 1}, {"src": rank + 1, "dst": rank}]

for rank in range(P):
    stages = range(rank * per_rank, (rank + 1) * per_rank)
    offset = 0

    def place(count):
        global offset
        at = offset
        offset = align(offset + 4 * count)
        return at

    held = [i for i in range(len(parameters)) if parameters[i]["owner"] == rank]
    layout = {"parameter": {i: place(SEQUENCE) for i in held}}
    layout["gradient"] = {i: place(SEQUENCE) for i in held}
    parameter_bytes = 4 * SEQUENCE * len(held)
    begin = offset
    # Inputs of the rank's stages and its output, for each micro-batch.
    layout["value"] = {(s, m): place(elements)
                       for m in range(MICROBATCHES)
                       for s in list(stages) + [stages[-1] + 1]}
    layout["cotangent"] = {m: place(elements) for m in range(MICROBATCHES)}
    layout["sent"] = {m: place(elements) for m in range(MICROBATCHES)}
    layout["loss"] = place(1)
    activations = offset - begin
    arena_bytes = offset
    state = 0
    entries, placed = [], []
    for i in held:
        entries.append({"index": i, "offset": layout["parameter"][i], "owned": True})
        for moment in range(2):
            placed.append({"index": 2 * i + moment, "offset": state})
            state += align(4 * SEQUENCE)
    actions = []

    def action(kind, stage=-1, microbatch=-1, peer=-1, name=""):
        actions.append({"kind": kind, "stage": stage, "microbatch": microbatch,
                        "peer": peer, "name": name})
        return len(actions) - 1

    layout["actions"] = {}
    # In the order in which they run.
    for m in range(MICROBATCHES):
        layout["actions"]["recv", m] = action("recv", stages[0], m, rank - 1, "activation")
        layout["actions"]["recv.grad", m] = action("recv", stages[-1], m, rank + 1, "cotangent")
    for m in range(MICROBATCHES):
        for s in stages:
            layout["actions"]["F", s, m] = action("F", s, m, name=f"stage{s}.forward")
        layout["actions"]["send", m] = action("send", stages[-1], m, rank + 1, "activation")
    for m in range(MICROBATCHES):
        for s in reversed(stages):
            layout["actions"]["B", s, m] = action("B", s, m, name=f"stage{s}.backward")
        layout["actions"]["send.grad", m] = action("send", stages[0], m, rank - 1, "cotangent")
    for i in held:
        layout["actions"]["update", i] = action("update", name=parameters[i]["name"])
    layouts.append(layout)
    programs.append({
        "arena_bytes": arena_bytes, "optimizer_offset": arena_bytes,
        "optimizer_bytes": state,
        "memory": {"parameters": parameter_bytes, "gradients": parameter_bytes,
                   "optimizer": state, "activations": activations,
                   "workspace": 0, "communication": 0},
        "parameters": entries, "states": placed, "actions": actions, "requests": 4 * MICROBATCHES,
        "predicted": {"makespan": 1.0, "busy": 0.5, "bubble": (P - 1) / (MICROBATCHES + P - 1)}})

description = {
    "format": 3, "name": "fake <model> & \"more\"", "stages": STAGES,
    "mesh": [{"axis": "pipe", "size": P}], "empty_input_gradients": [],
    "placement": [s // per_rank for s in range(STAGES)],
    "microbatches": MICROBATCHES, "schedule": "gpipe", "recompute": "none",
    "batch": BATCH, "sequence": SEQUENCE, "vocabulary": VOCABULARY,
    "target_classes": VOCABULARY,
    "inputs": [{"name": n, "kind": n, "shape": [BATCH, SEQUENCE], "type": "i32"}
               for n in ("tokens", "targets")],
    "scalars": 9, "functions": FUNCTIONS, "conclude": CONCLUDE,
    "optimizers": [{"name": "adamw", "states": ["m", "v"]}, {"name": "sgd", "states": []}],
    "states": [{"name": f"{p['name']}.{kind}", "kind": kind, "parameter": i, "type": "f32",
                "init": {"kind": "zeros"}}
               for i, p in enumerate(parameters) for kind in ("m", "v")],
    "parameters": parameters, "channels": channels, "programs": programs,
    "times": {"forward": [1e-3] * STAGES, "input_gradient": [1e-3] * STAGES,
              "weight_gradient": [1e-3] * STAGES, "transfer": [1e-4]}}
if arguments.device:
    description["target"] = "cuda"
description["hash"] = hashlib.sha256(
    (json.dumps(description) + arguments.salt).encode()).hexdigest()[:16]

print(f"""// Generated by fake_program.py --ranks {P}.
#include "pprt.h"
#include "pprt_scalars.h"
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {{ T = {SEQUENCE}, N = {elements}, LOSSES = {MICROBATCHES}, NORMS = {len(parameters)} }};
const char pp_program_description[] = {json.dumps(json.dumps(description))};

static int steps_done = 0;
// For programs that run several times (RunsTest.cpp).
void fake_restart(void) {{ steps_done = 0; }}
static int fault(const char *kind, int where) {{
  const char *text = getenv("FAKE_FAULT");
  const char *at = text ? strchr(text, '@') : 0;
  return at && !strncmp(text, kind, at - text) && strlen(kind) == (size_t)(at - text) &&
         atoi(at + 1) == where;
}}
static void work(int times) {{
  const char *text = getenv("FAKE_WORK");
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  if (text)
    do
      clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1e6 + (now.tv_nsec - begin.tv_nsec) * 1e-3 <
           atof(text) * times);
}}
// Kernels have no context.
static int emulating(pprt_context *ctx) {{
  return ctx && ((const pprt_context_head *)ctx)->emulating;
}}
static void load_tokens(pprt_context *ctx, const int *ids, float *x) {{
  if (emulating(ctx)) return;
  for (int i = 0; i < N; ++i)
    x[i] = ids[i] * (1.0f / {VOCABULARY});
}}
static void forward(pprt_context *ctx, const float *x, const float *scale, const float *shift, float *y) {{
  if (emulating(ctx)) return;
  work(1);
  for (int i = 0; i < N; ++i)
    y[i] = x[i] * scale[i % T] + shift[i % T];
}}
static void loss(pprt_context *ctx, const float *y, const int *targets, float *out, float *dy) {{
  if (emulating(ctx)) return;
  double sum = 0;
  for (int i = 0; i < N; ++i) {{
    float d = y[i] - targets[i] * (1.0f / {VOCABULARY});
    sum += (double)d * d;
    dy[i] = 2 * d / N;
  }}
  *out = (float)(sum / N);
}}
// Replaces the cotangent of the output by that of the input.
static void backward(pprt_context *ctx, const float *x, const float *scale, float *dy, float *gscale, float *gshift) {{
  if (emulating(ctx)) return;
  work(2);
  for (int i = 0; i < N; ++i) {{
    gscale[i % T] += dy[i] * x[i];
    gshift[i % T] += dy[i];
    dy[i] *= scale[i % T];
  }}
}}
static void sum_of_squares(pprt_context *ctx, const float *g, double *norm) {{
  *norm = 0;
  for (int i = 0; i < T; ++i)
    *norm += (double)g[i] * g[i];
}}
static void adamw(pprt_context *ctx, float *p, const float *g, float *m, float *v,
                  const pprt_scalars *s, int decays) {{
  for (int i = 0; s->is_finite != 0 && i < T; ++i) {{
    float gradient = g[i] * s->gradient_scale;
    m[i] = s->beta1 * m[i] + (1 - s->beta1) * gradient;
    v[i] = s->beta2 * v[i] + (1 - s->beta2) * (gradient * gradient);
    float kept = decays ? p[i] * (1 - s->learning_rate * s->weight_decay) : p[i];
    p[i] = kept - s->learning_rate / s->correction1 * m[i] /
                  (sqrtf(v[i] * (1 / s->correction2)) + s->epsilon);
  }}
}}
static void sgd(pprt_context *ctx, float *p, const float *g, const pprt_scalars *s, int decays) {{
  for (int i = 0; s->is_finite != 0 && i < T; ++i) {{
    float kept = decays ? p[i] * (1 - s->learning_rate * s->weight_decay) : p[i];
    p[i] = kept - s->learning_rate * (g[i] * s->gradient_scale);
  }}
}}
static void conclude(pprt_context *ctx, const double *x, const double *clip, double *summary,
                     float *concluded) {{
  double losses = 0, squares = 0, bad = x[LOSSES + NORMS];
  for (int i = 0; i < LOSSES; ++i)
    losses += x[i];
  for (int i = LOSSES; i < LOSSES + NORMS; ++i)
    squares += x[i];
  bad += losses - losses + squares - squares;
  double norm = sqrt(squares) / LOSSES;
  summary[PPRT_SUMMARY_LOSS] = losses / LOSSES;
  summary[PPRT_SUMMARY_NORM] = norm;
  concluded[0] = (float)((*clip > 0 && norm > *clip ? *clip / norm : 1.0) / LOSSES);
  concluded[1] = bad == 0;
}}
#define CALL(x) do {{ int32_t status = (x); if (status) return status; }} while (0)
#define AT(offset) ((float *)(arena + (offset)))
""")

if arguments.device:
    print(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "FakeGPU",
                            "kernels.inc")).read())

for rank in range(P):
    stages = range(rank * per_rank, (rank + 1) * per_rank)
    L = layouts[rank]
    first, last = rank == 0, rank == P - 1
    held = list(L["parameter"])
    out = [f"static int32_t step{rank}(pprt_context *ctx, uint8_t *arena) {{"]
    emit = lambda line: out.append("  " + line)
    emit("int step = steps_done++;")
    emit(f'if (fault("allocate", {rank})) {{ void *volatile p = malloc(100); free(p); }}')
    emit(f'if (step == 2 && fault("die", {rank})) raise(SIGKILL);')

    def bracket(key, line):
        emit(f"pprt_action_begin(ctx, {L['actions'][key]});")
        emit(line)
        emit(f"pprt_action_end(ctx, {L['actions'][key]});")

    for i in held:
        emit(f"pprt_zero(ctx, AT({L['gradient'][i]}), {4 * SEQUENCE});")
    # Requests: 4 m + {0: recv, 1: send, 2: recv of cotangent, 3: send of it}.
    for m in range(MICROBATCHES):
        if not first:
            bracket(("recv", m), f"CALL(pprt_irecv(ctx, {2 * (rank - 1)}, {m}, "
                    f"AT({L['value'][stages[0], m]}), {4 * elements}, {4 * m}));")
        if not last:
            bracket(("recv.grad", m), f"CALL(pprt_irecv(ctx, {2 * rank + 1}, {m}, "
                    f"AT({L['cotangent'][m]}), {4 * elements}, {4 * m + 2}));")
    for m in range(MICROBATCHES):
        if first:
            emit(f"load_tokens(ctx, (const int *)pprt_data(ctx, 0, {m}), AT({L['value'][0, m]}));")
        else:
            emit(f"CALL(pprt_wait(ctx, {4 * m}));")
        for s in stages:
            bracket(("F", s, m), f"forward(ctx, AT({L['value'][s, m]}), AT({L['parameter'][2 * s]}), "
                    f"AT({L['parameter'][2 * s + 1]}), AT({L['value'][s + 1, m]}));")
        if not last:
            if m == 1:
                emit(f'if (step == 2 && fault("hang", {rank})) for (;;) sleep(1);')
            size = f'(step == 2 && {m} == 1 && fault("short", {rank}) ? {2 * elements} : {4 * elements})'
            bracket(("send", m), f"CALL(pprt_isend(ctx, {2 * rank}, {m}, "
                    f"AT({L['value'][stages[-1] + 1, m]}), {size}, {4 * m + 1}));")
            if m == 0:
                emit(f'if (step == 2 && fault("twice", {rank})) CALL(pprt_isend(ctx, {2 * rank}, {m}, '
                     f"AT({L['value'][stages[-1] + 1, m]}), {size}, {4 * m + 1}));")
        else:
            emit(f"loss(ctx, AT({L['value'][STAGES, m]}), (const int *)pprt_data(ctx, 1, {m}), "
                 f"AT({L['loss']}), AT({L['cotangent'][m]}));")
            emit(f'if (fault("nan", step)) {"poison(ctx, " if arguments.device else "*("}AT({L["loss"]}))'
                 f'{";" if arguments.device else " = NAN;"}')
            emit(f"CALL(pprt_loss(ctx, {m}, AT({L['loss']})));")
    for m in range(MICROBATCHES):
        if not last:
            emit(f"CALL(pprt_wait(ctx, {4 * m + 2}));")
        for s in reversed(stages):
            bracket(("B", s, m), f"backward(ctx, AT({L['value'][s, m]}), AT({L['parameter'][2 * s]}), "
                    f"AT({L['cotangent'][m]}), AT({L['gradient'][2 * s]}), "
                    f"AT({L['gradient'][2 * s + 1]}));")
        if not first:
            emit(f"{'pprt_gpu_copy(ctx, ' if arguments.device else 'memcpy('}AT({L['sent'][m]}), AT({L['cotangent'][m]}), {4 * elements});")
            bracket(("send.grad", m), f"CALL(pprt_isend(ctx, {2 * (rank - 1) + 1}, {m}, "
                    f"AT({L['sent'][m]}), {4 * elements}, {4 * m + 3}));")
    for m in range(MICROBATCHES):
        if not last:
            skip = f'step == 2 && {m} == {MICROBATCHES - 1} && fault("forget", {rank})'
            emit(f"if (!({skip})) CALL(pprt_wait(ctx, {4 * m + 1}));")
        if not first:
            emit(f"CALL(pprt_wait(ctx, {4 * m + 3}));")
    for i in held:
        emit(f"CALL(pprt_square_norm(ctx, {i}, AT({L['gradient'][i]}), 0));")
    emit("CALL(pprt_all_reduce_report(ctx, 0));")
    for i in held:
        bracket(("update", i), f"CALL(pprt_update(ctx, {i}, AT({L['parameter'][i]}), "
                f"AT({L['gradient'][i]}), 0));")
    if arguments.device:
        emit('if (fault("kernel", step)) stumble(ctx);')
    emit("return 0;")
    out.append("}\n")
    print("\n".join(out))
print("const pprt_step_fn pp_program_steps[] = {%s};" %
      ", ".join(f"step{rank}" for rank in range(P)))
print("""
static void call_norm(pprt_context *ctx, const void *const *o) {
  sum_of_squares(ctx, o[0], (double *)o[1]);
}
static void call_conclude(pprt_context *ctx, const void *const *o) {
  conclude(ctx, o[0], o[1], (double *)o[2], (float *)o[3]);
}
#define UPDATES(DECAYS)                                                        \\
  static void adamw##DECAYS(pprt_context *ctx, const void *const *o) {         \\
    adamw(ctx, (float *)o[0], o[1], (float *)o[2], (float *)o[3], o[4],        \\
          DECAYS);                                                             \\
  }                                                                            \\
  static void sgd##DECAYS(pprt_context *ctx, const void *const *o) {           \\
    sgd(ctx, (float *)o[0], o[1], o[2], DECAYS);                               \\
  }
UPDATES(0)
UPDATES(1)
const pprt_function pp_program_functions[] = {call_norm, adamw0, adamw1, sgd0, sgd1,
                                              call_conclude};""")
