//===- MemoryPlanning.cpp - Offsets for buffers of known lifetime ---------===//
//
// Optimal placement is NP-hard, so several fast heuristics run and the best
// plan wins:
//
//  1. Buffers of equal lifetime are glued into one block, as the residuals of
//     one micro-batch are. What remains of a pipeline schedule are few sizes
//     and a sliding window of lifetimes.
//  2. Sweeps over time, forwards and backwards, give each buffer the tightest
//     free block: O(n log n). On stacks (forward then backward of one
//     micro-batch) and on sliding windows (1f1b) this meets the lower bound.
//  3. Stacking in a fixed order (longest, largest, most bytes times time
//     first) on a skyline kept in a segment tree: O(n log n).
//  4. Where there are few enough conflicting pairs: best fit into gaps in such
//     an order, then a hill climb that moves the buffers at the top of the
//     arena to the front of the order and keeps what got better.
//
// Every heuristic runs on the glued blocks and, if the bound was not met, on
// the single buffers, which can fill gaps the blocks cannot.
//
//===----------------------------------------------------------------------===//

#include "pp/MemoryPlanning/MemoryPlanning.h"

#include "FreeList.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

using namespace pp::memory;

namespace {

using Order = std::vector<uint32_t>;
using Offsets = std::vector<uint64_t>;

/// Maximum over a range and assignment to a range, on compressed times.
class Skyline {
public:
  explicit Skyline(size_t points) {
    while (width < points)
      width *= 2;
    highest.assign(2 * width, 0);
    assigned.assign(2 * width, kNone);
  }
  uint64_t max(uint32_t begin, uint32_t end) {
    return max(1, 0, width, begin, end);
  }
  void assign(uint32_t begin, uint32_t end, uint64_t height) {
    assign(1, 0, width, begin, end, height);
  }

private:
  static constexpr uint64_t kNone = ~uint64_t(0);

  void push(size_t node) {
    if (assigned[node] == kNone)
      return;
    for (size_t child : {2 * node, 2 * node + 1})
      highest[child] = assigned[child] = assigned[node];
    assigned[node] = kNone;
  }
  uint64_t max(size_t node, size_t low, size_t high, size_t begin, size_t end) {
    if (begin <= low && high <= end)
      return highest[node];
    push(node);
    size_t middle = (low + high) / 2;
    uint64_t result = 0;
    if (begin < middle)
      result = max(2 * node, low, middle, begin, end);
    if (end > middle)
      result = std::max(result, max(2 * node + 1, middle, high, begin, end));
    return result;
  }
  void assign(size_t node, size_t low, size_t high, size_t begin, size_t end,
              uint64_t height) {
    if (begin <= low && high <= end) {
      highest[node] = assigned[node] = height;
      return;
    }
    push(node);
    size_t middle = (low + high) / 2;
    if (begin < middle)
      assign(2 * node, low, middle, begin, end, height);
    if (end > middle)
      assign(2 * node + 1, middle, high, begin, end, height);
    highest[node] = std::max(highest[2 * node], highest[2 * node + 1]);
  }

  size_t width = 1;
  std::vector<uint64_t> highest, assigned;
};

/// One placement problem: live intervals of aligned size with compressed
/// times.
class Placer {
public:
  Placer(std::vector<Interval> given, uint64_t lowerBound)
      : items(std::move(given)), bound(lowerBound) {
    std::vector<uint32_t> times;
    for (const Interval &item : items) {
      times.push_back(item.begin);
      times.push_back(item.end);
    }
    std::sort(times.begin(), times.end());
    times.erase(std::unique(times.begin(), times.end()), times.end());
    points = times.size();
    for (Interval &item : items) {
      item.begin = std::lower_bound(times.begin(), times.end(), item.begin) -
                   times.begin();
      item.end = std::lower_bound(times.begin(), times.end(), item.end) -
                 times.begin();
    }
  }

  /// Runs all heuristics; spends from `effort`.
  void run(uint64_t &effort) {
    std::vector<Order> orders = makeOrders();
    for (bool backwards : {false, true}) {
      for (bool largestFirst : {true, false}) {
        consider(sweep(backwards, largestFirst));
        if (isOptimal())
          return;
      }
    }
    for (const Order &order : orders) {
      consider(stack(order));
      if (isOptimal())
        return;
    }
    if (!findNeighbours(effort))
      return;
    Order bestOrder;
    uint64_t bestOfOrders = ~uint64_t(0);
    for (const Order &order : orders) {
      Offsets offsets = fillGaps(order, effort);
      uint64_t top = topOf(offsets);
      if (top < bestOfOrders) {
        bestOfOrders = top;
        bestOrder = order;
      }
      consider(std::move(offsets));
      if (isOptimal() || effort == 0)
        return;
    }
    climb(std::move(bestOrder), bestOfOrders, effort);
  }

  const Offsets &best() const { return bestOffsets; }
  uint64_t bestBytes() const { return bestTop; }
  bool isOptimal() const { return bestTop <= bound; }

private:
  uint64_t topOf(const Offsets &offsets) const {
    uint64_t top = 0;
    for (size_t i = 0; i < items.size(); ++i)
      top = std::max(top, offsets[i] + items[i].size);
    return top;
  }

  void consider(Offsets offsets) {
    uint64_t top = topOf(offsets);
    if (top < bestTop) {
      bestTop = top;
      bestOffsets = std::move(offsets);
    }
  }

  std::vector<Order> makeOrders() const {
    Order identity(items.size());
    std::iota(identity.begin(), identity.end(), 0);
    auto sorted = [&](auto key) {
      Order order = identity;
      std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        auto keyA = key(items[a]), keyB = key(items[b]);
        return keyA != keyB ? keyA > keyB : a < b;
      });
      return order;
    };
    auto duration = [](const Interval &item) {
      return uint64_t(item.end - item.begin);
    };
    return {
        sorted([&](const Interval &item) {
          return std::make_tuple(item.size, duration(item));
        }),
        sorted([&](const Interval &item) {
          return std::make_tuple(duration(item), item.size);
        }),
        sorted([&](const Interval &item) {
          return double(item.size) * double(duration(item));
        }),
    };
  }

  Offsets sweep(bool backwards, bool largestFirst) const {
    struct Event {
      uint32_t time;
      bool isBegin;
      uint64_t size;
      uint32_t index;
    };
    std::vector<Event> events;
    events.reserve(2 * items.size());
    for (uint32_t i = 0; i < items.size(); ++i) {
      const Interval &item = items[i];
      uint32_t begin = backwards ? points - item.end : item.begin;
      uint32_t end = backwards ? points - item.begin : item.end;
      events.push_back({begin, true, item.size, i});
      events.push_back({end, false, item.size, i});
    }
    std::sort(events.begin(), events.end(),
              [&](const Event &a, const Event &b) {
                if (a.time != b.time)
                  return a.time < b.time;
                if (a.isBegin != b.isBegin)
                  return !a.isBegin;
                if (largestFirst && a.size != b.size)
                  return a.size > b.size;
                return a.index < b.index;
              });
    FreeList memory;
    Offsets offsets(items.size());
    for (const Event &event : events) {
      if (event.isBegin)
        offsets[event.index] = memory.allocate(event.size);
      else
        memory.release(offsets[event.index], event.size);
    }
    return offsets;
  }

  Offsets stack(const Order &order) const {
    Skyline skyline(points);
    Offsets offsets(items.size());
    for (uint32_t index : order) {
      const Interval &item = items[index];
      offsets[index] = skyline.max(item.begin, item.end);
      skyline.assign(item.begin, item.end, offsets[index] + item.size);
    }
    return offsets;
  }

  /// Lists for each item those it is live together with; false if they are
  /// more than the effort allows.
  bool findNeighbours(uint64_t &effort) {
    Order byBegin(items.size());
    std::iota(byBegin.begin(), byBegin.end(), 0);
    std::sort(byBegin.begin(), byBegin.end(), [&](uint32_t a, uint32_t b) {
      return std::make_pair(items[a].begin, a) <
             std::make_pair(items[b].begin, b);
    });
    // Count before listing: the number of pairs is the sum of the live items
    // at each begin.
    std::vector<int64_t> change(points + 1, 0);
    for (const Interval &item : items) {
      ++change[item.begin];
      --change[item.end];
    }
    uint64_t pairs = 0;
    int64_t live = 0;
    std::vector<int64_t> begins(points + 1, 0);
    for (const Interval &item : items)
      ++begins[item.begin];
    for (size_t t = 0; t < points; ++t) {
      live += change[t];
      pairs += uint64_t(live) * uint64_t(begins[t]);
    }
    // One round of gap filling per order must be affordable at least.
    if (pairs * 8 > effort)
      return false;
    neighbours.assign(items.size(), {});
    std::vector<uint32_t> active;
    for (uint32_t index : byBegin) {
      size_t kept = 0;
      for (uint32_t other : active) {
        if (items[other].end <= items[index].begin)
          continue;
        active[kept++] = other;
        neighbours[index].push_back(other);
        neighbours[other].push_back(index);
      }
      active.resize(kept);
      active.push_back(index);
    }
    effort -= std::min(effort, pairs);
    return true;
  }

  /// Puts each item, in the order given, into the tightest gap between the
  /// items already placed, or on top of them.
  Offsets fillGaps(const Order &order, uint64_t &effort) const {
    Offsets offsets(items.size(), kUnplaced);
    std::vector<std::pair<uint64_t, uint64_t>> taken; // begin, end
    for (uint32_t index : order) {
      taken.clear();
      for (uint32_t other : neighbours[index])
        if (offsets[other] != kUnplaced)
          taken.emplace_back(offsets[other],
                             offsets[other] + items[other].size);
      effort -= std::min<uint64_t>(effort, neighbours[index].size() + 1);
      std::sort(taken.begin(), taken.end());
      uint64_t size = items[index].size;
      uint64_t position = 0, bestGap = ~uint64_t(0), bestOffset = kUnplaced;
      for (auto [begin, end] : taken) {
        if (begin > position && begin - position >= size &&
            begin - position < bestGap) {
          bestGap = begin - position;
          bestOffset = position;
        }
        position = std::max(position, end);
      }
      offsets[index] = bestOffset == kUnplaced ? position : bestOffset;
    }
    return offsets;
  }

  /// Moves one of the items that touch the top of the arena, or one of the
  /// items below it, towards the front of the order and keeps the order if
  /// the arena did not grow.
  void climb(Order order, uint64_t top, uint64_t &effort) {
    uint64_t random = 0x9E3779B97F4A7C15;
    auto next = [&](uint64_t limit) {
      random ^= random << 13;
      random ^= random >> 7;
      random ^= random << 17;
      return random % limit;
    };
    Offsets current = fillGaps(order, effort);
    std::vector<uint32_t> candidates;
    while (effort > 0 && !isOptimal()) {
      candidates.clear();
      for (uint32_t i = 0; i < items.size(); ++i)
        if (current[i] + items[i].size == top) {
          candidates.push_back(i);
          candidates.insert(candidates.end(), neighbours[i].begin(),
                            neighbours[i].end());
        }
      uint32_t moved = candidates[next(candidates.size())];
      auto from = std::find(order.begin(), order.end(), moved);
      if (from == order.begin()) {
        effort -= 1;
        continue;
      }
      Order attempt = order;
      auto to = attempt.begin() + next(from - order.begin());
      std::rotate(to, attempt.begin() + (from - order.begin()),
                  attempt.begin() + (from - order.begin()) + 1);
      Offsets offsets = fillGaps(attempt, effort);
      uint64_t newTop = topOf(offsets);
      if (newTop > top)
        continue;
      order = std::move(attempt);
      current = offsets;
      top = newTop;
      consider(std::move(offsets));
    }
  }

  static constexpr uint64_t kUnplaced = ~uint64_t(0);

  std::vector<Interval> items;
  uint64_t bound;
  size_t points = 0;
  std::vector<std::vector<uint32_t>> neighbours;
  Offsets bestOffsets;
  uint64_t bestTop = ~uint64_t(0);
};

bool isEverLive(const Interval &interval) {
  return interval.size != 0 && interval.begin < interval.end;
}

/// Gives the intervals of each group consecutive offsets from the group's.
void scatter(const std::vector<Interval> &intervals,
             const std::vector<std::vector<uint32_t>> &groups,
             const Offsets &groupOffsets, Offsets &offsets) {
  for (size_t group = 0; group < groups.size(); ++group) {
    uint64_t offset = groupOffsets[group];
    for (uint32_t index : groups[group]) {
      offsets[index] = offset;
      offset += alignUp(intervals[index].size);
    }
  }
}

} // namespace

uint64_t pp::memory::lowerBound(const std::vector<Interval> &intervals) {
  std::vector<std::pair<uint32_t, int64_t>> changes;
  for (const Interval &interval : intervals) {
    if (!isEverLive(interval))
      continue;
    int64_t size = int64_t(alignUp(interval.size));
    changes.emplace_back(interval.begin, size);
    changes.emplace_back(interval.end, -size);
  }
  // Equal times sort negative changes first: lifetimes are half open.
  std::sort(changes.begin(), changes.end());
  int64_t live = 0, largest = 0;
  for (auto [time, change] : changes) {
    live += change;
    largest = std::max(largest, live);
  }
  return uint64_t(largest);
}

Plan pp::memory::planMemory(const std::vector<Interval> &intervals,
                            const Options &options) {
  Plan plan;
  plan.offsets.assign(intervals.size(), 0);
  plan.lowerBound = lowerBound(intervals);

  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> byLifetime;
  std::vector<std::vector<uint32_t>> blocks, singles;
  for (uint32_t i = 0; i < intervals.size(); ++i) {
    if (!isEverLive(intervals[i]))
      continue;
    byLifetime[{intervals[i].begin, intervals[i].end}].push_back(i);
    singles.push_back({i});
  }
  for (auto &entry : byLifetime)
    blocks.push_back(std::move(entry.second));

  plan.bytes = ~uint64_t(0);
  auto attempt = [&](const std::vector<std::vector<uint32_t>> &groups,
                     uint64_t effort) {
    std::vector<Interval> items;
    for (const std::vector<uint32_t> &group : groups) {
      Interval item = intervals[group.front()];
      item.size = 0;
      for (uint32_t index : group)
        item.size += alignUp(intervals[index].size);
      items.push_back(item);
    }
    Placer placer(std::move(items), plan.lowerBound);
    placer.run(effort);
    if (placer.bestBytes() < plan.bytes) {
      plan.bytes = placer.bestBytes();
      scatter(intervals, groups, placer.best(), plan.offsets);
    }
  };

  if (singles.empty()) {
    plan.bytes = 0;
    return plan;
  }
  // Where hardly any lifetimes are equal, the blocks say nothing new.
  bool blocksDiffer = blocks.size() < singles.size() / 10 * 9;
  if (blocksDiffer)
    attempt(blocks, options.effort / 2);
  if (plan.bytes > plan.lowerBound)
    attempt(singles, blocksDiffer ? options.effort / 2 : options.effort);
  return plan;
}
