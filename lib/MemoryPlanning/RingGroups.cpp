//===- RingGroups.cpp - Rings that live alike -----------------------------===//

#include "RingGroups.h"

#include <algorithm>

using namespace pp::memory;

bool pp::memory::suffices(const std::vector<Span> &lives, uint32_t slots,
                          size_t begin, size_t end) {
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

uint64_t pp::memory::largestLive(const std::vector<Ring> &rings) {
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

std::vector<Group> pp::memory::glueRings(const std::vector<Ring> &rings) {
  std::vector<Group> groups;
  for (uint32_t i = 0; i < rings.size(); ++i) {
    auto like =
        std::find_if(groups.begin(), groups.end(), [&](const Group &group) {
          return rings[group.rings.front()].lives == rings[i].lives;
        });
    if (like == groups.end()) {
      like = groups.insert(groups.end(), Group());
      like->least = countSlots(rings[i].lives);
    }
    like->rings.push_back(i);
    like->size += alignUp(rings[i].size);
    const Span inLoops = rings[i].inLoops;
    if (like->inLoops.begin == like->inLoops.end)
      like->inLoops = inLoops;
    else if (inLoops.begin != inLoops.end)
      like->inLoops = {std::min(like->inLoops.begin, inLoops.begin),
                       std::max(like->inLoops.end, inLoops.end)};
  }
  return groups;
}

std::vector<Group> pp::memory::separateRings(const std::vector<Ring> &rings,
                                             const std::vector<Group> &glued) {
  std::vector<Group> groups(rings.size());
  for (const Group &group : glued)
    for (uint32_t ring : group.rings)
      groups[ring] = {
          {ring}, alignUp(rings[ring].size), group.least, rings[ring].inLoops};
  return groups;
}
