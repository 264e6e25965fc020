//===- Options.cpp - Command line of pp-compile ---------------------------===//
//
// The options are declared in Options.td, which also makes --help; here their
// values are checked. All errors of a command line are reported, not only the
// first one.
//
//===----------------------------------------------------------------------===//

#include "pp/Driver/Options.h"
#include "Config.h"
#include "pp/CodeGen/GPU/Chip.h"
#include "pp/Pipelines/Targets.h"
#include "pp/Schedule/Load.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Option/Arg.h"
#include "llvm/Option/ArgList.h"
#include "llvm/Option/OptTable.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pp::driver;

namespace {
using namespace llvm::opt;

enum ID {
  OPT_INVALID = 0,
#define OPTION(...) LLVM_MAKE_OPT_ID(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

#define OPTTABLE_STR_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_STR_TABLE_CODE

#define OPTTABLE_PREFIXES_TABLE_CODE
#include "Options.inc"
#undef OPTTABLE_PREFIXES_TABLE_CODE

constexpr OptTable::Info infoTable[] = {
#define OPTION(...) LLVM_CONSTRUCT_OPT_INFO(__VA_ARGS__),
#include "Options.inc"
#undef OPTION
};

class CompileOptTable : public GenericOptTable {
public:
  CompileOptTable()
      : GenericOptTable(OptionStrTable, OptionPrefixesTable, infoTable) {}
};

/// Collects errors of one command line.
class Checker {
public:
  raw_ostream &error() {
    ++errors;
    return WithColor::error(errs(), "pp-compile");
  }
  bool failed() const { return errors != 0; }

private:
  unsigned errors = 0;
};

} // namespace

static constexpr StringLiteral kOverview =
    "pp-compile: a model in the pp and nn dialects becomes one program that "
    "trains it on N pipeline ranks";

static constexpr StringLiteral kExample =
    "\nEXAMPLE:\n"
    "  pp-compile examples/gpt.mlir -o gpt --pp=4 --microbatches=8 "
    "--schedule=1f1b\n"
    "  mpirun -n 4 ./gpt --data input.txt --steps 500 --save trained\n"
    "\n"
    "The table that is printed has a line for each rank: its layers, "
    "parameters,\n"
    "share of the computation, and the bytes of each kind at the moment when\n"
    "the rank needs most.\n";

/// The option as it stands on the command line.
static std::string spellingOf(const Arg *arg) {
  return arg->getSpelling().str() + arg->getValue();
}

/// A whole number of at least 1, or an error that names the option.
static void readCount(const Arg *arg, unsigned &value, StringRef what,
                      Checker &check) {
  if (!arg)
    return;
  uint64_t number;
  StringRef text = arg->getValue();
  if (text.getAsInteger(10, number) || number < 1 || number > 65536) {
    check.error() << "found '" << spellingOf(arg) << "', expected " << what
                  << ", a whole number from 1 to 65536\n";
    return;
  }
  value = unsigned(number);
}

/// Sizes of the axes of the mesh, each by its own option or all by --mesh.
/// Whether that of `pipe` is given.
static bool readMesh(const InputArgList &args, unsigned &pipe, Checker &check) {
  struct Axis {
    StringRef name;
    const Arg *arg;
    unsigned size;
    bool isGiven = false;
  };
  Axis axes[] = {{"pipe", args.getLastArg(OPT_pp), 1},
                 {"data", args.getLastArg(OPT_dp), 1},
                 {"tensor", args.getLastArg(OPT_tp), 1}};
  if (const Arg *mesh = args.getLastArg(OPT_mesh)) {
    SmallVector<StringRef> parts;
    StringRef(mesh->getValue()).split(parts, ',');
    for (StringRef part : parts) {
      auto [name, text] = part.split('=');
      Axis *axis = find_if(axes, [&, name = name](const Axis &known) {
        return known.name == name;
      });
      unsigned size;
      if (axis == std::end(axes) || axis->isGiven ||
          text.getAsInteger(10, size) || size < 1 || size > 65536) {
        check.error() << "found '" << part << "' in '" << spellingOf(mesh)
                      << "', expected each of pipe, data and tensor at most "
                         "once with a size from 1 to 65536, as "
                         "--mesh=pipe=4,data=1\n";
        return false;
      }
      axis->size = size;
      axis->isGiven = true;
    }
  }
  for (Axis &axis : axes) {
    if (axis.isGiven && axis.arg)
      check.error() << "found '" << spellingOf(axis.arg)
                    << "' beside --mesh with the axis '" << axis.name
                    << "', expected one of them\n";
    readCount(axis.arg, axis.size, "the size of an axis of the mesh", check);
    if (axis.name != "pipe" && axis.size > 1)
      check.error() << "found " << axis.size << " on the axis '" << axis.name
                    << "', expected 1: pipelines are not replicated and "
                       "tensors are not shared yet\n";
  }
  pipe = axes[0].size;
  return axes[0].isGiven || axes[0].arg;
}

/// One of the given names, or an error that lists them.
static bool readName(const Arg *arg, std::string &value,
                     ArrayRef<StringRef> names, Checker &check) {
  if (!arg)
    return false;
  StringRef text = arg->getValue();
  if (is_contained(names, text)) {
    value = text.str();
    return true;
  }
  raw_ostream &os = check.error();
  os << "found '" << spellingOf(arg) << "', expected one of "
     << join(names, ", ");
  unsigned best = 3;
  StringRef nearest;
  for (StringRef name : names)
    if (unsigned distance = text.edit_distance(name); distance < best) {
      best = distance;
      nearest = name;
    }
  if (!nearest.empty())
    os << "; did you mean '" << nearest << "'?";
  os << "\n";
  return false;
}

/// The schedule is made once, so that an impossible one is an error of the
/// command line. A file says how many ranks and micro-batches it is for.
static void readSchedule(const InputArgList &args, CompileOptions &options,
                         bool hasRanks, Checker &check) {
  const Arg *arg = args.getLastArg(OPT_schedule);
  const std::vector<std::string> &names = pp::schedule::names();
  if (arg && StringRef(arg->getValue()) == "search") {
    options.schedule = "search"; // made for the stages, once they are there
    return;
  }
  if (arg && !is_contained(names, arg->getValue()) &&
      !sys::fs::exists(arg->getValue())) {
    std::vector<StringRef> known(names.begin(), names.end());
    known.push_back("search");
    readName(arg, options.schedule, known, check);
    return;
  }
  if (arg)
    options.schedule = arg->getValue();
  bool isFile = !is_contained(names, options.schedule);
  pp::schedule::Setting setting;
  auto count = [&](bool isGiven, unsigned value) {
    return isFile && !isGiven ? 0 : int32_t(value);
  };
  setting.ranks = count(hasRanks, options.ranks);
  setting.microbatches =
      count(args.hasArg(OPT_microbatches), options.microbatches);
  setting.virtualStages = options.virtualStages;
  setting.splitBackward = options.splitBackward;
  auto schedule = pp::schedule::load(options.schedule, setting);
  if (!schedule) {
    check.error() << schedule.error() << "\n";
    return;
  }
  options.ranks = schedule->numRanks();
  options.microbatches = schedule->microbatches;
}

static void readTarget(const InputArgList &args, CompileOptions &options,
                       Checker &check) {
  readName(args.getLastArg(OPT_target), options.target, {"cpu", "cuda"}, check);
  readName(args.getLastArg(OPT_chip), options.chip, pp::chipNames(), check);
  readName(args.getLastArg(OPT_epilogues), options.epilogues,
           {"all", "bias", "none"}, check);
  readName(args.getLastArg(OPT_deterministic), options.deterministic,
           {"all", "attention-off"}, check);
  if (const Arg *arg = args.getLastArg(OPT_cudnn)) {
    options.cudnn = arg->getValue();
    if (!pp::readCudnnVersion(options.cudnn))
      check.error() << "found '" << spellingOf(arg)
                    << "', expected a version 9 of cuDNN, such as 9.19\n";
  }
  // A proof that the target's transports do not keep is none.
  if (auto target = pp::findTarget(options.target, options.chip, "f32"))
    readName(args.getLastArg(OPT_semantics), options.semantics,
             target->semantics, check);
  options.emulateDevice = args.hasArg(OPT_emulate_device);
  for (OptSpecifier option : {OPT_chip, OPT_epilogues, OPT_deterministic,
                              OPT_cudnn, OPT_emulate_device})
    if (const Arg *arg = args.getLastArg(option);
        arg && options.target != "cuda")
      check.error() << "found '" << arg->getAsString(args)
                    << "' without --target=cuda, expected both; add it\n";
}

static void readBytes(const Arg *arg, std::optional<uint64_t> &value,
                      Checker &check) {
  if (!arg)
    return;
  StringRef text = arg->getValue();
  unsigned shift = 0;
  if (!text.empty())
    shift = StringSwitch<unsigned>(text.take_back())
                .CasesLower({"k"}, 10)
                .CasesLower({"m"}, 20)
                .CasesLower({"g"}, 30)
                .Default(0);
  if (shift)
    text = text.drop_back();
  uint64_t number;
  if (text.getAsInteger(10, number) || number == 0 ||
      number > (~uint64_t(0) >> shift)) {
    check.error() << "found '" << spellingOf(arg)
                  << "', expected a number of bytes above 0, such as 800M or "
                     "16G\n";
    return;
  }
  value = number << shift;
}

/// The model's file name without its extension, with the one for `kind`.
static std::string defaultOutput(StringRef input, EmitKind kind) {
  if (input == "-")
    return kind == EmitKind::Program || kind == EmitKind::Object ? "a.out"
                                                                 : "-";
  SmallString<128> path(sys::path::filename(input));
  sys::path::replace_extension(path, "");
  switch (kind) {
  case EmitKind::Plan:
    path += ".plan.mlir";
    break;
  case EmitKind::Rank:
    path += ".rank.mlir";
    break;
  case EmitKind::Roofline:
    path += ".roofline.txt";
    break;
  case EmitKind::LLVMDialect:
    path += ".llvm.mlir";
    break;
  case EmitKind::LLVM:
    path += ".ll";
    break;
  case EmitKind::Object:
    path += ".o";
    break;
  case EmitKind::Program:
    break;
  }
  return std::string(path);
}

ParsedCommandLine
pp::driver::parseCommandLine(ArrayRef<const char *> arguments) {
  CompileOptTable table;
  unsigned missingIndex, missingCount;
  InputArgList args =
      table.ParseArgs(arguments.drop_front(), missingIndex, missingCount);
  if (args.hasArg(OPT_help) || arguments.size() == 1) {
    table.printHelp(outs(), "pp-compile MODEL.mlir -o PROGRAM [options]",
                    kOverview.data());
    outs() << kExample;
    return {std::nullopt, arguments.size() == 1 ? 1 : 0};
  }
  if (args.hasArg(OPT_version)) {
    outs() << "pp-compile " PP_VERSION " (LLVM " PP_LLVM_VERSION ")\n";
    return {};
  }

  Checker check;
  CompileOptions options;
  if (missingCount)
    check.error() << "found '" << args.getArgString(missingIndex)
                  << "' without a value, expected one after it\n";
  for (const Arg *arg : args.filtered(OPT_UNKNOWN)) {
    std::string nearest;
    raw_ostream &os = check.error();
    os << "unknown option '" << arg->getAsString(args) << "'";
    if (table.findNearest(arg->getAsString(args), nearest) <= 2)
      os << "; did you mean '" << nearest << "'?";
    else
      os << "; --help lists all of them";
    os << "\n";
  }

  std::vector<std::string> inputs = args.getAllArgValues(OPT_INPUT);
  if (inputs.size() == 1)
    options.input = inputs.front();
  else if (inputs.empty())
    check.error() << "found no input, expected the model's file: pp-compile "
                     "MODEL.mlir -o PROGRAM\n";
  else
    check.error() << "found " << inputs.size() << " inputs ('" << inputs[0]
                  << "', '" << inputs[1]
                  << "', ...), expected one model's file\n";

  const bool hasRanks = readMesh(args, options.ranks, check);
  readName(args.getLastArg(OPT_mesh_order), options.meshOrder,
           {"pipe,data,tensor", "pipe,tensor,data", "data,pipe,tensor",
            "data,tensor,pipe", "tensor,pipe,data", "tensor,data,pipe"},
           check);
  readCount(args.getLastArg(OPT_microbatches), options.microbatches,
            "the number of micro-batches", check);
  readCount(args.getLastArg(OPT_virtual_stages), options.virtualStages,
            "the number of stages a rank", check);
  std::string recompute;
  if (readName(args.getLastArg(OPT_recompute), recompute, {"none", "full"},
               check))
    options.recompute = recompute;
  readName(args.getLastArg(OPT_precision), options.precision, {"f32", "bf16"},
           check);
  options.splitBackward = args.hasArg(OPT_split_backward);
  options.unroll = args.hasArg(OPT_unroll);
  readSchedule(args, options, hasRanks, check);
  readBytes(args.getLastArg(OPT_memory_limit), options.memoryLimit, check);

  options.profile = args.getLastArgValue(OPT_profile).str();

  std::string emit = "program";
  readName(
      args.getLastArg(OPT_emit), emit,
      {"program", "object", "llvm", "llvm-dialect", "roofline", "rank", "plan"},
      check);
  options.emit = StringSwitch<EmitKind>(emit)
                     .Case("plan", EmitKind::Plan)
                     .Case("rank", EmitKind::Rank)
                     .Case("roofline", EmitKind::Roofline)
                     .Case("llvm", EmitKind::LLVM)
                     .Case("llvm-dialect", EmitKind::LLVMDialect)
                     .Case("object", EmitKind::Object)
                     .Default(EmitKind::Program);
  readTarget(args, options, check);
  options.machine = args.getLastArgValue(OPT_machine).str();
  bool isRoofline = options.emit == EmitKind::Roofline;
  if (isRoofline && options.target != "cuda")
    check.error() << "found --emit=roofline with --target=" << options.target
                  << ", expected --target=cuda: only kernels of GPUs say what "
                     "they move\n";
  if (isRoofline && options.machine.empty())
    check.error() << "found --emit=roofline without --machine, expected a file "
                     "of rates, such as "
                     "--machine=examples/machines/h100.json\n";
  if (!isRoofline && !options.machine.empty())
    check.error() << "found --machine with --emit=" << emit
                  << ", expected --emit=roofline: nothing else reads it\n";
  // Each micro-batch is one of its own in the program.
  options.unroll |= isRoofline;
  std::string level = "3";
  readName(args.getLastArg(OPT_O), level, {"0", "1", "2", "3"}, check);
  options.optimization = level[0] - '0';
  options.targetCPU =
      args.getLastArgValue(OPT_target_cpu, options.targetCPU).str();
  options.targetFeatures = args.getLastArgValue(OPT_target_features).str();
  options.linker = args.getLastArgValue(OPT_linker_driver).str();
  options.runtimeDir = args.getLastArgValue(OPT_runtime_dir).str();
  options.verbose = args.hasArg(OPT_verbose);
  options.quiet = args.hasArg(OPT_quiet);
  options.timePasses = args.hasArg(OPT_time_passes);
  options.printPipeline = args.hasArg(OPT_print_pipeline);
  options.saveTemps = args.hasArg(OPT_save_temps);

  options.output = args.getLastArgValue(OPT_output).str();
  if (options.output.empty())
    options.output = defaultOutput(options.input, options.emit);
  if (options.output == "-" &&
      (options.emit == EmitKind::Program || options.emit == EmitKind::Object))
    check.error() << "found '-o -' with --emit=" << emit
                  << ", expected a file: only text goes to standard output\n";
  if (options.output == "-" && options.saveTemps)
    check.error() << "found '-o -' with --save-temps, expected a file: what is "
                     "kept lies beside it\n";
  if (sys::fs::is_directory(options.input))
    check.error() << "found the directory '" << options.input
                  << "', expected the file of a model; check its path\n";
  else if (options.output == options.input
               ? options.output != "-"
               : sys::fs::equivalent(options.output, options.input))
    check.error() << "found the model itself as the output '" << options.output
                  << "', expected another file\n";
  if (check.failed())
    return {std::nullopt, 1};
  return {std::move(options), 0};
}
