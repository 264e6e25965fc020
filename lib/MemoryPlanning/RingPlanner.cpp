//===- RingPlanner.cpp - Offsets for slots that take turns ----------------===//

#include "RingPlanner.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace pp::memory;

/// More slots of their own than this are as bad as a place for each instance.
static constexpr uint32_t kMostEnds = 256;

//===----------------------------------------------------------------------===//
// Slots and their conflicts
//===----------------------------------------------------------------------===//

RingPlanner::RingPlanner(const std::vector<Ring> &rings,
                         const std::vector<Group> &given, uint64_t bound,
                         uint32_t slots, bool freeEnds)
    : rings(&rings), bound(bound), freeEnds(freeEnds) {
  for (const Group &group : given)
    groups.push_back({group});
  for (Slots &group : groups) {
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

uint32_t RingPlanner::itemOf(const Slots &group, size_t instance) const {
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
void RingPlanner::cutEnds(Slots &group, uint32_t slots) {
  const std::vector<Span> &lives = livesOf(group);
  Span inLoops = group.inLoops;
  uint32_t ends = lives.size() - (inLoops.end - inLoops.begin);
  if (inLoops.begin == inLoops.end || ends > kMostEnds) {
    if (slots > group.least && slots < lives.size() &&
        suffices(lives, slots, 0, lives.size()))
      group.slots = slots;
    return;
  }
  for (uint32_t count : {slots, group.least})
    if (count <= kMostSlots && count + ends < lives.size() &&
        suffices(lives, count, inLoops.begin, inLoops.end)) {
      group.slots = count;
      group.head = inLoops.begin;
      group.tail = lives.size() - inLoops.end;
      return;
    }
}

/// Runs through time and notes who is live when a slot becomes live.
void RingPlanner::findConflicts() {
  uint32_t length = 0;
  for (const Slots &group : groups)
    for (const Span &life : livesOf(group))
      length = std::max(length, life.end + 1);
  // Items by the time at which an instance ends or begins.
  auto sorted = [&](bool isEnd) {
    std::vector<uint32_t> starts(length + 1, 0);
    auto visit = [&](auto take) {
      for (const Slots &group : groups) {
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
      for (uint64_t bits = conflicts[a * words + word]; bits; bits &= bits - 1)
        degrees[a] += items[word * 64 + __builtin_ctzll(bits)].size;
}

//===----------------------------------------------------------------------===//
// Offsets
//===----------------------------------------------------------------------===//

/// Each item in order into the tightest, or lowest, gap between those it
/// conflicts with.
Offsets RingPlanner::fillGaps(const Order &order, bool lowest) const {
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
      if (!conflict(row, other.item))
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

uint64_t RingPlanner::topOf(const Offsets &offsets) const {
  uint64_t top = 0;
  for (size_t i = 0; i < items.size(); ++i)
    top = std::max(top, offsets[i] + items[i].size);
  return top;
}

void RingPlanner::scatter(const Offsets &offsets, uint64_t top,
                          RingPlan &plan) const {
  plan.bytes = top;
  for (const Slots &group : groups) {
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

//===----------------------------------------------------------------------===//
// Search over orders
//===----------------------------------------------------------------------===//

void RingPlanner::run(uint64_t &effort, uint64_t toClimb, RingPlan &plan) {
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
