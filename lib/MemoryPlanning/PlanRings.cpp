//===- PlanRings.cpp - Offsets for buffers that loops use again -----------===//
//
// A slot is not live once but again and again, so that slots are the nodes of a
// conflict graph and not intervals. Rings whose instances live alike, as the
// residuals of one micro-batch do, are glued first; what remains are few slots,
// and best fit into gaps along a few orders, improved by a hill climb, mostly
// meets the lower bound: in a steady state almost all slots are full.
//
// A ring of very many slots (all micro-batches, where all forwards come first)
// is placed as one block: it is full at the peak.
//
//===----------------------------------------------------------------------===//

#include "pp/MemoryPlanning/Rings.h"

#include <algorithm>
#include <map>
#include <numeric>

using namespace pp::memory;

namespace {

/// More slots than this are one block.
constexpr uint32_t kMostSlots = 64;

using Order = std::vector<uint32_t>;
using Offsets = std::vector<uint64_t>;

/// A slot, or a block of all slots of a ring.
struct Item {
  uint64_t size = 0;
  uint64_t liveTime = 0;
};

/// Rings of equal lives, side by side in each slot.
struct Group {
  std::vector<uint32_t> rings;
  uint64_t size = 0;
  uint32_t slots = 1;
  uint32_t firstItem = 0;
  bool isBlock = false;
};

class RingPlanner {
public:
  RingPlanner(const std::vector<Ring> &rings, std::vector<Group> given,
              uint64_t bound)
      : rings(rings), groups(std::move(given)), bound(bound) {
    for (Group &group : groups) {
      const std::vector<Span> &lives = livesOf(group);
      group.slots = countSlots(lives);
      group.isBlock = group.slots > kMostSlots;
      group.firstItem = items.size();
      for (uint32_t index : group.rings)
        group.size += alignUp(rings[index].size);
      if (group.isBlock)
        items.push_back({group.size * group.slots, 0});
      else
        items.resize(items.size() + group.slots, {group.size, 0});
      for (size_t i = 0; i < lives.size(); ++i)
        items[itemOf(group, i)].liveTime += lives[i].end - lives[i].begin;
    }
    findConflicts();
  }

  void run(uint64_t effort, RingPlan &plan) {
    Order order(items.size());
    std::iota(order.begin(), order.end(), 0);
    Order best;
    Offsets bestOffsets;
    uint64_t bestTop = ~uint64_t(0);
    auto attempt = [&](const Order &candidate) {
      Offsets offsets = fillGaps(candidate);
      uint64_t top = topOf(offsets);
      effort -= std::min<uint64_t>(effort, items.size() * items.size() + 1);
      if (top > bestTop)
        return;
      best = candidate;
      bestTop = top;
      bestOffsets = std::move(offsets);
    };
    auto by = [&](auto key) {
      Order sorted = order;
      std::sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) {
        return key(a) != key(b) ? key(a) > key(b) : a < b;
      });
      return sorted;
    };
    attempt(by([&](uint32_t i) { return items[i].liveTime; }));
    attempt(by([&](uint32_t i) { return items[i].size; }));
    attempt(by([&](uint32_t i) {
      return double(items[i].size) * double(items[i].liveTime);
    }));
    attempt(by([&](uint32_t i) { return degrees[i]; }));
    uint64_t random = 0x9E3779B97F4A7C15;
    auto next = [&](uint64_t limit) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      return random % limit;
    };
    while (effort > 0 && bestTop > bound && items.size() > 1) {
      Order candidate = best;
      size_t from = 1 + next(candidate.size() - 1), to = next(from);
      std::rotate(candidate.begin() + to, candidate.begin() + from,
                  candidate.begin() + from + 1);
      attempt(candidate);
    }
    if (bestTop < plan.bytes)
      scatter(bestOffsets, bestTop, plan);
  }

  size_t numItems() const { return items.size(); }

private:
  const std::vector<Span> &livesOf(const Group &group) const {
    return rings[group.rings.front()].lives;
  }
  uint32_t itemOf(const Group &group, size_t instance) const {
    return group.firstItem + (group.isBlock ? 0 : instance % group.slots);
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
    degrees.assign(items.size(), 0);
    for (uint32_t a = 0; a < items.size(); ++a)
      for (uint32_t b = 0; b < items.size(); ++b)
        if (conflict(a, b))
          degrees[a] += items[b].size;
  }

  bool conflict(uint32_t a, uint32_t b) const {
    return (conflicts[a * words + b / 64] >> b % 64 & 1) ||
           (conflicts[b * words + a / 64] >> a % 64 & 1);
  }

  /// Each item in order into the tightest gap between those it conflicts with.
  Offsets fillGaps(const Order &order) const {
    Offsets offsets(items.size());
    Order placed; // by offset
    for (uint32_t index : order) {
      uint64_t size = items[index].size, top = 0;
      uint64_t bestGap = ~uint64_t(0), bestOffset = 0;
      for (uint32_t other : placed) {
        if (!conflict(index, other))
          continue;
        uint64_t begin = offsets[other];
        if (begin >= top + size && begin - top < bestGap) {
          bestGap = begin - top;
          bestOffset = top;
        }
        top = std::max(top, begin + items[other].size);
      }
      offsets[index] = bestGap == ~uint64_t(0) ? top : bestOffset;
      placed.insert(std::upper_bound(placed.begin(), placed.end(),
                                     offsets[index],
                                     [&](uint64_t offset, uint32_t other) {
                                       return offset < offsets[other];
                                     }),
                    index);
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
        plan.offsets[ring].clear();
        for (uint32_t slot = 0; slot < group.slots; ++slot)
          plan.offsets[ring].push_back(
              (group.isBlock ? offsets[group.firstItem] + slot * group.size
                             : offsets[group.firstItem + slot]) +
              inside);
        inside += alignUp(rings[ring].size);
      }
    }
  }

  const std::vector<Ring> &rings;
  std::vector<Group> groups;
  std::vector<Item> items;
  uint64_t bound;
  size_t words = 0;
  std::vector<uint64_t> conflicts; ///< a row of bits for each item
  std::vector<uint64_t> degrees;   ///< bytes that an item conflicts with
};

uint64_t largestLive(const std::vector<Ring> &rings) {
  std::vector<int64_t> change;
  for (const Ring &ring : rings)
    for (const Span &life : ring.lives) {
      if (change.size() <= life.end)
        change.resize(life.end + 1, 0);
      int64_t size = life.begin < life.end ? alignUp(ring.size) : 0;
      change[life.begin] += size;
      change[life.end] -= size;
    }
  int64_t live = 0, largest = 0;
  for (int64_t delta : change)
    largest = std::max(largest, live += delta);
  return uint64_t(largest);
}

/// Whether no two instances of a slot meet.
bool suffices(const std::vector<Span> &lives, uint32_t slots) {
  std::vector<std::vector<Span>> ofSlot(slots);
  for (size_t i = 0; i < lives.size(); ++i) {
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

} // namespace

uint32_t pp::memory::countSlots(const std::vector<Span> &lives) {
  std::vector<Ring> one(1);
  one[0].size = kAlignment;
  one[0].lives = lives;
  uint32_t most = std::max<size_t>(1, lives.size());
  uint32_t slots = std::max<uint64_t>(1, largestLive(one) / kAlignment);
  // As many as are live at once, unless they end in another order.
  for (uint32_t more = 1; slots < most && !suffices(lives, slots); more *= 2)
    slots = std::min(most, slots + std::max(1u, more / 8));
  return slots;
}

RingPlan pp::memory::planRings(const std::vector<Ring> &rings,
                               const Options &options) {
  RingPlan plan;
  plan.lowerBound = largestLive(rings);
  plan.offsets.assign(rings.size(), {0});
  plan.bytes = ~uint64_t(0);
  std::vector<Group> glued, single;
  for (uint32_t i = 0; i < rings.size(); ++i) {
    auto like = std::find_if(glued.begin(), glued.end(), [&](Group &group) {
      return rings[group.rings.front()].lives == rings[i].lives;
    });
    if (like == glued.end())
      like = glued.insert(glued.end(), Group());
    like->rings.push_back(i);
    Group alone;
    alone.rings = {i};
    single.push_back(alone);
  }
  if (rings.empty()) {
    plan.bytes = 0;
    return plan;
  }
  RingPlanner ofGroups(rings, glued, plan.lowerBound);
  ofGroups.run(options.effort / 2, plan);
  if (plan.bytes > plan.lowerBound && glued.size() < single.size()) {
    RingPlanner ofSingles(rings, single, plan.lowerBound);
    // At least one round along each order.
    uint64_t items = ofSingles.numItems();
    if (8 * items * items <= options.effort)
      ofSingles.run(options.effort / 2, plan);
  }
  return plan;
}
