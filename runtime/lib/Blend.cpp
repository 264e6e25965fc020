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
  // Huffman's tree: joins the two lightest nodes, by number where several are,
  // until one is left.
  using Item = std::pair<uint64_t, size_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<Item>> open;
  for (size_t i = 0; i < sources; ++i)
    open.emplace(nodes[i].weight, i);
  while (open.size() > 1) {
    const size_t right = open.top().second;
    open.pop();
    const size_t left = open.top().second;
    open.pop();
    const size_t parent = nodes.size();
    nodes.push_back({nodes[left].weight + nodes[right].weight, left, right});
    nodes[left].parent = nodes[right].parent = parent;
    open.emplace(nodes[parent].weight, parent);
  }
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
