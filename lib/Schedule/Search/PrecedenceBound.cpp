//===- PrecedenceBound.cpp - A bound from who must go first ---------------===//
//
// Micro-batches keep their order in each stage and kind of action: where some
// schedule does not, giving the i-th place to the i-th changes neither times
// nor bytes. So data flow and memory say of many pairs which comes first.
//   head   of an action, before which it cannot start: a predecessor's head and
//          time; or, of any predecessors on its own rank, the earliest head and
//          the sum of their times, for they run one by one;
//   tail   the same backwards, from its end to that of the step;
//   bound  when a rank ends that may interrupt actions, and of those whose
//          heads have passed runs the one with the longest tail (Jackson): no
//          order without interruptions ends earlier.
//
// Memory. A rank has room R for its stages 1 .. v, in the order of the way, of
// sizes a_1 .. a_v; A_k = a_1 + .. + a_k. Until its input gradient in stage s a
// micro-batch holds all that it has taken up to s, since gradients come back
// the other way. Hence, with F_k(j) the forward of micro-batch j in stage k:
//   away     When F_v(q) starts, q holds A_v, and those of q + 1 .. j that have
//            passed F_k hold A_k each: F_k(j) follows F_v(j - D_k), with
//            D_k = floor((R - A_v) / A_k) + 1, or F_v(q) never fits.
//   held     When F_k(j) starts, j holds A_k, and i .. j - 1 hold A_s each if i
//            waits for I_s, s <= k: F_k(j) follows I_s(j - N), with
//            N = floor((R - A_k) / A_s) + 1. For W_s alike, with a_s alone, or
//            what of it W reads.
//   first    When F_k(j) starts, i .. j - D_k are past F_v and hold A_v each
//            if i waits for I_v, the D_k behind them A_k each: F_k(j) follows
//            I_v(j - D_k - floor((R - D_k A_k) / A_v)).
//   release  What takes bytes starts no earlier than enough of what gives bytes
//            back can have ended, for all that have taken them before.
//
// Refutation. Suppose that a schedule takes T. If x and then y on one rank need
// head(x) + x + y + tail(y) > T, then y comes first: one more order, from which
// heads and tails grow, and so on. Where that ends in a contradiction, nothing
// takes T. Bisection looks for the largest such T.
//
//===----------------------------------------------------------------------===//

#include "PrecedenceBound.h"
#include "../Execution.h"
#include "../OneForAll.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

using namespace pp::schedule;
using namespace pp::schedule::detail;

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Predecessors of a line that an action looks back at: older ones hardly ever
/// delay it.
constexpr int32_t kWindow = 24;
/// Actions times lines that are looked at.
constexpr int64_t kLargest = 4'000'000;
/// Bounds the refutations: predecessors looked at.
constexpr int64_t kEffort = 20'000'000;
constexpr double kSlack = 1e-9; ///< of rounding, relative

struct Edge {
  int32_t node;
  double lag; ///< from end to start
};

/// Actions in lines: those of a line run on one rank, in order.
struct Graph {
  int32_t length = 0;                      ///< of each line
  std::vector<int32_t> rankOf;             ///< of lines
  std::vector<double> duration;            ///< of the actions of a line
  std::vector<int64_t> taken;              ///< bytes by an action of a line
  std::vector<int64_t> room;               ///< of ranks; empty for no limit
  std::vector<std::vector<Edge>> before;   ///< of nodes
  std::vector<std::vector<int32_t>> lines; ///< of ranks

  int32_t size() const { return int32_t(rankOf.size()) * length; }
  void order(int32_t first, int32_t then, double lag = 0) {
    before[then].push_back({first, lag});
  }
  /// False if the order is there already.
  bool orderOnce(int32_t first, int32_t then) {
    for (const Edge &edge : before[then])
      if (edge.node / length == first / length && edge.node >= first)
        return false;
    order(first, then);
    return true;
  }
  Graph reversed() const;
};
} // namespace

/// Time runs backwards: node i of a line becomes length - 1 - i.
Graph Graph::reversed() const {
  Graph other = *this;
  auto mirror = [&](int32_t node) {
    return node / length * length + length - 1 - node % length;
  };
  for (int64_t &bytes : other.taken)
    bytes = -bytes;
  for (auto &edges : other.before)
    edges.clear();
  for (int32_t then = 0; then < size(); ++then)
    for (const Edge &edge : before[then])
      other.order(mirror(then), mirror(edge.node), edge.lag);
  return other;
}

namespace {
/// The bytes that a rank can have given back by a time.
class Releases {
public:
  Releases(const Graph &graph, int32_t rank, const std::vector<double> &heads) {
    for (int32_t line : graph.lines[rank])
      if (graph.taken[line] < 0)
        for (int32_t i = 0; i < graph.length; ++i)
          ends.push_back({heads[line * graph.length + i] + graph.duration[line],
                          -graph.taken[line]});
    std::sort(ends.begin(), ends.end());
    int64_t sum = 0;
    for (auto &[end, bytes] : ends)
      bytes = sum += bytes;
  }

  /// When so many may be free; never if there are not as many.
  double when(int64_t bytes) const {
    if (bytes <= 0)
      return 0;
    auto found = std::lower_bound(ends.begin(), ends.end(), bytes,
                                  [](const auto &entry, int64_t wanted) {
                                    return entry.second < wanted;
                                  });
    return found == ends.end() ? kInfinity : found->first;
  }

private:
  std::vector<std::pair<double, int64_t>> ends; ///< and all bytes until then
};
} // namespace

/// The head of each node, no less than those known; empty if the orders
/// contradict each other.
static std::vector<double> findHeads(const Graph &graph,
                                     std::vector<double> heads) {
  std::vector<Releases> releases;
  if (!graph.room.empty())
    for (size_t rank = 0; rank < graph.room.size(); ++rank)
      releases.push_back(Releases(graph, static_cast<int32_t>(rank), heads));
  const auto lines = static_cast<int32_t>(graph.rankOf.size());
  std::vector<std::vector<int32_t>> after(graph.size());
  std::vector<int32_t> waiting(graph.size(), 0), ready;
  for (int32_t then = 0; then < graph.size(); ++then) {
    waiting[then] = static_cast<int32_t>(graph.before[then].size());
    for (const Edge &edge : graph.before[then])
      after[edge.node].push_back(then);
    if (waiting[then] == 0)
      ready.push_back(then);
  }
  // Of each line, how many of its actions precede a node.
  std::vector<int32_t> precede(size_t(graph.size()) * lines, 0);
  std::vector<std::pair<double, double>> earlier; ///< head, duration
  int32_t done = 0;
  for (; !ready.empty(); ++done) {
    const int32_t node = ready.back();
    ready.pop_back();
    const int32_t line = node / graph.length;
    const int32_t rank = graph.rankOf[line];
    double head = heads[node];
    int32_t *const counts = &precede[size_t(node) * lines];
    for (const Edge &edge : graph.before[node]) {
      const int32_t other = edge.node / graph.length;
      head =
          std::max(head, heads[edge.node] + graph.duration[other] + edge.lag);
      const int32_t *const theirs = &precede[size_t(edge.node) * lines];
      for (int32_t l = 0; l < lines; ++l)
        counts[l] = std::max(counts[l], theirs[l]);
      counts[other] = std::max(counts[other], edge.node % graph.length + 1);
    }
    if (!graph.room.empty() && graph.taken[line] > 0) {
      int64_t needed = graph.taken[line] - graph.room[rank];
      for (int32_t l : graph.lines[rank])
        needed += counts[l] * std::max<int64_t>(graph.taken[l], 0);
      head = std::max(head, releases[rank].when(needed));
    }
    earlier.clear();
    for (int32_t l : graph.lines[rank])
      for (int32_t i = std::max(0, counts[l] - kWindow); i < counts[l]; ++i)
        earlier.push_back({heads[l * graph.length + i], graph.duration[l]});
    std::sort(earlier.begin(), earlier.end(), std::greater<>());
    double work = 0;
    for (const auto &[start, duration] : earlier) {
      work += duration;
      head = std::max(head, start + work);
    }
    heads[node] = head;
    for (int32_t then : after[node])
      if (--waiting[then] == 0)
        ready.push_back(then);
  }
  if (done != graph.size())
    heads.clear();
  return heads;
}

namespace {
struct Job {
  double head, duration, tail;
};
} // namespace

/// When a machine ends that may interrupt its jobs.
static double runJackson(std::vector<Job> jobs) {
  std::sort(jobs.begin(), jobs.end(),
            [](const Job &a, const Job &b) { return a.head < b.head; });
  std::priority_queue<std::pair<double, double>> open; // tail, what is left
  double clock = 0, end = 0;
  for (size_t next = 0; next < jobs.size() || !open.empty();) {
    if (open.empty())
      clock = std::max(clock, jobs[next].head);
    for (; next < jobs.size() && jobs[next].head <= clock; ++next)
      open.push({jobs[next].tail, jobs[next].duration});
    auto [tail, left] = open.top();
    open.pop();
    if (next < jobs.size() && jobs[next].head < clock + left) {
      open.push({tail, left - (jobs[next].head - clock)});
      clock = jobs[next].head;
      continue;
    }
    clock += left;
    end = std::max(end, clock + tail);
  }
  return end;
}

namespace {
class Orders {
public:
  Orders(const SearchProblem &problem, const std::vector<int32_t> &placement)
      : problem(problem), placement(placement),
        stages(static_cast<int32_t>(placement.size())) {
    const Costs &costs = problem.costs;
    graph.length = problem.microbatches;
    graph.lines.resize(problem.ranks);
    for (int32_t s = 0; s < stages; ++s)
      for (double time : {costs.forward[s], costs.inputGradient[s],
                          costs.weightGradient[s]}) {
        graph.lines[placement[s]].push_back(
            static_cast<int32_t>(graph.rankOf.size()));
        graph.rankOf.push_back(placement[s]);
        graph.duration.push_back(time);
      }
    graph.taken.assign(graph.rankOf.size(), 0);
    graph.before.resize(graph.size());
  }

  double find() {
    addDataFlow();
    for (int32_t rank = 0; rank < problem.ranks; ++rank)
      if (!addMemory(rank))
        return kInfinity;
    const std::vector<double> optimizer =
        optimizerTimes(problem.costs, placement, problem.ranks);
    State start{graph, std::vector<double>(graph.size(), 0), {}};
    for (int32_t rank : graph.rankOf)
      start.tails.insert(start.tails.end(), graph.length,
                         problem.costs.reduction == 0 ? optimizer[rank] : 0);
    double bound = deduce(start);
    if (bound == kInfinity)
      return bound;
    // Refuted: `bound`. Not refuted: `open`. What lies between is looked at as
    // long as there are numbers between: there are none where all times are 0,
    // and few where they are denormal.
    double open = kInfinity;
    for (double step = 0.01 * bound; effort > 0;) {
      const double time =
          open == kInfinity ? bound + step : bound + (open - bound) / 2;
      if (!(bound < time && time < open))
        break;
      if (refute(start, time)) {
        bound = time;
        step *= 2;
      } else {
        open = time;
      }
      if (open - bound < 0.002 * bound)
        break;
    }
    return bound;
  }

private:
  struct State {
    Graph graph;
    std::vector<double> heads, tails; ///< tails of nodes as time runs backwards
  };

  /// Heads and tails from the orders, and the bound from these; infinite if the
  /// orders contradict each other.
  double deduce(State &state) {
    effort -= int64_t(graph.size()) *
              (graph.rankOf.size() + 6 * std::min(kWindow, graph.length) *
                                         graph.rankOf.size() / problem.ranks);
    state.heads = findHeads(state.graph, std::move(state.heads));
    if (state.heads.empty())
      return kInfinity;
    state.tails = findHeads(state.graph.reversed(), std::move(state.tails));
    double bound = 0;
    for (const std::vector<int32_t> &lines : graph.lines) {
      std::vector<Job> jobs;
      for (int32_t line : lines)
        for (int32_t i = 0; i < graph.length; ++i)
          jobs.push_back({state.heads[at(line, i)], graph.duration[line],
                          tail(state, line, i)});
      for (const Job &job : jobs)
        if (job.head + job.tail == kInfinity)
          return kInfinity;
      bound = std::max(bound, runJackson(std::move(jobs)));
    }
    return bound;
  }
  double tail(const State &state, int32_t line, int32_t i) const {
    return state.tails[at(line, graph.length - 1 - i)];
  }

  /// Whether it is certain that no schedule takes so long or less.
  bool refute(State state, double time) {
    time *= 1 + kSlack;
    while (effort > 0) {
      if (!addOrders(state, time))
        return false;
      if (deduce(state) > time)
        return true;
    }
    return false;
  }

  /// The orders that the time forces; whether there are new ones.
  bool addOrders(State &state, double time) {
    for (const std::vector<int32_t> &lines : graph.lines)
      effort -= int64_t(lines.size()) * int64_t(lines.size()) * graph.length;
    bool isNew = false;
    for (const std::vector<int32_t> &lines : graph.lines)
      for (int32_t line : lines)
        for (int32_t first : lines) {
          if (first == line)
            continue;
          // Tails shrink and heads grow along a line.
          int32_t count = 0;
          const double both = graph.duration[line] + graph.duration[first];
          for (int32_t i = 0; i < graph.length; ++i) {
            const int32_t had = count;
            while (count < graph.length &&
                   state.heads[at(line, i)] + both + tail(state, first, count) >
                       time)
              ++count;
            if (count > had)
              isNew |= state.graph.orderOnce(at(first, count - 1), at(line, i));
          }
        }
    return isNew;
  }

  int32_t forward(int32_t s, int64_t mb) const { return at(3 * s, mb); }
  int32_t input(int32_t s, int64_t mb) const { return at(3 * s + 1, mb); }
  int32_t weight(int32_t s, int64_t mb) const { return at(3 * s + 2, mb); }
  int32_t at(int32_t line, int64_t mb) const {
    return line * graph.length + static_cast<int32_t>(mb);
  }

  void addDataFlow() {
    const Costs &costs = problem.costs;
    for (int32_t mb = 0; mb < problem.microbatches; ++mb)
      for (int32_t s = 0; s < stages; ++s) {
        graph.order(input(s, mb), weight(s, mb));
        graph.order(forward(s, mb), input(s, mb));
        if (mb > 0)
          for (int32_t line = 3 * s; line < 3 * s + 3; ++line)
            graph.order(at(line, mb - 1), at(line, mb));
        if (s + 1 == stages)
          continue;
        const bool same = placement[s] == placement[s + 1];
        graph.order(forward(s, mb), forward(s + 1, mb),
                    same ? 0 : detail::at(costs.forwardTransfer, s));
        graph.order(input(s + 1, mb), input(s, mb),
                    same ? 0 : detail::at(costs.backwardTransfer, s));
      }
  }

  /// False if there is no room for one micro-batch.
  bool addMemory(int32_t rank) {
    if (problem.memoryCap.empty())
      return true;
    const Memory &memory = problem.memory;
    int64_t room = detail::at(problem.memoryCap, rank), all = 0;
    std::vector<int32_t> mine;
    std::vector<int64_t> taken, kept; // up to a stage; what W reads
    for (int32_t s = 0; s < stages; ++s) {
      if (placement[s] != rank)
        continue;
      mine.push_back(s);
      room -= detail::at(memory.fixed, s);
      const int64_t whole = detail::at(memory.activation, s);
      all += whole;
      taken.push_back(all);
      // What I adds, a full backward never holds.
      const int64_t afterInput =
          memory.afterInputGradient.empty()
              ? whole
              : std::min(whole, detail::at(memory.afterInputGradient, s));
      kept.push_back(afterInput);
      graph.taken[3 * s] = whole;
      graph.taken[3 * s + 1] = afterInput - whole;
      graph.taken[3 * s + 2] = -afterInput;
    }
    graph.room.push_back(room);
    if (room < all)
      return false;
    for (size_t k = 0; k < mine.size(); ++k) {
      const int64_t upTo = taken[k];
      for (size_t s = 0; s <= k; ++s) {
        if (taken[s] > 0)
          follow(mine[k], 3 * mine[s] + 1, (room - upTo) / taken[s] + 1);
        if (kept[s] > 0)
          follow(mine[k], 3 * mine[s] + 2, (room - upTo) / kept[s] + 1);
      }
      if (upTo == 0)
        continue;
      const int64_t away = (room - all) / upTo + 1;
      if (k + 1 < mine.size())
        follow(mine[k], 3 * mine.back(), away);
      follow(mine[k], 3 * mine.back() + 1, away + (room - away * upTo) / all);
    }
    return true;
  }

  /// Forward j of the stage comes behind action j - `distance` of the line.
  void follow(int32_t stage, int32_t line, int64_t distance) {
    for (int64_t mb = distance; mb < problem.microbatches; ++mb)
      graph.order(at(line, mb - distance), forward(stage, mb));
  }

  const SearchProblem &problem;
  const std::vector<int32_t> &placement;
  int32_t stages;
  int64_t effort = kEffort;
  Graph graph;
};
} // namespace

double detail::precedenceBound(const SearchProblem &problem,
                               const std::vector<int32_t> &placement) {
  const auto lines = static_cast<int64_t>(3 * placement.size());
  if (lines * lines * problem.microbatches > kLargest)
    return 0;
  return Orders(problem, placement).find();
}
