//===- BuildingBlock.cpp - Schedules that repeat one block ----------------===//
//
// A rank has six actions a micro-batch (F, I and W of two stages), and the
// block repeats every six units: its actions on a rank must all differ modulo
// six. Hops are given; the three turns between the legs are tried from short to
// long, and each W takes the first place behind its I that is left.
//
// A row is then the rank's actions of all copies, sorted by time. Run as soon
// as possible, warm-up and cool-down close their gaps by themselves.
//
//===----------------------------------------------------------------------===//

#include "BuildingBlock.h"

#include <algorithm>
#include <array>
#include <limits>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
constexpr int32_t kPeriod = 6;

struct Place {
  int32_t stage;
  Kind kind;
  int32_t time;
};
/// The actions of one micro-batch on one rank, and how long the two stages hold
/// its activations, together.
struct RankBlock {
  std::array<Place, kPeriod> places;
  int32_t life = 0;
};

/// The first time after `time` that is `residue` modulo the period.
int32_t firstAfter(int32_t time, int32_t residue) {
  return time + 1 + (residue - (time + 1) % kPeriod + kPeriod) % kPeriod;
}

/// False where the actions of the rank collide with those of other copies.
bool placeOnRank(int32_t p, int32_t rank, const Hops &hops,
                 const std::array<int32_t, 3> &turns, RankBlock &block) {
  const int32_t last = p - 1, behind = last - rank;
  const int32_t down = rank, up = 2 * p - 1 - rank;
  const int32_t turn0 = last * hops.forwardDown + turns[0];
  const int32_t turn1 = turn0 + last * hops.forwardUp + turns[1];
  const int32_t turn2 = turn1 + last * hops.backwardDown + turns[2];
  const int32_t forwardDown = rank * hops.forwardDown;
  const int32_t forwardUp = turn0 + behind * hops.forwardUp;
  const int32_t backwardDown = turn1 + rank * hops.backwardDown;
  const int32_t backwardUp = turn2 + behind * hops.backwardUp;

  std::array<bool, kPeriod> taken{};
  for (int32_t time : {forwardDown, forwardUp, backwardDown, backwardUp}) {
    if (taken[time % kPeriod])
      return false;
    taken[time % kPeriod] = true;
  }
  const auto first = std::find(taken.begin(), taken.end(), false);
  const auto second = std::find(first + 1, taken.end(), false);
  int32_t one = static_cast<int32_t>(first - taken.begin());
  int32_t other = static_cast<int32_t>(second - taken.begin());
  if (firstAfter(backwardDown, one) + firstAfter(backwardUp, other) >
      firstAfter(backwardDown, other) + firstAfter(backwardUp, one))
    std::swap(one, other);
  const int32_t weightUp = firstAfter(backwardDown, one);
  const int32_t weightDown = firstAfter(backwardUp, other);

  // The way back through the model starts at the stage that goes up.
  block.places = {{{down, Kind::Forward, forwardDown},
                   {up, Kind::Forward, forwardUp},
                   {up, Kind::InputGradient, backwardDown},
                   {up, Kind::WeightGradient, weightUp},
                   {down, Kind::InputGradient, backwardUp},
                   {down, Kind::WeightGradient, weightDown}}};
  block.life = weightUp - forwardUp + weightDown - forwardDown;
  return true;
}
} // namespace

Result<Schedule> detail::repeatBlock(const char *name, const Setting &setting,
                                     const Hops &hops) {
  Result<Schedule> schedule = emptySchedule(name, setting, Placement::VShape);
  if (!schedule)
    return schedule;
  const int32_t p = setting.ranks;

  // Of all blocks without collision, the one that holds least memory.
  std::vector<RankBlock> best, tried(p);
  int32_t bestLife = std::numeric_limits<int32_t>::max();
  for (int32_t i = 0; i < kPeriod * kPeriod * kPeriod; ++i) {
    const std::array<int32_t, 3> turns = {1 + i / (kPeriod * kPeriod),
                                          1 + i / kPeriod % kPeriod,
                                          1 + i % kPeriod};
    bool legal = true;
    int32_t life = 0;
    for (int32_t rank = 0; rank < p && legal; ++rank) {
      legal = placeOnRank(p, rank, hops, turns, tried[rank]);
      life = std::max(life, tried[rank].life);
    }
    if (legal && life < bestLife) {
      bestLife = life;
      best = tried;
    }
  }

  for (int32_t rank = 0; rank < p; ++rank) {
    std::vector<std::pair<int32_t, Action>> timed;
    timed.reserve(size_t(kPeriod) * setting.microbatches);
    for (int32_t mb = 0; mb < setting.microbatches; ++mb)
      for (const Place &place : best[rank].places)
        timed.push_back(
            {place.time + kPeriod * mb, {place.stage, place.kind, mb}});
    std::sort(timed.begin(), timed.end());
    for (const auto &[time, action] : timed)
      schedule->ranks[rank].push_back(action);
  }
  return schedule;
}
