//===- Options.td - The options of the compiler ----------------*- tablegen -*-===//
//
// One table for pp-compile and for the pipelines of pp-opt. From it are made
//
// - the parser and --help of pp-compile (llvm-tblgen -gen-opt-parser-defs);
// - fields and defaults of PipelineOptions and CompileOptions, the options of the
//   pipelines, what reads and checks each value, and docs/Options.md
//   (cmake/options.py, on this table as JSON).
//
// What one option says about another one is checked in lib/Driver/Options.cpp.
//
//===----------------------------------------------------------------------===//

include "llvm/Option/OptParser.td"

//===----------------------------------------------------------------------===//
// What an option is
//===----------------------------------------------------------------------===//

/// A field of PipelineOptions, or of CompileOptions for what is no option of
/// pipelines, its type and what it is at first, as C++ has them.
class Setting<string member, string type, string initial> {
  string Field = member;
  string Type = type;
  string Initial = initial;
  string Kind = "";            // by which it is read; by hand if empty
  string What = "";            // for errors
  int Lowest = 0;              // of numbers in pipelines, where 0 means not given
  int Highest = 0;
  int HighestOfPipelines = 0;
  list<string> Allowed = [];   // names
  string AllowedFrom = "";     // or C++ that says them
}
class FlagOf<string member> : Setting<member, "bool", "false"> {
  let Kind = "flag";
}
class CountOf<string member, int initial, string what, int highest = 65536>
    : Setting<member, "int64_t", !cast<string>(initial)> {
  let Kind = "count";
  let What = what;
  let Lowest = 1;
  let Highest = 65536;
  let HighestOfPipelines = highest;
}
class TextOf<string member, string initial = "">
    : Setting<member, "std::string", "\"" # initial # "\""> {
  let Kind = "text";
}
class ChoiceOf<string member, string initial, list<string> allowed>
    : TextOf<member, initial> {
  let Kind = "choice";
  let Allowed = allowed;
}
/// Names that code knows; pipelines check them where they use them.
class NamesOf<string member, string initial, string allowed>
    : TextOf<member, initial> {
  let Kind = "choice";
  let AllowedFrom = allowed;
}
class BytesOf<string member> : Setting<member, "uint64_t", "0"> {
  let Kind = "bytes";
}

/// An option: of pp-compile, of pipelines (by the name `pipeline`), or of both.
/// In `text`, {schedules}, {semantics}, {targets} and {chip} are what code knows.
class Option_<Setting setting, string pipeline, string text, string needs> {
  Setting Value = setting;
  string PipelineName = pipeline;
  string Text = text;
  string Needs = needs; // the target without which it means nothing
}
class Switch<string name, Setting setting, string pipeline, string text,
             string needs = "">
    : Flag<["--"], name>, HelpText<text>,
      Option_<setting, pipeline, text, needs>;
/// `--name=value`.
class JoinedValue<string name, string meta, Setting setting, string pipeline,
                  string text, string needs = "">
    : Joined<["--"], name # "=">, MetaVarName<meta>, HelpText<text>,
      Option_<setting, pipeline, text, needs>;
/// `--name=value` and `--name value`.
multiclass Value<string name, string meta, Setting setting, string pipeline,
                 string text, string needs = ""> {
  def NAME : JoinedValue<name, meta, setting, pipeline, text, needs>;
  def NAME # _s : Separate<["--"], name>, Alias<!cast<Option>(NAME)>,
      Flags<[HelpHidden]>;
}
/// Of pipelines alone.
class Internal<string name, Setting setting, string text>
    : Option_<setting, name, text, "">;

def main_group : OptionGroup<"the program">, HelpText<"THE PROGRAM">;
def plan_group : OptionGroup<"the pipeline">, HelpText<"THE PIPELINE">;
def code_group : OptionGroup<"code generation">, HelpText<"CODE GENERATION">;
def tool_group : OptionGroup<"the tool">, HelpText<"THE TOOL">;

def ByHand : Setting<"", "", "">;

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

let Group = main_group in {
  def output : JoinedOrSeparate<["-"], "o">, MetaVarName<"PROGRAM">,
    HelpText<"write the result to PROGRAM (default: the model's file name without .mlir, with .o, .ll, .llvm.mlir, .rank.mlir or .plan.mlir for the other kinds; - is standard output for text)">;
  def output_long : Joined<["--"], "output=">, Alias<output>, Flags<[HelpHidden]>;
  defm emit : Value<"emit", "KIND",
    ChoiceOf<"emitKind", "program", ["program", "object", "llvm", "llvm-dialect", "roofline", "rank", "plan"]>, "",
    "what to write: program (executable, default), object (native code before the link), llvm (LLVM IR), llvm-dialect (what it is translated from, as pp-opt --pp-to-llvm writes it), roofline (with --target=cuda: a table of times of kernels by the rates of --machine), rank (IR of the rank programs), plan (IR of stages and schedule)">;
  defm machine : Value<"machine", "FILE", TextOf<"machine">, "",
    "with --emit=roofline: what a GPU does in a second, as examples/machines/h100.json">;
}

let Group = plan_group in {
  defm pp : Value<"pp", "N", CountOf<"ranks", 1, "the size of an axis of the mesh">, "ranks",
    "pipeline ranks (default 1)">;
  defm dp : Value<"dp", "N", CountOf<"replicas", 1, "the size of an axis of the mesh">, "replicas",
    "replicas of the pipeline, each with its own micro-batches (default 1)">;
  defm reduction_groups : Value<"reduction-groups", "G",
    CountOf<"groups", 0, "the number of groups", 1048576>, "groups",
    "groups of micro-batches whose gradients are summed in a tree: --dp times a power of two; equal groups give equal bits with any --dp (default: --dp)">;
  defm zero : Value<"zero", "STAGE", ChoiceOf<"zero", "1", ["0", "1"]>, "zero",
    "with --dp: 1 cuts optimizer states and updates over the replicas (default), 0 has all of them on each">;
  defm optimizers : Value<"optimizers", "NAMES", TextOf<"optimizers">, "optimizers",
    "optimizers that the program can be started with, with commas between; the first is its default (default: all)">;
  defm tp : Value<"tp", "N", CountOf<"tensors", 0, "the size of an axis of the mesh">, "tensors",
    "ranks that share each layer of a stage (default 1, or what the model's own pp.mesh says)">;
  defm tensor_groups : Value<"tensor-groups", "T",
    CountOf<"tensorGroups", 0, "the number of parts", 65536>, "tensor-groups",
    "parts of each layer, a multiple of --tp, whose ranks compute several of them one after the other; equal parts give equal bits with any --tp (default: --tp)">;
  defm sequence_parallel : Value<"sequence-parallel", "WHEN",
    ChoiceOf<"sequence", "auto", ["auto", "on", "off"]>, "sequence",
    "with --tp: whether what goes between products and between layers is cut along the sequence: auto (by cost, default), on or off">;
  defm gather_again : Value<"gather-again", "WHEN",
    ChoiceOf<"gatherAgain", "on", ["on", "off"]>, "gather-again",
    "with --tp: whether what layers gather is gathered once more in the backward (on, default: a rank keeps its part) or kept whole (off)">;
  defm overlap : Value<"overlap", "WHEN",
    ChoiceOf<"overlap", "on", ["on", "off"]>, "overlap",
    "with --tp: whether collectives of layers go on beside work that does not need them (on, default) or to their end (off): same results">;
  defm mesh : Value<"mesh", "AXES", ByHand, "",
    "all of --pp, --dp and --tp at once, as pipe=4,data=1,tensor=1">;
  defm mesh_order : Value<"mesh-order", "AXES",
    ChoiceOf<"meshOrder", "pipe,data,tensor",
      ["pipe,data,tensor", "pipe,tensor,data", "data,pipe,tensor", "data,tensor,pipe", "tensor,pipe,data", "tensor,data,pipe"]>,
    "mesh-order",
    "order of the axes over the ranks, the slowest first (default pipe,data,tensor: ranks that share tensors are neighbours)">;
  defm microbatches : Value<"microbatches", "M",
    CountOf<"microbatches", 8, "the number of micro-batches", 1048576>, "microbatches",
    "micro-batches in a step of each replica, each of the size the model is written for (default 8)">;
  defm schedule : Value<"schedule", "NAME", TextOf<"schedule", "1f1b">, "schedule",
    "{schedules} (default 1f1b); search, for the fastest that is found for the times and memory of the stages; or a CSV file with a row of actions a rank, as PyTorch writes them">;
  defm virtual_stages : Value<"virtual", "V",
    CountOf<"virtualStages", 0, "the number of stages a rank">, "virtual",
    "stages a rank, for schedules with several (default 2; 1 with search)">;
  defm recompute : Value<"recompute", "POLICY", ChoiceOf<"recompute", "", ["none", "full"]>, "recompute",
    "none keeps what backward needs; full computes each layer again in backward (default: as the layers say)">;
  defm precision : Value<"precision", "TYPE", ChoiceOf<"precision", "f32", ["f32", "bf16"]>, "precision",
    "what layers compute in: f32 (default), or bf16 with f32 master weights, gradients, optimizer and statistics">;
  def split_backward : Switch<"split-backward", FlagOf<"split">, "split",
    "run the backward of a stage as two actions: I (input gradient), then W (weight gradients)">;
  def unroll : Switch<"unroll", FlagOf<"unroll">, "unroll",
    "write out every micro-batch, where the repeating part of a schedule is a loop otherwise: same results, longer to compile">;
  defm profile : Value<"profile", "FILE", TextOf<"profile">, "profile",
    "cut, search and predict with the times that a program measured and wrote with --profile-out, not with estimates">;
  defm evaluation : Value<"evaluation", "WHEN", ChoiceOf<"evaluation", "on", ["on", "off"]>, "evaluation",
    "whether the program can compute losses of other data between steps (on, default: its --eval-data) or not (off: a little less code)">;
  defm memory_limit : Value<"memory-limit", "BYTES", BytesOf<"memoryLimit">, "memory-limit",
    "fail if a rank needs more memory; cut and search for less; suffixes K, M, G are powers of 1024">;
}

let Group = code_group in {
  defm target : Value<"target", "NAME", NamesOf<"target", "cpu", "pp::targetNames()">, "target",
    "where layers run: {targets} (default cpu); cuda: one rank a GPU, see docs/Gpu.md">;
  defm chip : Value<"chip", "NAME", NamesOf<"chip", "", "pp::chipNames()">, "chip",
    "with --target=cuda: the GPU's chip, such as sm_80 or sm_90a; its code is made now if ptxas is found, PTX always (default: PTX for {chip})", "cuda">;
  def emulate_device : Switch<"emulate-device", FlagOf<"emulate">, "emulate",
    "with --target=cuda: kernels for the host, too, so that the program runs without a GPU (slowly, for tests: --device=emulated)", "cuda">;
  defm epilogues : Value<"epilogues", "NAME", ChoiceOf<"epilogues", "all", ["all", "bias", "none"]>, "epilogues",
    "with --target=cuda: what cuBLASLt does beside products: all (default), bias (biases and their gradients, no GELU), or none; to compare", "cuda">;
  def deterministic : JoinedValue<"deterministic", "WHAT", ChoiceOf<"deterministic", "all", ["all", "attention-off"]>, "deterministic",
    "with --target=cuda: what has the same bits in each run: all (default; attention's backward then keeps what is of the size of all scores), or attention-off (it sums in any order, faster and in less memory)", "cuda">;
  def deterministic_f : Flag<["--"], "deterministic">, Alias<deterministic>,
    AliasArgs<["all"]>, Flags<[HelpHidden]>;
  defm cudnn : Value<"cudnn", "VERSION", TextOf<"cudnn", "9.19">, "cudnn",
    "with --target=cuda: the oldest cuDNN that the program will run with (default 9.19): from 9.25 on attention's backward on sm_90 takes no more memory than grows with the positions, and is slower for it", "cuda">;
  def O : Joined<["-"], "O">, MetaVarName<"LEVEL">, HelpText<"optimisation level 0 to 3 (default 3)">,
    Option_<ChoiceOf<"optimization", "3", ["0", "1", "2", "3"]>, "", "optimisation level 0 to 3 (default 3)", "">;
  defm target_cpu : Value<"target-cpu", "NAME", TextOf<"targetCPU", "native">, "",
    "CPU to generate code for: native (default) or a name such as x86-64-v3">;
  def mcpu : Joined<["--"], "mcpu=">, MetaVarName<"NAME">, HelpText<"same as --target-cpu">, Alias<target_cpu>;
  def march : Joined<["-"], "march=">, Alias<target_cpu>, Flags<[HelpHidden]>;
  def mcpu_1 : Joined<["-"], "mcpu=">, Alias<target_cpu>, Flags<[HelpHidden]>;
  defm target_features : Value<"target-features", "LIST", TextOf<"targetFeatures">, "",
    "CPU features to switch, for example +avx2,-avx512f (default: all of the CPU's)">;
  defm linker_driver : Value<"linker", "PATH", TextOf<"linker">, "",
    "C++ compiler driver that links the program (default: the one pp was built with)">;
  defm runtime_dir : Value<"runtime-dir", "DIR", TextOf<"runtimeDir">, "",
    "where libpprt.a lies (default: ../lib beside the tool's directory)">;
}

// Behind the target, on which its names depend.
let Group = plan_group in {
  defm semantics : Value<"semantics", "NAME",
    NamesOf<"semantics", "", "pp::semanticsOf(options.pipeline)">, "semantics",
    "what a send may rely on in the proof that no rank waits forever, of what the target's transports give: {semantics} (default: the first of the target's)">;
}

let Group = tool_group in {
  def help : Flag<["--"], "help">, HelpText<"show this text">;
  def help_h : Flag<["-"], "h">, Alias<help>, HelpText<"same as --help">;
  def version : Flag<["--"], "version">, HelpText<"show the version">;
  def verbose : Flag<["-"], "v">, HelpText<"show each step with its time and the link command">,
    Option_<FlagOf<"verbose">, "", "show each step with its time and the link command", "">;
  def quiet : Flag<["-"], "q">, HelpText<"do not print the table of ranks">,
    Option_<FlagOf<"quiet">, "", "do not print the table of ranks", "">;
  def time_passes : Switch<"time-passes", FlagOf<"timePasses">, "",
    "show the time of each pass">;
  def print_pipeline : Switch<"print-pipeline", FlagOf<"printPipeline">, "",
    "print the command line of pp-opt that makes the same IR, with what planning has decided">;
  def save_temps : Switch<"save-temps", FlagOf<"saveTemps">, "",
    "keep what lies between model and program beside it: .plan.mlir, .rank.mlir, .ll, .o">;
}

// Partitioning and search rely on estimates of memory: pp/Planner tries again with
// smaller budgets where the exact plan exceeds the limit, and says which it took.
def partition_memory : Internal<"partition-memory", BytesOf<"partitionMemory">,
  "bytes that a partition counts on; 0: memory-limit">;
def search_memory : Internal<"search-memory", BytesOf<"searchMemory">,
  "bytes that a search counts on; 0: memory-limit">;
def search_as : Internal<"search-as", TextOf<"searchAs">, "see pp-partition">;
def fingerprint : Internal<"fingerprint", TextOf<"fingerprint">,
  "digest of the model's text, for the program's reports">;
def cpu : Internal<"cpu", TextOf<"cpu">, "CPU; empty: the host's">;
def features : Internal<"features", TextOf<"features">,
  "CPU features; empty: the host's">;
