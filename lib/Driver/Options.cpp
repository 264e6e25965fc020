//===- Options.cpp - Command line of pp-compile ---------------------------===//
//
// The options are a table, pp/Pipelines/Options.td, which also makes --help and
// the statements that read each value. Here is how values are read, and what
// one option says about another. All errors of a command line are reported, not
// only the first one.
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

/// With the names that code knows in the help.
class CompileOptTable {
public:
  CompileOptTable() : infos(std::begin(infoTable), std::end(infoTable)) {
    texts.reserve(infos.size());
    for (OptTable::Info &info : infos)
      if (info.HelpText) {
        texts.push_back(pp::describeOption(info.HelpText));
        info.HelpText = texts.back().c_str();
      }
    table.emplace(infos);
  }
  const GenericOptTable *operator->() const { return &*table; }

private:
  struct Table : GenericOptTable {
    explicit Table(ArrayRef<OptTable::Info> infos)
        : GenericOptTable(OptionStrTable, OptionPrefixesTable, infos) {}
  };
  std::vector<OptTable::Info> infos;
  std::vector<std::string> texts;
  std::optional<Table> table;
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

/// A whole number in a range, or an error that names the option.
static void readCount(const Arg *arg, int64_t &value, StringRef what,
                      int64_t lowest, int64_t highest, Checker &check) {
  if (!arg)
    return;
  int64_t number;
  StringRef text = arg->getValue();
  if (text.getAsInteger(10, number) || number < lowest || number > highest) {
    check.error() << "found '" << spellingOf(arg) << "', expected " << what
                  << ", a whole number from " << lowest << " to " << highest
                  << "\n";
    return;
  }
  value = number;
}

static void readText(const Arg *arg, std::string &value) {
  if (arg)
    value = arg->getValue();
}

/// Sizes of the axes of the mesh, each by its own option or all by --mesh.
/// Whether that of `pipe` is given.
static bool readMesh(const InputArgList &args, pp::PipelineOptions &options,
                     Checker &check) {
  struct Axis {
    StringRef name;
    const Arg *arg;
    int64_t size;
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
      int64_t size;
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
  for (Axis &axis : axes)
    if (axis.isGiven && axis.arg)
      check.error() << "found '" << spellingOf(axis.arg)
                    << "' beside --mesh with the axis '" << axis.name
                    << "', expected one of them\n";
  if (axes[0].isGiven)
    options.ranks = axes[0].size;
  if (axes[1].isGiven)
    options.replicas = axes[1].size;
  if (axes[2].isGiven)
    options.tensors = axes[2].size;
  return axes[0].isGiven || axes[0].arg;
}

/// Groups are those of one replica times the replicas, and share its
/// micro-batches equally.
static void checkGroups(const pp::PipelineOptions &options, Checker &check) {
  if (options.groups == 0)
    return;
  const int64_t each = options.groups / options.replicas;
  if (each * options.replicas == options.groups && isPowerOf2_64(each) &&
      options.microbatches % each == 0)
    return;
  check.error() << "found --reduction-groups=" << options.groups
                << " with --dp=" << options.replicas
                << " and --microbatches=" << options.microbatches
                << ", expected --dp times a power of two of which the "
                   "micro-batches of a replica are a multiple\n";
}

/// Parts of a layer fall to the ranks that share it in equal shares.
static void checkParts(const pp::PipelineOptions &options, Checker &check) {
  const int64_t ranks = std::max<int64_t>(options.tensors, 1);
  if (options.tensorGroups == 0)
    return;
  if (options.tensorGroups % ranks != 0)
    check.error() << "found --tensor-groups=" << options.tensorGroups
                  << " with --tp=" << ranks
                  << ", expected a multiple of --tp\n";
  else if (options.tensorGroups != ranks &&
           !StringRef(options.meshOrder).ends_with(",tensor"))
    check.error() << "found --tensor-groups=" << options.tensorGroups
                  << " with --mesh-order=" << options.meshOrder
                  << ", expected tensor last: ranks that share a process are "
                     "neighbours\n";
}

/// One of the given names, or an error that lists them. There are none where
/// they follow from another option that is wrong.
static bool readName(const Arg *arg, std::string &value,
                     ArrayRef<StringRef> names, Checker &check) {
  if (!arg || names.empty())
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
static void readSchedule(const InputArgList &args, pp::PipelineOptions &options,
                         bool hasRanks, Checker &check) {
  const Arg *arg = args.getLastArg(OPT_schedule);
  const std::vector<std::string> &names = pp::schedule::names();
  if (options.schedule == "search")
    return; // made for the stages, once they are there
  bool isFile = !is_contained(names, options.schedule);
  if (arg && isFile && !sys::fs::exists(options.schedule)) {
    std::vector<StringRef> known(names.begin(), names.end());
    known.push_back("search");
    readName(arg, options.schedule, known, check);
    return;
  }
  pp::schedule::Setting setting;
  auto count = [&](bool isGiven, int64_t value) {
    return isFile && !isGiven ? 0 : int32_t(value);
  };
  setting.ranks = count(hasRanks, options.ranks);
  setting.microbatches =
      count(args.hasArg(OPT_microbatches), options.microbatches);
  setting.virtualStages = options.virtualStages;
  setting.splitBackward = options.split;
  auto schedule = pp::schedule::load(options.schedule, setting);
  if (!schedule) {
    check.error() << schedule.error() << "\n";
    return;
  }
  options.ranks = schedule->numRanks();
  options.microbatches = schedule->microbatches;
}

/// An option that only `target` gives a meaning.
static void needTarget(const Arg *arg, StringRef target,
                       const InputArgList &args, const CompileOptions &options,
                       Checker &check) {
  if (arg && options.pipeline.target != target)
    check.error() << "found '" << arg->getAsString(args)
                  << "' without --target=" << target
                  << ", expected both; add it\n";
}

static void readBytes(const Arg *arg, uint64_t &value, Checker &check) {
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
      table->ParseArgs(arguments.drop_front(), missingIndex, missingCount);
  if (args.hasArg(OPT_help) || arguments.size() == 1) {
    table->printHelp(outs(), "pp-compile MODEL.mlir -o PROGRAM [options]",
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
    if (table->findNearest(arg->getAsString(args), nearest) <= 2)
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

#include "pp/Pipelines/ReadOptions.cpp.inc"
  const bool hasRanks = readMesh(args, options.pipeline, check);
  readSchedule(args, options.pipeline, hasRanks, check);
  checkGroups(options.pipeline, check);
  checkParts(options.pipeline, check);
  if (const Arg *arg = args.getLastArg(OPT_cudnn);
      arg && !pp::readCudnnVersion(options.pipeline.cudnn))
    check.error() << "found '" << spellingOf(arg)
                  << "', expected a version 9 of cuDNN, such as 9.19\n";

  options.emit = StringSwitch<EmitKind>(options.emitKind)
                     .Case("plan", EmitKind::Plan)
                     .Case("rank", EmitKind::Rank)
                     .Case("roofline", EmitKind::Roofline)
                     .Case("llvm-dialect", EmitKind::LLVMDialect)
                     .Case("llvm", EmitKind::LLVM)
                     .Case("object", EmitKind::Object)
                     .Default(EmitKind::Program);
  bool isRoofline = options.emit == EmitKind::Roofline;
  if (isRoofline && options.pipeline.target != "cuda")
    check.error() << "found --emit=roofline with --target="
                  << options.pipeline.target
                  << ", expected --target=cuda: only kernels of GPUs say what "
                     "they move\n";
  if (isRoofline && options.machine.empty())
    check.error() << "found --emit=roofline without --machine, expected a file "
                     "of rates, such as "
                     "--machine=examples/machines/h100.json\n";
  if (!isRoofline && !options.machine.empty())
    check.error() << "found --machine with --emit=" << options.emitKind
                  << ", expected --emit=roofline: nothing else reads it\n";
  // Each micro-batch is one of its own in the program.
  options.pipeline.unroll |= isRoofline;

  options.output = args.getLastArgValue(OPT_output).str();
  if (options.output.empty())
    options.output = defaultOutput(options.input, options.emit);
  if (options.output == "-" &&
      (options.emit == EmitKind::Program || options.emit == EmitKind::Object))
    check.error() << "found '-o -' with --emit=" << options.emitKind
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
