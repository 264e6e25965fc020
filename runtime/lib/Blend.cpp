#include "Blend.h"

#include "Error.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <string>
#include <utility>

using namespace pprt;

/// Weights are whole numbers of about 40 bits, so that products with numbers of
/// samples are exact in 128 bits.
static constexpr double unitsOfAll = 0x1p40;

namespace pprt {
/// Finds the tree over some nodes, in their order. For an error that no source
/// may have more of, the error that a range of nodes may have as one is found
/// for all ranges, from short ones to all; the error is halved down to.
class BlendTree {
public:
  BlendTree(Blend &blend, std::vector<size_t> nodes)
      : blend(blend), leaves(std::move(nodes)), count(leaves.size()),
        allowed((count + 1) * (count + 1)), cuts(allowed.size()) {
    before.push_back(0);
    for (size_t leaf : leaves)
      before.push_back(before.back() + double(blend.nodes[leaf].weight));
  }

  void join() {
    if (count < 2)
      return;
    double most = 4, least = 0.5; // of them `most` is possible
    for (int round = 0; round < 20; ++round) {
      const double middle = (most + least) / 2;
      (isPossible(middle) ? most : least) = middle;
    }
    isPossible(most);
    joinRange(0, count);
  }

private:
  size_t at(size_t begin, size_t end) const {
    return begin * (count + 1) + end;
  }
  bool isPossible(double error) {
    for (size_t i = 0; i < count; ++i)
      allowed[at(i, i + 1)] = blend.allowanceOf(leaves[i], error);
    for (size_t length = 2; length <= count; ++length)
      for (size_t i = 0; i + length <= count; ++i)
        cut(i, i + length);
    return allowed[at(0, count)] >= 0;
  }
  void cut(size_t begin, size_t end) {
    const double weight = before[end] - before[begin];
    double best = -INFINITY;
    for (size_t middle = begin + 1; middle < end; ++middle) {
      const double left = (allowed[at(begin, middle)] - 0.5) * weight /
                          (before[middle] - before[begin]);
      const double right = (allowed[at(middle, end)] - 0.5) * weight /
                           (before[end] - before[middle]);
      if (const double both = std::min(left, right); both > best) {
        best = both;
        cuts[at(begin, end)] = middle;
      }
    }
    allowed[at(begin, end)] = best;
  }
  size_t joinRange(size_t begin, size_t end) {
    if (end - begin == 1)
      return leaves[begin];
    const size_t middle = cuts[at(begin, end)];
    const size_t left = joinRange(begin, middle);
    return blend.join(left, joinRange(middle, end));
  }

  Blend &blend;
  const std::vector<size_t> leaves;
  const size_t count;
  std::vector<double> before; ///< weight of all leaves before each
  std::vector<double> allowed;
  std::vector<size_t> cuts;
};
} // namespace pprt

Blend::Blend(const std::vector<double> &weights) : sources(weights.size()) {
  double sum = 0;
  for (double weight : weights)
    sum += weight;
  if (!std::isfinite(sum))
    throw Error("found weights of --data whose sum is infinite, expected a "
                "finite one: divide all of them by the largest");
  for (double weight : weights) {
    const double units = std::nearbyint(weight / sum * unitsOfAll);
    if (units < 1)
      throw Error("found a weight of " + std::to_string(weight) +
                  " among --data, expected at least 1e-12 of the sum of all: "
                  "leave the file away or give it more weight");
    nodes.push_back({uint64_t(units)});
  }
  BlendTree(*this, joinLightest(/*most=*/128)).join();
}

size_t Blend::join(size_t left, size_t right) {
  const size_t parent = nodes.size();
  nodes.push_back({nodes[left].weight + nodes[right].weight, left, right});
  nodes[left].parent = nodes[right].parent = parent;
  return parent;
}

/// Joins the two lightest nodes until `most` are left; these by weight, the
/// heaviest first. Of equal ones the first made is lighter.
std::vector<size_t> Blend::joinLightest(size_t most) {
  using Item = std::pair<uint64_t, size_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<Item>> open;
  for (size_t i = 0; i < sources; ++i)
    open.emplace(nodes[i].weight, i);
  auto take = [&] {
    const size_t node = open.top().second;
    open.pop();
    return node;
  };
  while (open.size() > most) {
    const size_t right = take(), left = take();
    const size_t parent = join(left, right);
    open.emplace(nodes[parent].weight, parent);
  }
  std::vector<size_t> left;
  while (!open.empty())
    left.push_back(take());
  std::reverse(left.begin(), left.end());
  return left;
}

/// The error that `node` may have where no source below it has more than
/// `error`.
double Blend::allowanceOf(size_t node, double error) const {
  if (node < sources)
    return error;
  double least = INFINITY;
  for (size_t child : {nodes[node].left, nodes[node].right})
    least = std::min(least, (allowanceOf(child, error) - 0.5) *
                                double(nodes[node].weight) /
                                double(nodes[child].weight));
  return least;
}

uint64_t Blend::leftOf(const Node &node, uint64_t n) const {
  const unsigned __int128 weight = node.weight;
  return uint64_t(
      ((unsigned __int128)n * 2 * nodes[node.left].weight + weight) /
      (2 * weight));
}

Blend::Place Blend::placeOf(uint64_t sample) const {
  size_t at = nodes.size() - 1;
  while (at >= sources) {
    const Node &node = nodes[at];
    const uint64_t before = leftOf(node, sample);
    if (leftOf(node, sample + 1) > before) {
      at = node.left;
      sample = before;
    } else {
      at = node.right;
      sample -= before;
    }
  }
  return {at, sample};
}

uint64_t Blend::countOf(size_t source, uint64_t n) const {
  std::vector<size_t> path;
  for (size_t at = source; at + 1 != nodes.size(); at = nodes[at].parent)
    path.push_back(at);
  for (size_t i = path.size(); i-- > 0;) {
    const Node &parent = nodes[nodes[path[i]].parent];
    const uint64_t left = leftOf(parent, n);
    n = parent.left == path[i] ? left : n - left;
  }
  return n;
}

double Blend::bound(size_t source) const {
  // From the leaf up: 1/2 for each node below the root, as seen in the leaf.
  double error = 0;
  for (size_t at = source; at + 1 != nodes.size(); at = nodes[at].parent)
    error += 0.5 * double(nodes[source].weight) / double(nodes[at].weight);
  return error;
}
