//===- Roofline.cpp - Times of kernels by assumed rates -------------------===//
//
// A kernel takes as long as its bytes or its operations, whichever is longer,
// by the rates of a file, and a collective of layers as long as its messages.
// So this says which kernels are worth work and what more there is to gain in
// them, not how long a step takes on a device: rates differ between shapes, and
// nothing here has been measured.
//
// What a layer or a function of the step's end calls says each call
// (`pp.cost`); how often it runs say the programs of the ranks.
//
//===----------------------------------------------------------------------===//

#include "Roofline.h"

#include "pp/Dialect/PP/IR/StepFunctions.h"
#include "pp/Schedule/Simulator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>

using namespace mlir;
using namespace pp;
using namespace pp::driver;
using llvm::formatv;

llvm::Expected<MachineRates> MachineRates::read(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!file)
    return llvm::createStringError(
        "cannot read '" + path + "': " + file.getError().message() +
        ", expected a file of rates such as examples/machines/h100.json; check "
        "--machine");
  llvm::Expected<llvm::json::Value> value =
      llvm::json::parse((*file)->getBuffer());
  if (!value)
    return llvm::createStringError("found no JSON in '" + path +
                                   "': " + llvm::toString(value.takeError()) +
                                   "; compare it with "
                                   "examples/machines/h100.json");
  MachineRates rates;
  std::pair<StringRef, double *> fields[] = {
      {"kernel_bytes_per_second", &rates.kernelBytes},
      {"copy_bytes_per_second", &rates.copyBytes},
      {"bf16_products_per_second", &rates.bf16Products},
      {"f32_products_per_second", &rates.f32Products},
      {"attention_forward_per_second", &rates.attentionForward},
      {"attention_backward_per_second", &rates.attentionBackward},
      {"seconds_per_call", &rates.secondsPerCall},
      {"transfer_bytes_per_second", &rates.transferBytes},
      {"seconds_per_message", &rates.secondsPerMessage}};
  const llvm::json::Object *object = value->getAsObject();
  for (auto &[key, field] : fields) {
    std::optional<double> number =
        object ? object->getNumber(key) : std::nullopt;
    // Rates of a byte or an operation a second and more; a call or a message of
    // at most 1 s.
    bool isTime =
        field == &rates.secondsPerCall || field == &rates.secondsPerMessage;
    if (!number || !(*number >= (isTime ? 0 : 1)) ||
        !(*number <= (isTime ? 1 : 1e30)))
      return llvm::createStringError(
          "found no number " +
          std::string(isTime ? "from 0 to 1" : "from 1 to 1e30") + " for '" +
          key + "' in '" + path +
          "', expected one; compare the file with examples/machines/h100.json");
    *field = *number;
  }
  std::optional<StringRef> name = object->getString("name");
  if (!name || name->empty() || !llvm::all_of(*name, llvm::isPrint))
    return llvm::createStringError(
        "found no name of printable characters in '" + path +
        "', expected \"name\", which the table says its rates are of");
  rates.name = name->str();
  return rates;
}

namespace {
struct Cost {
  std::string kind;
  bool isBF16 = false;
  double calls = 0, bytes = 0, least = 0, operations = 0, seconds = 0;
  double messages = 0;               ///< of collectives, one after another
  llvm::SetVector<StringRef> layers; ///< its callers

  void add(const Cost &other, double times) {
    kind = other.kind;
    isBF16 = other.isBF16;
    calls += times * other.calls;
    bytes += times * other.bytes;
    least += times * other.least;
    operations += times * other.operations;
    messages += times * other.messages;
    layers.insert_range(other.layers);
  }
};
using Costs = llvm::MapVector<StringRef, Cost>;

/// What a step of one rank calls.
class Step {
public:
  Step(ModuleOp module) : module(module), symbols(module) {
    for (ModuleOp inner : module.getOps<ModuleOp>())
      layers = inner;
  }

  Costs of(ProgramOp program);

private:
  const Costs &ofFunction(StringRef name);
  static Cost costOf(DictionaryAttr attribute, StringRef layer);
  /// The parameter that an op of the step's end is about.
  ParameterOp parameterOf(Operation *op);

  ModuleOp module, layers;
  SymbolTable symbols;
  std::map<std::string, Costs> functions;
};
} // namespace

Cost Step::costOf(DictionaryAttr attribute, StringRef layer) {
  Cost cost;
  cost.kind = attribute.getAs<StringAttr>("kind").str();
  auto element = attribute.getAs<StringAttr>("element");
  cost.isBF16 = element && element.getValue() == "bf16";
  cost.calls = 1;
  cost.bytes = double(attribute.getAs<IntegerAttr>("bytes").getInt());
  cost.least = double(attribute.getAs<IntegerAttr>("least").getInt());
  cost.operations = attribute.getAs<FloatAttr>("operations").getValueAsDouble();
  if (auto messages = attribute.getAs<IntegerAttr>("messages"))
    cost.messages = double(messages.getInt());
  cost.layers.insert(layer);
  return cost;
}

/// A function of a stage calls layers, one of a layer what the device does.
const Costs &Step::ofFunction(StringRef name) {
  auto [entry, isNew] = functions.try_emplace(name.str());
  Costs &costs = entry->second;
  if (!isNew)
    return costs;
  auto function = symbols.lookup<func::FuncOp>(name);
  if (function && !function.isExternal()) {
    function.walk([&](func::CallOp call) {
      for (auto &[kernel, cost] : ofFunction(call.getCallee()))
        costs[kernel].add(cost, 1);
    });
    return costs;
  }
  Operation *layer = layers ? layers.lookupSymbol(name) : nullptr;
  if (layer)
    layer->walk([&](LLVM::CallOp call) {
      if (auto cost = call->getAttrOfType<DictionaryAttr>("pp.cost"))
        costs[cost.getAs<StringAttr>("name").getValue()].add(costOf(cost, name),
                                                             1);
    });
  return costs;
}

ParameterOp Step::parameterOf(Operation *op) {
  auto name = op->getAttrOfType<FlatSymbolRefAttr>("parameter");
  return symbols.lookup<ParameterOp>(name.getValue());
}

Costs Step::of(ProgramOp program) {
  Costs costs;
  const StepFunctions ends(module);
  auto call = [&](func::FuncOp function) {
    if (function)
      for (auto &[kernel, cost] : ofFunction(function.getSymName()))
        costs[kernel].add(cost, 1);
  };
  program.walk([&](Operation *op) {
    if (auto run = dyn_cast<RunOp>(op)) {
      for (auto &[kernel, cost] : ofFunction(run.getCallee()))
        costs[kernel].add(cost, 1);
    } else if (isa<ZeroGradientOp>(op)) {
      // Gradients that follow each other lie side by side: one call.
      bool goesOn = isa_and_nonnull<ZeroGradientOp>(op->getPrevNode());
      Cost cost;
      cost.kind = "copy";
      cost.calls = goesOn ? 0 : 1;
      cost.bytes = cost.least =
          4 * double(parameterOf(op).getGradientType().getNumElements());
      cost.layers.insert("step");
      costs["zero"].add(cost, 1);
    } else if (isa<LossOp, LossWeightOp>(op)) {
      // A number of f32 becomes one of f64.
      Cost cost;
      cost.kind = "kernel";
      cost.calls = 1;
      cost.bytes = cost.least = 12;
      cost.layers.insert("step");
      costs["pprt_kernel_widen"].add(cost, 1);
    } else if (auto reduce = dyn_cast<ReduceGradientsOp>(op)) {
      for (unsigned i = 1; i < reduce.getGradients().size(); ++i)
        call(ends.forGradient(role::kAdd, reduce.getType()));
    } else if (auto norm = dyn_cast<GradNormOp>(op)) {
      call(ends.forNorm(norm.getGradient().getType()));
    } else if (isa<AllReduceReportOp>(op)) {
      call(ends.conclude());
    } else if (auto update = dyn_cast<UpdateOp>(op)) {
      // By the first optimizer, which is the default.
      auto updates =
          ends.forUpdates(parameterOf(op), update.getGradient().getType());
      call(updates.empty() ? func::FuncOp() : updates.front());
    }
  });
  return costs;
}

static double secondsOf(const Cost &cost, const MachineRates &rates) {
  if (cost.kind == "collective")
    return cost.messages == 0
               ? 0
               : schedule::messageTime(
                     cost.messages, cost.bytes / cost.messages,
                     rates.secondsPerMessage, rates.transferBytes);
  double operations = rates.f32Products, bytes = rates.kernelBytes;
  if (cost.kind == "product" || cost.kind == "copy")
    bytes = rates.copyBytes;
  if (cost.isBF16 && cost.kind == "product")
    operations = rates.bf16Products;
  if (cost.isBF16 && cost.kind == "attention_forward")
    operations = rates.attentionForward;
  if (cost.isBF16 && cost.kind == "attention_backward")
    operations = rates.attentionBackward;
  return std::max(cost.bytes / bytes, cost.operations / operations) +
         cost.calls * rates.secondsPerCall;
}

/// Tokens of a micro-batch: the elements of the first input of whole numbers.
static int64_t tokensOf(ModuleOp module) {
  for (InputOp input : module.getOps<InputOp>())
    if (auto type = dyn_cast<RankedTensorType>(input.getType()))
      if (type.getElementType().isInteger())
        return type.getNumElements();
  return 0;
}

void pp::driver::printRoofline(ModuleOp module, const MachineRates &rates,
                               raw_ostream &os) {
  Step step(module);
  os << "rates: " << rates.name << "\n";
  double longest = 0;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
    Costs costs = step.of(program);
    Cost all;
    std::vector<std::pair<StringRef, Cost>> sorted;
    std::map<std::string, Cost> kinds;
    for (auto &[name, cost] : costs) {
      cost.seconds = secondsOf(cost, rates);
      sorted.push_back({name, cost});
      for (Cost *sum : {&all, &kinds[cost.kind]}) {
        sum->add(cost, 1);
        sum->seconds += cost.seconds;
      }
    }
    llvm::sort(sorted, [](const auto &a, const auto &b) {
      return std::tie(b.second.seconds, a.first) <
             std::tie(a.second.seconds, b.first);
    });
    auto line = [&](StringRef name, const Cost &cost) {
      double over = cost.least > 0 ? cost.bytes / cost.least : 1;
      os << formatv("{0,5:f1} % {1,8:f3} {2,6:f0} {3,10:f4} {4,10:f1} "
                    "{5,11:f3}  {6}",
                    100 * cost.seconds / all.seconds, 1e3 * cost.seconds,
                    cost.calls, cost.operations * 1e-12, cost.bytes * 1e-6,
                    over, name);
      if (cost.kind == "kernel" && !cost.layers.empty())
        os << " (" << llvm::join(cost.layers, ", ") << ")";
      os << "\n";
    };
    enum Section { Kernels, Products, Collectives };
    auto sectionOf = [](const Cost &cost) {
      return cost.kind == "collective"                      ? Collectives
             : cost.kind == "kernel" || cost.kind == "copy" ? Kernels
                                                            : Products;
    };
    auto print = [&](StringRef title, Section section) {
      os << formatv("\nrank {0}: {1}\n", program.getPipe(), title)
         << "  share       ms  calls      TFLOP         MB  over least  name\n";
      unsigned left = 10;
      for (auto &[name, cost] : sorted)
        if (sectionOf(cost) == section && left) {
          line(name, cost);
          --left;
        }
    };
    print("kernels that take longest", Kernels);
    print("products and attention that take longest", Products);
    if (kinds.count("collective"))
      print("collectives of layers that take longest", Collectives);
    os << "\nby kind\n";
    for (auto &[kind, cost] : kinds) {
      Cost sum = cost;
      sum.layers.clear();
      line(kind, sum);
    }
    all.layers.clear();
    line("all", all);
    longest = std::max(longest, all.seconds);
  }
  int64_t microbatches = 1;
  for (ScheduleOp schedule : module.getOps<ScheduleOp>())
    microbatches = schedule.getMicrobatches();
  double tokens = double(tokensOf(module) * microbatches);
  os << formatv("\nstep {0:f3} ms, without bubbles and transfers",
                1e3 * longest);
  if (tokens > 0 && longest > 0)
    os << formatv(": {0:f0} tokens/s", tokens / longest);
  os << "\n";
}
