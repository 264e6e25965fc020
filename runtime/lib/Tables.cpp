#include "Reports.h"

#include "pp/Support/Format.h"

#include <algorithm>
#include <cstdio>

using namespace pprt;
using pp::format;

/// What ranks do and wait in collectives of layers; empty where there are none.
static std::string collectivesLine(const std::vector<Profile> &ranks,
                                   int64_t steps) {
  double seconds = 0, compute = 0, longest = 0;
  uint64_t count = 0;
  size_t slowest = 0;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Profile &p = ranks[rank];
    count += p.collectives;
    seconds += p.inCollectives;
    compute += p.compute();
    if (p.inCollectives > longest) {
      longest = p.inCollectives;
      slowest = rank;
    }
  }
  if (count == 0)
    return "";
  const double each = double(ranks.size()) * double(steps);
  return format("collectives of layers: %.0f a step, %.3f ms, %.1f%% of "
                "compute, means over ranks; most on rank %zu, %.3f ms\n",
                double(count) / each, 1e3 * seconds / each,
                100 * seconds / (compute > 0 ? compute : 1), slowest,
                1e3 * longest / double(steps));
}

std::string pprt::profileTable(const Description &description,
                               const std::vector<Profile> &ranks, int64_t steps,
                               bool byKind) {
  std::string out =
      "time by rank     ms/step   compute    update  transfer   waiting     "
      "other\n";
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Profile &p = ranks[rank];
    double total = p.steps > 0 ? p.steps : 1;
    double waiting = p.waiting + p.kind(ActionKind::Report);
    double other = total - p.compute() - p.update() - p.transfers - waiting;
    auto percent = [&](double seconds) { return 100 * seconds / total; };
    out +=
        format("  rank %-4zu %13.2f %8.1f%% %8.1f%% %8.1f%% %8.1f%% %8.1f%%\n",
               rank, 1e3 * p.steps / double(steps), percent(p.compute()),
               percent(p.update()), percent(p.transfers), percent(waiting),
               percent(other));
  }
  if (!byKind)
    return out;
  out += "ms a step by kind       F         B         I         W      sums  "
         "  update    report      wait in flight\n";
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Profile &p = ranks[rank];
    auto ms = [&](double seconds) { return 1e3 * seconds / double(steps); };
    out += format(
        "  rank %-4zu %13.3f %9.3f %9.3f %9.3f %9.3f %9.3f %9.3f "
        "%9.3f %9.3f\n",
        rank, ms(p.kind(ActionKind::Forward)), ms(p.kind(ActionKind::Backward)),
        ms(p.kind(ActionKind::BackwardInput)),
        ms(p.kind(ActionKind::BackwardWeight)), ms(p.kind(ActionKind::Reduce)),
        ms(p.kind(ActionKind::Update)), ms(p.kind(ActionKind::Report)),
        ms(p.waiting), ms(p.inFlight));
  }
  out += collectivesLine(ranks, steps);
  double bubble = -1;
  for (const Program &program : description.programs)
    bubble = std::max(bubble, program.predictedBubble);
  if (bubble >= 0)
    out += format("predicted bubble %.1f%%\n", 100 * bubble);
  return out;
}

/// The mean shares of a panel; those of collectives only where there are any in
/// one of the panels.
static std::vector<pp::schedule::Share>
shownShares(const pp::schedule::Panel &panel,
            const std::vector<pp::schedule::Panel> &panels) {
  using pp::schedule::IdleReason, pp::schedule::Share;
  std::vector<Share> shares = panel.timeline.meanShares();
  for (const pp::schedule::Panel &each : panels)
    for (const auto &row : each.timeline.collectives)
      if (!row.empty())
        return shares;
  auto isOfReplicas = [](const Share &share) {
    const std::string_view name = share.name;
    return name == toString(IdleReason::Parameters) ||
           name == toString(IdleReason::Gradients);
  };
  shares.erase(std::remove_if(shares.begin(), shares.end(), isOfReplicas),
               shares.end());
  return shares;
}

std::string pprt::bubbleTable(const std::vector<pp::schedule::Panel> &panels,
                              int64_t step) {
  std::string out = format("where step %lld went, mean over ranks\n%-34s "
                           "%11s %8s",
                           static_cast<long long>(step), "", "ms", "bubble");
  for (const pp::schedule::Share &share : shownShares(panels.front(), panels))
    out += format(" %10s", share.name);
  out += "\n";
  for (const pp::schedule::Panel &panel : panels) {
    out += format("  %-32s %11.3f %7.2f%%", panel.title.c_str(),
                  panel.timeline.makespan, 100 * panel.timeline.meanBubble());
    for (const pp::schedule::Share &share : shownShares(panel, panels))
      out += format(" %9.2f%%", 100 * share.part);
    out += "\n";
  }
  return out;
}

std::string pprt::memoryTable(const Description &description,
                              const std::vector<MemoryUse> &ranks,
                              const Optimizer &optimizer) {
  std::string out =
      "bytes by rank   parameters    gradients    optimizer  activations    "
      "workspace communication      planned    allocated\n";
  std::string evaluations;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Program &program = description.programOf(rank);
    const MemoryPlan &plan = program.memory;
    auto number = [](uint64_t value) {
      return static_cast<unsigned long long>(value);
    };
    out +=
        format("  rank %-4zu %14llu %12llu %12llu %12llu %12llu %13llu %12llu "
               "%12llu\n",
               rank, number(plan.parameters), number(plan.gradients),
               number(description.stateBytes(program, optimizer)),
               number(plan.activations), number(plan.workspace),
               number(plan.communication), number(ranks[rank].planned),
               number(ranks[rank].allocated));
    if (description.canEvaluate())
      evaluations += format("  rank %-4zu evaluation: %llu bytes of the same "
                            "arena, of %llu\n",
                            rank, number(program.evaluationBytes),
                            number(program.arenaBytes));
  }
  out += evaluations;
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    out += format("  rank %-4zu mapped %.1f MiB in pages; resident at most "
                  "%.1f MiB, with MPI, code and the data file\n",
                  rank, double(ranks[rank].mapped) / (1 << 20),
                  double(ranks[rank].peakResident) / (1 << 20));
  for (size_t rank = 0; rank < ranks.size(); ++rank)
    if (ranks[rank].checkpoint)
      out += format("  rank %-4zu copies %.1f MiB for each checkpoint, on the "
                    "host beside the arena\n",
                    rank, double(ranks[rank].checkpoint) / (1 << 20));
  return out;
}

std::string pprt::allocationTable(const std::vector<MemoryUse> &ranks,
                                  int64_t steps) {
  std::string out = format("allocations in %lld steps after the first\n",
                           static_cast<long long>(steps > 1 ? steps - 1 : 0));
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const AllocationCounts &counts = ranks[rank].allocations;
    out += format("  rank %zu: program %llu, MPI %llu, libraries %llu\n", rank,
                  static_cast<unsigned long long>(counts.program),
                  static_cast<unsigned long long>(counts.mpi),
                  static_cast<unsigned long long>(counts.libraries));
  }
  return out;
}
