//===- FindRingOverlap.cpp - The check of a plan of rings -----------------===//
//
// Slots that share bytes are found first, by a sweep over the arena; the
// instances of such two, in order of time, must then take turns. Where there
// are about as many slots as instances, the instances are compared one by one.
//
// Buffers that live alike and lie side by side in all their slots, such as the
// residuals of a layer, are one buffer for that; where it overlaps another one,
// all are compared once more as they are.
//
//===----------------------------------------------------------------------===//

#include "pp/MemoryPlanning/Rings.h"

#include <algorithm>
#include <numeric>

using namespace pp::memory;

namespace {
/// With more slots than this, more pairs share bytes than are worth listing.
constexpr size_t kMostSlots = 2048;

struct Turn {
  Span life;
  size_t instance;
};

struct Slot {
  size_t ring;
  uint64_t begin, end; ///< bytes
  std::vector<Turn> turns;
};
} // namespace

static RingOverlap makeOverlap(const Slot &a, const Turn &turnA, const Slot &b,
                               const Turn &turnB) {
  return {{a.ring, b.ring}, {turnA.instance, turnB.instance}};
}

/// The first two turns, one of each slot, that meet.
static std::optional<RingOverlap> compare(const Slot &a, const Slot &b) {
  auto x = a.turns.begin(), y = b.turns.begin();
  while (x != a.turns.end() && y != b.turns.end()) {
    if (x->life.end <= y->life.begin)
      ++x;
    else if (y->life.end <= x->life.begin)
      ++y;
    else
      return makeOverlap(a, *x, b, *y);
  }
  return std::nullopt;
}

/// Each instance is a buffer of its own.
static std::optional<RingOverlap>
findOverlapOfInstances(const std::vector<Ring> &rings,
                       const std::vector<Places> &places) {
  std::vector<Interval> intervals;
  std::vector<uint64_t> offsets;
  std::vector<std::pair<size_t, size_t>> origins;
  for (size_t ring = 0; ring < rings.size(); ++ring)
    for (size_t i = 0; i < rings[ring].lives.size(); ++i) {
      const Span &life = rings[ring].lives[i];
      intervals.push_back({rings[ring].size, life.begin, life.end});
      offsets.push_back(places[ring].at(i));
      origins.emplace_back(ring, i);
    }
  auto overlap = findOverlap(intervals, offsets);
  if (!overlap)
    return std::nullopt;
  auto a = origins[overlap->first], b = origins[overlap->second];
  return RingOverlap{{a.first, b.first}, {a.second, b.second}};
}

static std::optional<RingOverlap>
findOverlapOfAll(const std::vector<Ring> &rings,
                 const std::vector<Places> &places) {
  size_t numSlots = 0;
  for (const Places &ofRing : places)
    numSlots += ofRing.slots.size();
  if (numSlots > kMostSlots)
    return findOverlapOfInstances(rings, places);
  std::vector<Slot> slots;
  for (size_t ring = 0; ring < rings.size(); ++ring) {
    size_t first = slots.size();
    for (uint64_t offset : places[ring].slots)
      slots.push_back({ring, offset, offset + rings[ring].size, {}});
    const std::vector<Span> &lives = rings[ring].lives;
    for (size_t i = 0; i < lives.size(); ++i)
      if (lives[i].begin < lives[i].end)
        slots[first + places[ring].slotOf(i)].turns.push_back({lives[i], i});
  }
  for (Slot &slot : slots) {
    std::sort(slot.turns.begin(), slot.turns.end(),
              [](const Turn &a, const Turn &b) {
                return a.life.begin < b.life.begin;
              });
    for (size_t i = 1; i < slot.turns.size(); ++i)
      if (slot.turns[i].life.begin < slot.turns[i - 1].life.end)
        return makeOverlap(slot, slot.turns[i - 1], slot, slot.turns[i]);
  }
  std::sort(slots.begin(), slots.end(),
            [](const Slot &a, const Slot &b) { return a.begin < b.begin; });
  std::vector<const Slot *> open; // that reach to the current one
  for (const Slot &slot : slots) {
    open.erase(std::remove_if(
                   open.begin(), open.end(),
                   [&](const Slot *other) { return other->end <= slot.begin; }),
               open.end());
    if (slot.begin == slot.end)
      continue;
    for (const Slot *other : open)
      if (auto overlap = compare(*other, slot))
        return overlap;
    open.push_back(&slot);
  }
  return std::nullopt;
}

/// Whether each instance of the second ring lies right behind that of the
/// first, and lives as long.
static bool isBehind(const Ring &first, const Places &placesFirst,
                     const Ring &second, const Places &placesSecond) {
  if (placesFirst.head != placesSecond.head ||
      placesFirst.tail != placesSecond.tail ||
      placesFirst.instances != placesSecond.instances ||
      placesFirst.slots.size() != placesSecond.slots.size() ||
      first.lives != second.lives)
    return false;
  for (size_t i = 0; i < placesFirst.slots.size(); ++i)
    if (placesSecond.slots[i] != placesFirst.slots[i] + alignUp(first.size))
      return false;
  return true;
}

std::optional<RingOverlap>
pp::memory::findOverlap(const std::vector<Ring> &rings,
                        const std::vector<Places> &places) {
  std::vector<size_t> order(rings.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return places[a].slots.front() < places[b].slots.front();
  });
  std::vector<Ring> merged;
  std::vector<Places> placesOfMerged;
  for (size_t ring : order) {
    if (rings[ring].size == 0)
      continue; // overlaps nothing
    if (!merged.empty() && isBehind(merged.back(), placesOfMerged.back(),
                                    rings[ring], places[ring])) {
      merged.back().size = alignUp(merged.back().size) + rings[ring].size;
      continue;
    }
    merged.push_back(rings[ring]);
    placesOfMerged.push_back(places[ring]);
  }
  if (!findOverlapOfAll(merged, placesOfMerged))
    return std::nullopt;
  return findOverlapOfAll(rings, places);
}
