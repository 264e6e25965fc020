//===- PlanRings.cpp - Offsets for buffers that loops use again -----------===//
//
// A slot is not live once but again and again, so that slots are the nodes of a
// conflict graph and not intervals. Rings whose instances live alike, as the
// residuals of one micro-batch do, are glued first; what remains are few slots,
// which are put into gaps along a few orders.
//
// How many slots a ring has decides who can share. With as few as each needs,
// slots of two rings meet sooner or later in every combination, and the
// arena is as large as if all were full at once. With the same number for all,
// a multiple of the micro-batches of a round, they go around together: each
// meets the same others in every turn, as on a circle, and what one stage
// leaves another one takes. Several such numbers are tried; a hill climb over
// orders improves the best.
//
// Warm-up and cool-down have another pattern: instances that only they see need
// not take their turn, and with slots of their own they fill what gaps there
// are (stages that fill and drain in turn need this).
//
// Where no such ring is good, each instance gets a place of its own in a sweep
// over time.
//
// A ring of very many slots (all micro-batches, where all forwards come first)
// is placed as one block: it is full at the peak.
//
//===----------------------------------------------------------------------===//

#include "pp/MemoryPlanning/Rings.h"

#include "FreeList.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

using namespace pp::memory;

namespace {

/// More slots than this are one block.
constexpr uint32_t kMostSlots = 64;

/// With no more instances than this a few percent are worth a sweep.
constexpr size_t kFewInstances = 2048;

/// Places that differ in each of so many rounds are a short list.
constexpr size_t kFewRounds = 128;

/// More slots of their own than this are as bad as a sweep.
constexpr uint32_t kMostEnds = 256;

using Order = std::vector<uint32_t>;
using Offsets = std::vector<uint64_t>;

/// A slot, or a block of all slots of a ring.
struct Item {
  uint64_t size = 0;
  uint64_t liveTime = 0;
  uint32_t begin = 0;    ///< of an instance in the middle, or the first
  bool isTurning = true; ///< not the slot of one instance
};

/// Rings of equal lives, side by side in each slot.
struct Group {
  std::vector<uint32_t> rings;
  uint64_t size = 0;
  uint32_t least = 1; ///< slots that it needs
  uint32_t slots = 1; ///< that take turns
  uint32_t head = 0, tail = 0;
  Span turning; ///< instances that must take turns
  uint32_t firstItem = 0;
  bool isBlock = false;
};

/// As many slots as instances, by a sweep over time in which each takes the
/// tightest free block.
void sweep(const std::vector<Ring> &rings, const std::vector<Group> &groups,
           bool backwards, bool largestFirst, RingPlan &plan) {
  struct Event {
    uint32_t time;
    bool isBegin;
    uint32_t group, instance;
  };
  std::vector<Event> events;
  std::vector<Offsets> offsets(groups.size()); // of instances
  for (uint32_t g = 0; g < groups.size(); ++g) {
    const std::vector<Span> &lives = rings[groups[g].rings.front()].lives;
    offsets[g].assign(std::max<size_t>(1, lives.size()), 0);
    for (uint32_t i = 0; i < lives.size(); ++i)
      if (lives[i].begin < lives[i].end && groups[g].size) {
        // Backwards, time runs from the largest number.
        uint32_t begin = backwards ? ~lives[i].end : lives[i].begin;
        uint32_t end = backwards ? ~lives[i].begin : lives[i].end;
        events.push_back({begin, true, g, i});
        events.push_back({end, false, g, i});
      }
  }
  std::sort(events.begin(), events.end(), [&](const Event &a, const Event &b) {
    if (a.time != b.time)
      return a.time < b.time;
    if (a.isBegin != b.isBegin)
      return !a.isBegin;
    if (a.group != b.group && groups[a.group].size != groups[b.group].size)
      return (groups[a.group].size > groups[b.group].size) == largestFirst;
    return a.group != b.group ? a.group < b.group : a.instance < b.instance;
  });
  FreeList memory;
  for (const Event &event : events) {
    uint64_t &offset = offsets[event.group][event.instance];
    if (event.isBegin)
      offset = memory.allocate(groups[event.group].size);
    else
      memory.release(offset, groups[event.group].size);
  }
  if (memory.getTop() >= plan.bytes)
    return;
  plan.bytes = memory.getTop();
  for (uint32_t g = 0; g < groups.size(); ++g) {
    uint64_t inside = 0;
    for (uint32_t ring : groups[g].rings) {
      plan.places[ring] = {offsets[g]};
      for (uint64_t &offset : plan.places[ring].slots)
        offset += inside;
      inside += alignUp(rings[ring].size);
    }
  }
}

/// Whether no two of the instances [begin, end) that share a slot meet.
bool suffices(const std::vector<Span> &lives, uint32_t slots, size_t begin,
              size_t end) {
  std::vector<std::vector<Span>> ofSlot(slots);
  for (size_t i = begin; i < end; ++i) {
    if (lives[i].begin >= lives[i].end)
      continue;
    std::vector<Span> &turns = ofSlot[i % slots];
    // Mostly in order already.
    if (turns.empty() || turns.back().end <= lives[i].begin) {
      turns.push_back(lives[i]);
      continue;
    }
    auto after = std::find_if(turns.begin(), turns.end(), [&](const Span &s) {
      return s.end > lives[i].begin;
    });
    if (after->begin < lives[i].end)
      return false;
    turns.insert(after, lives[i]);
  }
  return true;
}

/// As good as it is worth to search for.
bool isClose(uint64_t bytes, uint64_t bound) {
  return bytes - bound <= bound / 64;
}

class RingPlanner {
public:
  /// As many slots as each ring needs, or `slots` where that suffices. With
  /// `freeEnds`, instances that need not take turns have their own.
  RingPlanner(const std::vector<Ring> &rings, const std::vector<Group> &given,
              uint64_t bound, uint32_t slots, bool freeEnds = false)
      : rings(&rings), groups(given), bound(bound), freeEnds(freeEnds) {
    for (Group &group : groups) {
      const std::vector<Span> &lives = livesOf(group);
      group.slots = group.least;
      if (freeEnds)
        cutEnds(group, slots);
      else if (slots > group.least && slots < lives.size() &&
               suffices(lives, slots, 0, lives.size()))
        group.slots = slots;
      group.isBlock = group.slots > kMostSlots;
      group.firstItem = items.size();
      if (group.isBlock)
        items.push_back({group.size * group.slots});
      else
        items.resize(items.size() + group.head + group.slots + group.tail,
                     {group.size});
      size_t middle = lives.size() / 2;
      for (size_t i = 0; i < lives.size(); ++i) {
        Item &item = items[itemOf(group, i)];
        item.liveTime += lives[i].end - lives[i].begin;
        item.isTurning = i >= group.head && i + group.tail < lives.size();
        if ((i >= middle || freeEnds) && !item.begin)
          item.begin = lives[i].begin;
      }
    }
    findConflicts();
  }

  /// Puts the best plan that it finds into `plan`, if that is smaller. Spends
  /// `effort`, and for climbing no more than `toClimb` of it.
  void run(uint64_t &effort, uint64_t toClimb, RingPlan &plan) {
    Order order(items.size());
    std::iota(order.begin(), order.end(), 0);
    Order best;
    Offsets bestOffsets;
    uint64_t bestTop = ~uint64_t(0);
    bool bestIsLowest = false;
    uint64_t cost = items.size() * items.size() / 2 + 1;
    auto attempt = [&](const Order &candidate, bool lowest) {
      if (bestTop <= bound)
        return;
      Offsets offsets = fillGaps(candidate, lowest);
      uint64_t top = topOf(offsets);
      effort -= std::min(effort, cost);
      if (top > bestTop)
        return;
      best = candidate;
      bestTop = top;
      bestIsLowest = lowest;
      bestOffsets = std::move(offsets);
    };
    auto by = [&](auto key) {
      Order sorted = order;
      std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
        return key(a) != key(b) ? key(a) > key(b) : a < b;
      });
      return sorted;
    };
    // Equal sizes in the order of time fit without gaps, as intervals do.
    Order bySize = by([&](uint32_t i) {
      return std::make_pair(items[i].size, ~items[i].begin);
    });
    attempt(bySize, true);
    attempt(bySize, false);
    attempt(by([&](uint32_t i) {
              return double(items[i].size) * double(items[i].liveTime);
            }),
            false);
    if (freeEnds) {
      // What comes round again first.
      attempt(by([&](uint32_t i) {
                return std::make_tuple(items[i].isTurning, items[i].size,
                                       ~items[i].begin);
              }),
              true);
    } else {
      attempt(by([&](uint32_t i) { return degrees[i]; }), false);
    }
    uint64_t random = 0x9E3779B97F4A7C15;
    auto next = [&](uint64_t limit) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      return random % limit;
    };
    uint64_t reserve = effort - std::min(effort, toClimb);
    while (effort > reserve && bestTop > bound && items.size() > 1) {
      Order candidate = best;
      size_t from = 1 + next(candidate.size() - 1), to = next(from);
      std::rotate(candidate.begin() + to, candidate.begin() + from,
                  candidate.begin() + from + 1);
      attempt(candidate, bestIsLowest);
    }
    if (bestTop < plan.bytes)
      scatter(bestOffsets, bestTop, plan);
  }

private:
  const std::vector<Span> &livesOf(const Group &group) const {
    return (*rings)[group.rings.front()].lives;
  }
  uint32_t itemOf(const Group &group, size_t instance) const {
    if (group.isBlock)
      return group.firstItem;
    if (instance < group.head)
      return group.firstItem + instance;
    size_t left = livesOf(group).size() - instance;
    if (left <= group.tail)
      return group.firstItem + group.head + group.slots + group.tail - left;
    return group.firstItem + group.head + (instance - group.head) % group.slots;
  }

  /// Slots of their own for what comes before and behind the loops, where that
  /// is not too much; then `slots`, or what the rest needs.
  void cutEnds(Group &group, uint32_t slots) {
    const std::vector<Span> &lives = livesOf(group);
    Span turning = group.turning;
    uint32_t ends = lives.size() - (turning.end - turning.begin);
    if (turning.begin == turning.end || ends > kMostEnds) {
      if (slots > group.least && slots < lives.size() &&
          suffices(lives, slots, 0, lives.size()))
        group.slots = slots;
      return;
    }
    for (uint32_t count : {slots, group.least})
      if (count <= kMostSlots && count + ends < lives.size() &&
          suffices(lives, count, turning.begin, turning.end)) {
        group.slots = count;
        group.head = turning.begin;
        group.tail = lives.size() - turning.end;
        return;
      }
  }

  /// Runs through time and notes who is live when a slot becomes live.
  void findConflicts() {
    uint32_t length = 0;
    for (const Group &group : groups)
      for (const Span &life : livesOf(group))
        length = std::max(length, life.end + 1);
    // Items by the time at which an instance ends or begins.
    auto sorted = [&](bool isEnd) {
      std::vector<uint32_t> starts(length + 1, 0);
      auto visit = [&](auto take) {
        for (const Group &group : groups) {
          const std::vector<Span> &lives = livesOf(group);
          for (size_t i = 0; i < lives.size(); ++i)
            if (lives[i].begin < lives[i].end)
              take(isEnd ? lives[i].end : lives[i].begin, itemOf(group, i));
        }
      };
      visit([&](uint32_t time, uint32_t) { ++starts[time + 1]; });
      std::partial_sum(starts.begin(), starts.end(), starts.begin());
      std::vector<uint32_t> places = starts, all(starts.back());
      visit([&](uint32_t time, uint32_t item) { all[places[time]++] = item; });
      return std::make_pair(std::move(starts), std::move(all));
    };
    auto [beginsAt, begins] = sorted(false);
    auto [endsAt, ends] = sorted(true);
    words = (items.size() + 63) / 64;
    conflicts.assign(items.size() * words, 0);
    std::vector<uint64_t> live(words, 0);
    std::vector<uint32_t> count(items.size(), 0);
    for (uint32_t time = 0; time < length; ++time) {
      for (uint32_t i = endsAt[time]; i < endsAt[time + 1]; ++i)
        if (--count[ends[i]] == 0)
          live[ends[i] / 64] &= ~(uint64_t(1) << ends[i] % 64);
      for (uint32_t i = beginsAt[time]; i < beginsAt[time + 1]; ++i) {
        uint32_t item = begins[i];
        if (count[item]++ > 0)
          continue;
        for (size_t word = 0; word < words; ++word)
          conflicts[item * words + word] |= live[word];
        live[item / 64] |= uint64_t(1) << item % 64;
      }
    }
    // Both ways.
    for (uint32_t a = 0; a < items.size(); ++a)
      for (size_t word = 0; word < words; ++word)
        for (uint64_t bits = conflicts[a * words + word]; bits;
             bits &= bits - 1) {
          uint32_t b = word * 64 + __builtin_ctzll(bits);
          conflicts[b * words + a / 64] |= uint64_t(1) << a % 64;
        }
    degrees.assign(items.size(), 0);
    for (uint32_t a = 0; a < items.size(); ++a)
      for (size_t word = 0; word < words; ++word)
        for (uint64_t bits = conflicts[a * words + word]; bits;
             bits &= bits - 1)
          degrees[a] += items[word * 64 + __builtin_ctzll(bits)].size;
  }

  /// Each item in order into the tightest, or lowest, gap between those it
  /// conflicts with.
  Offsets fillGaps(const Order &order, bool lowest) const {
    struct Placed {
      uint64_t begin, end;
      uint32_t item;
    };
    Offsets offsets(items.size());
    std::vector<Placed> placed; // by offset
    placed.reserve(items.size());
    for (uint32_t index : order) {
      const uint64_t *row = &conflicts[index * words];
      uint64_t size = items[index].size, top = 0;
      uint64_t bestGap = ~uint64_t(0), bestOffset = 0;
      for (const Placed &other : placed) {
        if (!(row[other.item / 64] >> other.item % 64 & 1))
          continue;
        if (other.begin >= top + size && other.begin - top < bestGap) {
          bestGap = other.begin - top;
          bestOffset = top;
          if (lowest)
            break;
        }
        top = std::max(top, other.end);
      }
      uint64_t offset = bestGap == ~uint64_t(0) ? top : bestOffset;
      offsets[index] = offset;
      auto behind = std::upper_bound(placed.begin(), placed.end(), offset,
                                     [](uint64_t begin, const Placed &other) {
                                       return begin < other.begin;
                                     });
      placed.insert(behind, {offset, offset + size, index});
    }
    return offsets;
  }

  uint64_t topOf(const Offsets &offsets) const {
    uint64_t top = 0;
    for (size_t i = 0; i < items.size(); ++i)
      top = std::max(top, offsets[i] + items[i].size);
    return top;
  }

  void scatter(const Offsets &offsets, uint64_t top, RingPlan &plan) const {
    plan.bytes = top;
    for (const Group &group : groups) {
      uint64_t inside = 0;
      for (uint32_t ring : group.rings) {
        Places &places = plan.places[ring];
        places = {{}, group.head, group.tail, uint32_t(livesOf(group).size())};
        uint32_t count = group.head + group.slots + group.tail;
        for (uint32_t slot = 0; slot < count; ++slot)
          places.slots.push_back(
              (group.isBlock ? offsets[group.firstItem] + slot * group.size
                             : offsets[group.firstItem + slot]) +
              inside);
        inside += alignUp((*rings)[ring].size);
      }
    }
  }

  const std::vector<Ring> *rings;
  std::vector<Group> groups;
  std::vector<Item> items;
  uint64_t bound;
  bool freeEnds;
  size_t words = 0;
  std::vector<uint64_t> conflicts; ///< a row of bits for each item
  std::vector<uint64_t> degrees;   ///< bytes that an item conflicts with
};

uint64_t largestLive(const std::vector<Ring> &rings) {
  std::vector<int64_t> change;
  for (const Ring &ring : rings)
    for (const Span &life : ring.lives) {
      if (life.begin >= life.end)
        continue;
      if (change.size() <= life.end)
        change.resize(life.end + 1, 0);
      change[life.begin] += alignUp(ring.size);
      change[life.end] -= alignUp(ring.size);
    }
  int64_t live = 0, largest = 0;
  for (int64_t delta : change)
    largest = std::max(largest, live += delta);
  return uint64_t(largest);
}

/// Candidate numbers of slots at which the lives of two large groups interleave
/// without a gap: the lives of an instance of both, in rounds, times `step`.
std::vector<uint32_t> findTurns(const std::vector<Ring> &rings,
                                std::vector<Group> groups, uint32_t step) {
  constexpr size_t large = 6;
  std::sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) {
    uint64_t bytesA = a.size * a.least, bytesB = b.size * b.least;
    return bytesA != bytesB ? bytesA > bytesB : a.rings < b.rings;
  });
  groups.resize(std::min(groups.size(), large));
  std::vector<uint32_t> result;
  auto middle = [&](const Group &group) -> const Span * {
    const std::vector<Span> &lives = rings[group.rings.front()].lives;
    return lives.size() > 2 * step ? &lives[lives.size() / 2] : nullptr;
  };
  for (size_t i = 0; i < groups.size(); ++i)
    for (size_t j = 0; j <= i; ++j) {
      const Span *a = middle(groups[i]), *b = middle(groups[j]);
      if (!a || !b || a[step].begin <= a->begin)
        continue;
      uint32_t round = a[step].begin - a->begin;
      uint32_t time = a->end - a->begin + (i == j ? 0 : b->end - b->begin);
      uint32_t slots = std::max(1u, (time + round - 1) / round) * step;
      if (slots <= kMostSlots)
        result.push_back(slots);
    }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

/// Lets warm-up and cool-down go their own ways.
void planWithFreeEnds(const std::vector<Ring> &rings,
                      const std::vector<Group> &groups, uint32_t step,
                      uint64_t &effort, RingPlan &plan) {
  std::optional<RingPlanner> best;
  uint64_t fewest = plan.bytes;
  for (uint32_t slots : findTurns(rings, groups, step)) {
    RingPlanner planner(rings, groups, plan.lowerBound, slots, true);
    planner.run(effort, 0, plan);
    if (isClose(plan.bytes, plan.lowerBound))
      return;
    if (plan.bytes < fewest)
      best = std::move(planner);
    fewest = plan.bytes;
  }
  if (best)
    best->run(effort, effort / 8, plan);
}

} // namespace

uint32_t pp::memory::countSlots(const std::vector<Span> &lives) {
  std::vector<Ring> one(1);
  one[0].size = kAlignment;
  one[0].lives = lives;
  uint32_t most = std::max<size_t>(1, lives.size());
  uint32_t slots = std::max<uint64_t>(1, largestLive(one) / kAlignment);
  // As many as are live at once, unless they end in another order.
  for (uint32_t more = 1;
       slots < most && !suffices(lives, slots, 0, lives.size()); more *= 2)
    slots = std::min(most, slots + std::max(1u, more / 8));
  return slots;
}

RingPlan pp::memory::planRings(const std::vector<Ring> &rings, uint32_t step,
                               const Options &options) {
  RingPlan plan;
  plan.lowerBound = largestLive(rings);
  plan.places.assign(rings.size(), {{0}});
  if (rings.empty())
    return plan;
  plan.bytes = ~uint64_t(0);
  std::vector<Group> glued, single;
  for (uint32_t i = 0; i < rings.size(); ++i) {
    auto like = std::find_if(glued.begin(), glued.end(), [&](Group &group) {
      return rings[group.rings.front()].lives == rings[i].lives;
    });
    if (like == glued.end()) {
      like = glued.insert(glued.end(), Group());
      like->least = countSlots(rings[i].lives);
    }
    like->rings.push_back(i);
    like->size += alignUp(rings[i].size);
    Span turning = rings[i].turning;
    if (like->turning.begin == like->turning.end)
      like->turning = turning;
    else if (turning.begin != turning.end)
      like->turning = {std::min(like->turning.begin, turning.begin),
                       std::max(like->turning.end, turning.end)};
    Group alone;
    alone.rings = {i};
    alone.size = alignUp(rings[i].size);
    alone.least = like->least;
    alone.turning = turning;
    single.push_back(alone);
  }
  uint32_t most = 1;
  for (const Group &group : glued)
    if (group.least <= kMostSlots)
      most = std::max(most, group.least);
  // Few slots, so that short-lived values share and long rings stay as they
  // are; then as many as the longest ring needs, and more.
  uint32_t first = (most + step - 1) / step * step;
  uint64_t effort = options.effort;
  auto isDone = [&] { return isClose(plan.bytes, plan.lowerBound); };
  uint32_t few = std::min(first, 8 * step);
  // All that sees every instance is for few, or for where rings fail.
  size_t instances = 0, longest = 0;
  for (const Group &group : glued) {
    size_t size = rings[group.rings.front()].lives.size();
    instances += size;
    longest = std::max(longest, size);
  }
  bool areFew = instances <= kFewInstances;
  bool areFewRounds = longest / step <= kFewRounds;
  // Many rounds must save more to be worth a place for each instance.
  auto isNearly = [&] {
    return plan.bytes - plan.lowerBound <=
           plan.lowerBound / (areFewRounds ? 64 : 32);
  };
  uint32_t bestSlots = 0;
  uint64_t ofRings = plan.bytes;
  auto tryRings = [&](uint32_t slots) {
    if (effort <= options.effort / 2 || plan.bytes <= plan.lowerBound)
      return;
    RingPlanner(rings, glued, plan.lowerBound, slots)
        .run(effort, slots > few ? 0 : options.effort / 100, plan);
    if (plan.bytes < ofRings)
      bestSlots = slots;
    ofRings = std::min(ofRings, plan.bytes);
  };
  for (uint32_t slots = step; slots <= few; slots += step)
    tryRings(slots);
  // In few rounds it matters little that a sweep does not repeat itself.
  uint64_t before = plan.bytes;
  if (!areFew && !isDone() && areFewRounds)
    sweep(rings, glued, false, true, plan);
  for (uint32_t slots = std::max(first, few + step);
       slots <= std::min(kMostSlots, (areFew ? 5 : 2) * first) && !isDone();
       slots += areFew ? step : std::max(step, first / 8 / step * step))
    tryRings(slots);
  if (!isDone())
    planWithFreeEnds(rings, glued, step, effort, plan);
  for (bool backwards : {false, true})
    for (bool largestFirst : {true, false}) {
      bool isFirst = !backwards && largestFirst;
      if (areFew ? plan.bytes > plan.lowerBound
                 : !isNearly() && (isFirst || plan.bytes < before))
        sweep(rings, glued, backwards, largestFirst, plan);
      if (areFew && plan.bytes > plan.lowerBound)
        sweep(rings, single, backwards, largestFirst, plan);
    }
  for (uint32_t slots : {0u, bestSlots})
    for (const std::vector<Group> &groups : {glued, single})
      if (!isDone())
        RingPlanner(rings, groups, plan.lowerBound, slots)
            .run(effort, options.effort / 8, plan);
  return plan;
}
