//===- RankTable.cpp - What each rank computes and holds ------------------===//

#include "RankTable.h"

#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/Dialect/PP/IR/PPOps.h"
#include "pp/Dialect/PP/Memory/Buffers.h"
#include "pp/Interfaces/CostOpInterface.h"
#include "pp/Interfaces/MeshOpInterface.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;
using llvm::formatv;

/// At most four digits and a unit: 817 B, 12.4 MB. Powers of 1024.
static std::string formatBytes(double bytes) {
  const char *units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  unsigned unit = 0;
  for (; bytes >= 1000 && unit < 5; ++unit)
    bytes /= 1024;
  return formatv(unit == 0     ? "{0:f0} {1}"
                 : bytes < 100 ? "{0:f1} {1}"
                               : "{0:f0} {1}",
                 bytes, units[unit]);
}

/// 1234567 -> 1.23 M
static std::string formatCount(double count) {
  const char *units[] = {"", " k", " M", " G", " T"};
  unsigned unit = 0;
  for (; count >= 1000 && unit < 4; ++unit)
    count /= 1000;
  return formatv(unit == 0 ? "{0:f0}{1}" : "{0:f2}{1}", count, units[unit]);
}

/// "embed, 3 block" for {"embed", "block", "block", "block"}.
static std::string formatLayers(ArrayRef<StringRef> layers) {
  std::string text;
  for (size_t i = 0; i < layers.size();) {
    size_t count = 1;
    while (i + count < layers.size() && layers[i + count] == layers[i])
      ++count;
    if (!text.empty())
      text += ", ";
    if (count > 1)
      text += std::to_string(count) + " ";
    text += layers[i];
    i += count;
  }
  return text;
}

static SmallVector<StringRef> layersOf(ModuleOp module, int64_t rank) {
  SmallVector<StringRef> layers;
  ArrayRef<int64_t> placement;
  for (ScheduleOp schedule : module.getOps<ScheduleOp>())
    placement = schedule.getPlacement();
  for (StageOp stage : module.getOps<StageOp>())
    if (stage.getIndex() < placement.size() &&
        placement[stage.getIndex()] == rank && stage.getAppliesAttr())
      for (Attribute name : stage.getAppliesAttr())
        layers.push_back(cast<StringAttr>(name).getValue());
  return layers;
}

static double predicted(ProgramOp program, StringRef key) {
  auto times = program->getAttrOfType<DictionaryAttr>(pp::attr::kPredicted);
  auto value = times ? times.getAs<FloatAttr>(key) : FloatAttr();
  return value ? value.getValueAsDouble() : 0;
}

/// 0.0123 -> 12.3 ms
static std::string formatSeconds(double seconds) {
  const char *units[] = {"s", "ms", "us"};
  unsigned unit = 0;
  if (seconds <= 0)
    return "0 s";
  for (; seconds < 0.9995 && unit < 2; ++unit)
    seconds *= 1000;
  return formatv(seconds < 100 ? "{0:f1} {1}" : "{0:f0} {1}", seconds,
                 units[unit]);
}

/// Bytes that a rank sends to other replicas in a step.
static double sentToReplicas(ProgramOp program) {
  double bytes = 0;
  program.walk([&](StartOp start) {
    auto mesh = findMesh(start);
    const int64_t group =
        mesh ? mesh.getGroupSize(start.getAxes()).value_or(1) : 1;
    // The smaller side is a piece.
    bytes +=
        double(group - 1) *
        double(std::min(pp::detail::sumOfBytes(start.getOperand().getType()),
                        pp::detail::sumOfBytes(start.getBuffer().getType())));
  });
  return bytes;
}

/// What replicas exchange, what of it is exposed, and where most of that is.
static void printReplicas(ModuleOp module, raw_ostream &os) {
  double bytes = 0, seconds = 0, exposed = 0, longer = 0;
  std::string reasons;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
    bytes = std::max(bytes, sentToReplicas(program));
    seconds += predicted(program, "collectives");
    longer = predicted(program, "exposed");
  }
  if (bytes <= 0)
    return;
  for (StringRef what : {"parameters", "gradients"}) {
    double most = 0;
    uint64_t pipe = 0, others = 0;
    for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
      const double own = predicted(program, what);
      exposed += own;
      others += own > 0;
      if (own > most) {
        most = own;
        pipe = program.getPipe();
      }
    }
    if (others == 0)
      continue;
    reasons += formatv("{0} {1} of pipe {2} ({3})", reasons.empty() ? ":" : ",",
                       what, pipe, formatSeconds(most));
    if (others > 1)
      reasons += formatv(" and of {0} more", others - 1);
  }
  os << formatv("replicas: up to {0} sent by a rank in a step; collectives of "
                "{1} on all pipe coordinates, {2} hidden, {3} exposed{4}; step "
                "{5} longer\n",
                formatBytes(bytes), formatSeconds(seconds),
                formatSeconds(seconds - exposed), formatSeconds(exposed),
                reasons, formatSeconds(longer));
}

/// "tensor" for ["tensor"].
static std::string formatAxes(ArrayAttr axes) {
  return llvm::join(llvm::map_range(axes.getAsValueRange<StringAttr>(),
                                    [](StringRef axis) { return axis.str(); }),
                    ", ");
}

/// What ranks that share tensors exchange within layers: of one micro-batch on
/// all pipe coordinates, and of a step on the one where it takes longest.
static void printLayerCollectives(ModuleOp module, raw_ostream &os) {
  struct Sum {
    int64_t ranks = 1, count = 0;
    double bytes = 0, seconds = 0;
    llvm::MapVector<StringRef, int64_t> layers;
    double longest = 0, step = 0;
    uint64_t pipe = 0;
  };
  llvm::MapVector<Attribute, Sum> byAxes;
  int64_t microbatches = 1;
  for (ScheduleOp schedule : module.getOps<ScheduleOp>())
    microbatches = schedule.getMicrobatches();
  for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
    auto all = program->getAttrOfType<ArrayAttr>(attr::kLayerCollectives);
    if (!all)
      continue;
    llvm::MapVector<Attribute, double> inStep;
    for (auto each : all.getAsRange<DictionaryAttr>()) {
      auto number = [&](StringRef name) {
        return each.getAs<IntegerAttr>(name).getInt();
      };
      const double seconds =
          each.getAs<FloatAttr>("seconds").getValueAsDouble();
      Sum &sum = byAxes[each.get("axes")];
      sum.ranks = number("ranks");
      sum.count += number("count");
      sum.bytes += double(number("bytes"));
      sum.seconds += seconds;
      sum.layers[each.getAs<StringAttr>("layer").getValue()] += number("count");
      inStep[each.get("axes")] += double(microbatches) * seconds;
    }
    for (auto [axes, seconds] : inStep)
      if (Sum &sum = byAxes[axes]; seconds > sum.longest) {
        sum.longest = seconds;
        sum.step = predicted(program, "makespan");
        sum.pipe = program.getPipe();
      }
  }
  for (auto &[axes, sum] : byAxes) {
    std::string layers;
    for (auto [name, count] : sum.layers)
      layers += formatv("{0}{1} {2}", layers.empty() ? "" : ", ", name, count);
    os << formatv("{0}: {1} collectives a micro-batch in forward and backward "
                  "over groups of {2}, {3} sent by a rank, {4}, by layer: {5}",
                  formatAxes(cast<ArrayAttr>(axes)), sum.count, sum.ranks,
                  formatBytes(sum.bytes), formatSeconds(sum.seconds), layers);
    if (sum.step > 0)
      os << formatv("; up to {0} of a step ({1:f1} %), on pipe {2}",
                    formatSeconds(sum.longest), 100 * sum.longest / sum.step,
                    sum.pipe);
    os << "\n";
  }
}

/// "8 ranks: pipe 2 x data 2 x tensor 2", where there are more than pipe
/// coordinates.
static void printMesh(ModuleOp module, raw_ostream &os) {
  for (MeshOp mesh : module.getOps<MeshOp>()) {
    int64_t ranks = 1;
    bool isOfMore = false;
    std::string axes;
    for (auto [axis, size] : llvm::zip_equal(
             mesh.getAxes().getAsValueRange<StringAttr>(), mesh.getSizes())) {
      ranks *= size;
      isOfMore |= axis != "pipe" && size > 1;
      if (axis == "pipe" || size > 1)
        axes += formatv("{0}{1} {2}", axes.empty() ? "" : " x ", axis, size);
    }
    if (isOfMore)
      os << formatv("{0} ranks: {1}; a row is of each rank of a pipe "
                    "coordinate\n",
                    ranks, axes);
    if (const int64_t shared = mesh.getRanksPerProcess(); shared > 1)
      os << formatv("{0} processes: each is {1} ranks, with the memory of "
                    "{1}, and computes one after the other what is predicted "
                    "for ranks side by side\n",
                    ranks / shared, shared);
  }
}

/// What the order of sums in attention's backward costs, and would cost.
static void printAttentionWorkspace(ModuleOp module, raw_ostream &os) {
  module.walk([&](ModuleOp layers) {
    auto found =
        layers->getAttrOfType<DictionaryAttr>(kernel::kAttentionWorkspaces);
    if (!found)
      return;
    bool anyOrder = found.getAs<BoolAttr>("any_order").getValue();
    auto bytes = found.getAs<DenseI64ArrayAttr>("workspaces").asArrayRef();
    os << formatv("attention's backward: {0} of workspace, sums in {1} order; "
                  "{2} with --deterministic={3}\n",
                  formatBytes(bytes[anyOrder]), anyOrder ? "any" : "a fixed",
                  formatBytes(bytes[!anyOrder]),
                  anyOrder ? "all" : "attention-off");
  });
}

void pp::driver::printRankTable(ModuleOp module, raw_ostream &os) {
  static constexpr llvm::StringLiteral kKinds[] = {
      "parameters",  "gradients", "optimizer",
      "activations", "workspace", "communication"};
  SmallVector<SmallVector<std::string>> rows = {
      {"rank", "parameters", "cost", "params", "grads", "optim", "activ",
       "workspace", "comm", "total", "bubble", "layers"}};
  double busy = 0, bubble = 0;
  unsigned ranks = 0;
  for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
    busy += predicted(program, "busy");
    bubble += predicted(program, "bubble");
    ++ranks;
  }

  for (ProgramOp program : getPrograms(module, ProgramKind::Step)) {
    auto report = program->getAttrOfType<DictionaryAttr>(attr::kMemory);
    auto held = program->getAttrOfType<DictionaryAttr>(attr::kParameters);
    if (!report || !held)
      continue;
    double elements = 0;
    for (ParameterOp parameter : module.getOps<ParameterOp>())
      if (held.contains(parameter.getSymNameAttr()))
        elements +=
            cast<RankedTensorType>(parameter.getLocalType()).getNumElements();
    auto bytes = [&](StringRef key) {
      return double(report.getAs<IntegerAttr>(key).getInt());
    };
    SmallVector<std::string> row = {
        std::to_string(program.getPipe()), formatCount(elements),
        busy > 0
            ? formatv("{0:f1} %", 100 * predicted(program, "busy") / busy).str()
            : "-"};
    for (StringRef kind : kKinds)
      row.push_back(formatBytes(bytes(kind)));
    row.push_back(formatBytes(bytes("arena") + bytes("optimizer")));
    row.push_back(
        formatv("{0:f1} %", 100 * predicted(program, "bubble")).str());
    row.push_back(formatLayers(layersOf(module, program.getPipe())));
    rows.push_back(std::move(row));
  }

  SmallVector<size_t> widths(rows.front().size(), 0);
  for (ArrayRef<std::string> row : rows)
    for (auto [width, cell] : llvm::zip(widths, row))
      width = std::max(width, cell.size());
  printMesh(module, os);
  for (ArrayRef<std::string> row : rows) {
    for (auto [column, cell] : llvm::enumerate(row)) {
      // The last column is text of any length: left aligned, not padded.
      bool isLast = column + 1 == row.size();
      if (column)
        os << "  ";
      if (!isLast)
        os.indent(widths[column] - cell.size());
      os << cell;
    }
    os << "\n";
  }
  if (ranks)
    os << formatv("predicted bubble {0:f1} %\n", 100 * bubble / ranks);
  printReplicas(module, os);
  printLayerCollectives(module, os);
  printAttentionWorkspace(module, os);
}
