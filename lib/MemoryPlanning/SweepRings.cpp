//===- SweepRings.cpp - A place for each instance -------------------------===//
//
// Where no number of slots is good, instances are placed as any buffers are, in
// one sweep over time. It takes no slot structure into account, so it packs
// well; the price is a table of places, one a round.
//
//===----------------------------------------------------------------------===//

#include "FreeList.h"
#include "RingGroups.h"

#include <algorithm>

using namespace pp::memory;

void pp::memory::sweepRings(const std::vector<Ring> &rings,
                            const std::vector<Group> &groups, bool backwards,
                            bool largestFirst, RingPlan &plan) {
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
