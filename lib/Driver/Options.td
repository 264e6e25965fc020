//===- Options.td - Command line of pp-compile -----------------*- tablegen -*-===//

include "llvm/Option/OptParser.td"

class F<string name, string help> : Flag<["--"], name>, HelpText<help>;
class J<string name, string meta, string help>
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<help>;
// The same option written as two words: --pp 4.
class S<string name, Option of>
    : Separate<["--"], name>, Alias<of>, Flags<[HelpHidden]>;

def main_group : OptionGroup<"the program">, HelpText<"THE PROGRAM">;
def plan_group : OptionGroup<"the pipeline">, HelpText<"THE PIPELINE">;
def code_group : OptionGroup<"code generation">, HelpText<"CODE GENERATION">;
def tool_group : OptionGroup<"the tool">, HelpText<"THE TOOL">;

let Group = main_group in {
  def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"PROGRAM">,
    HelpText<"write the result to PROGRAM (default: the model's file name without .mlir, with .o, .ll, .llvm.mlir, .rank.mlir or .plan.mlir for the other kinds; - is standard output for text)">;
  def output_long : J<"output", "PROGRAM", "same as -o">, Alias<output>,
    Flags<[HelpHidden]>;
  def emit : J<"emit", "KIND",
    "what to write: program (executable, default), object (native code before the link), llvm (LLVM IR), llvm-dialect (what it is translated from, as pp-opt --pp-to-llvm writes it), roofline (with --target=cuda: a table of times of kernels by the rates of --machine), rank (IR of the rank programs), plan (IR of stages and schedule)">;
  def emit_s : S<"emit", emit>;
  def machine : J<"machine", "FILE",
    "with --emit=roofline: what a GPU does in a second, as examples/machines/h100.json">;
  def machine_s : S<"machine", machine>;
}

let Group = plan_group in {
  def pp : J<"pp", "N", "pipeline ranks (default 1)">;
  def pp_s : S<"pp", pp>;
  def dp : J<"dp", "N", "replicas of the pipeline (default 1; more is to come)">;
  def dp_s : S<"dp", dp>;
  def tp : J<"tp", "N",
    "ranks that share each stage's tensors (default 1; more is to come)">;
  def tp_s : S<"tp", tp>;
  def mesh : J<"mesh", "AXES",
    "all of --pp, --dp and --tp at once, as pipe=4,data=1,tensor=1">;
  def mesh_s : S<"mesh", mesh>;
  def mesh_order : J<"mesh-order", "AXES",
    "order of the axes over the ranks, the slowest first (default pipe,data,tensor: ranks that share tensors are neighbours)">;
  def mesh_order_s : S<"mesh-order", mesh_order>;
  def microbatches : J<"microbatches", "M",
    "micro-batches in a step, each of the size the model is written for (default 8)">;
  def microbatches_s : S<"microbatches", microbatches>;
  def schedule : J<"schedule", "NAME",
    "1f1b (default), gpipe, interleaved, looped-bfs, zb-h1, zb-h2, zb-v, v-half, v-min or dualpipe-v; search, for the fastest that is found for the times and memory of the stages; or a CSV file with a row of actions a rank, as PyTorch writes them">;
  def schedule_s : S<"schedule", schedule>;
  def virtual_stages : J<"virtual", "V",
    "stages a rank, for schedules with several (default 2; 1 with search)">;
  def virtual_stages_s : S<"virtual", virtual_stages>;
  def recompute : J<"recompute", "POLICY",
    "none keeps what backward needs; full computes each layer again in backward (default: as the layers say)">;
  def recompute_s : S<"recompute", recompute>;
  def precision : J<"precision", "TYPE",
    "what layers compute in: f32 (default), or bf16 with f32 master weights, gradients, optimizer and statistics">;
  def precision_s : S<"precision", precision>;
  def split_backward : F<"split-backward",
    "run the backward of a stage as two actions: I (input gradient), then W (weight gradients)">;
  def unroll : F<"unroll",
    "write out every micro-batch, where the repeating part of a schedule is a loop otherwise: same results, longer to compile">;
  def semantics : J<"semantics", "NAME",
    "what a send may rely on in the proof that no rank waits forever: rendezvous (default for CPUs) or fifo-per-edge (default for GPUs)">;
  def semantics_s : S<"semantics", semantics>;
  def profile : J<"profile", "FILE",
    "cut, search and predict with the times that a program measured and wrote with --profile-out, not with estimates">;
  def profile_s : S<"profile", profile>;
  def memory_limit : J<"memory-limit", "BYTES",
    "fail if a rank needs more memory; cut and search for less; suffixes K, M, G are powers of 1024">;
  def memory_limit_s : S<"memory-limit", memory_limit>;
}

let Group = code_group in {
  def target : J<"target", "NAME",
    "where layers run: cpu (default), or cuda: one rank a GPU, see docs/Gpu.md">;
  def target_s : S<"target", target>;
  def chip : J<"chip", "NAME",
    "with --target=cuda: the GPU's chip, such as sm_80 or sm_90a; its code is made now if ptxas is found, PTX always (default: PTX for sm_90a)">;
  def chip_s : S<"chip", chip>;
  def emulate_device : F<"emulate-device",
    "with --target=cuda: kernels for the host, too, so that the program runs without a GPU (slowly, for tests: --device=emulated)">;
  def epilogues : J<"epilogues", "NAME",
    "with --target=cuda: what cuBLASLt does beside products: all (default), bias (biases and their gradients, no GELU), or none; to compare">;
  def epilogues_s : S<"epilogues", epilogues>;
  def deterministic : J<"deterministic", "WHAT",
    "with --target=cuda: what has the same bits in each run: all (default; attention's backward then keeps what is of the size of all scores), or attention-off (it sums in any order, faster and in less memory)">;
  def deterministic_f : Flag<["--"], "deterministic">, Alias<deterministic>,
    AliasArgs<["all"]>, Flags<[HelpHidden]>;
  def cudnn : J<"cudnn", "VERSION",
    "with --target=cuda: the oldest cuDNN that the program will run with (default 9.19): from 9.25 on attention's backward on sm_90 takes no more memory than grows with the positions, and is slower for it">;
  def cudnn_s : S<"cudnn", cudnn>;
  def O : Joined<["-"], "O">, MetaVarName<"LEVEL">,
    HelpText<"optimisation level 0 to 3 (default 3)">;
  def target_cpu : J<"target-cpu", "NAME",
    "CPU to generate code for: native (default) or a name such as x86-64-v3">;
  def target_cpu_s : S<"target-cpu", target_cpu>;
  def mcpu : J<"mcpu", "NAME", "same as --target-cpu">, Alias<target_cpu>;
  def march : Joined<["-"], "march=">, Alias<target_cpu>, Flags<[HelpHidden]>;
  def mcpu_1 : Joined<["-"], "mcpu=">, Alias<target_cpu>, Flags<[HelpHidden]>;
  def target_features : J<"target-features", "LIST",
    "CPU features to switch, for example +avx2,-avx512f (default: all of the CPU's)">;
  def target_features_s : S<"target-features", target_features>;
  def linker_driver : J<"linker", "PATH",
    "C++ compiler driver that links the program (default: the one pp was built with)">;
  def linker_driver_s : S<"linker", linker_driver>;
  def runtime_dir : J<"runtime-dir", "DIR",
    "where libpprt.a lies (default: ../lib beside the tool's directory)">;
  def runtime_dir_s : S<"runtime-dir", runtime_dir>;
}

let Group = tool_group in {
  def help : F<"help", "show this text">;
  def help_h : Flag<["-"], "h">, Alias<help>, HelpText<"same as --help">;
  def version : F<"version", "show the version">;
  def verbose : Flag<["-"], "v">,
    HelpText<"show each step with its time and the link command">;
  def quiet : Flag<["-"], "q">, HelpText<"do not print the table of ranks">;
  def time_passes : F<"time-passes", "show the time of each pass">;
  def print_pipeline : F<"print-pipeline",
    "print the command line of pp-opt that makes the same IR, with what planning has decided">;
  def save_temps : F<"save-temps",
    "keep what lies between model and program beside it: .plan.mlir, .rank.mlir, .ll, .o">;
}
