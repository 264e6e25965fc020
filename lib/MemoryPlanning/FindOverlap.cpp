//===- FindOverlap.cpp - The check of a memory plan -----------------------===//
//
// Sweeps over time and keeps the live buffers sorted by offset. Since they are
// disjoint until the first violation, a buffer that becomes live can only
// collide with its two neighbours.
//
//===----------------------------------------------------------------------===//

#include "pp/MemoryPlanning/MemoryPlanning.h"

#include <algorithm>
#include <map>

using namespace pp::memory;

std::optional<std::pair<size_t, size_t>>
pp::memory::findOverlap(const std::vector<Interval> &intervals,
                        const std::vector<uint64_t> &offsets) {
  struct Event {
    uint32_t time;
    bool isBegin; // ends sort first: lifetimes are half open
    size_t index;
  };
  std::vector<Event> events;
  for (size_t i = 0; i < intervals.size(); ++i) {
    const Interval &interval = intervals[i];
    if (interval.size == 0 || interval.end <= interval.begin)
      continue;
    events.push_back({interval.begin, true, i});
    events.push_back({interval.end, false, i});
  }
  std::sort(events.begin(), events.end(), [](const Event &a, const Event &b) {
    if (a.time != b.time)
      return a.time < b.time;
    if (a.isBegin != b.isBegin)
      return !a.isBegin;
    return a.index < b.index;
  });

  std::map<uint64_t, size_t> live; // offset -> interval
  for (const Event &event : events) {
    uint64_t offset = offsets[event.index];
    if (!event.isBegin) {
      live.erase(offset);
      continue;
    }
    auto above = live.lower_bound(offset);
    if (above != live.end() &&
        above->first < offset + intervals[event.index].size)
      return std::make_pair(above->second, event.index);
    if (above != live.begin()) {
      auto below = std::prev(above);
      if (below->first + intervals[below->second].size > offset)
        return std::make_pair(below->second, event.index);
    }
    live.emplace(offset, event.index);
  }
  return std::nullopt;
}
