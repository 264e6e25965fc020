//===- Blend.h - Which source a sample comes from ---------------*- C++ -*-===//
//
// Sources with weights share the samples of a run so that each prefix of it has
// them in proportion. A source is a leaf of a binary tree, whose nodes weigh
// what their leaves weigh together. Of the first n samples of a node the left
// child gets
//
//   round(n * weight of the left child / weight of the node)
//
// and the right child the others. The rounded number grows by 0 or 1 where n
// grows by 1, so sample n goes left where it grows, and its number among the
// samples of the child is known with it. From the root to a leaf that is the
// source of any sample, and its number among the samples of the source, in as
// many steps as the leaf is deep, from the number of the sample alone.
//
// How even that is: a child's share of its parent's samples is off by at most
// 1/2, so of all samples a node v with parent u has n w_v with an error of
//
//   e(v) <= 1/2 + w_v / w_u e(u),    e(root) = 0,    e(child of root) <= 1/2
//
// The tree is Huffman's. Below the root the weight of a node's grandparent is
// then at least twice that of the node, and weights along a path grow at least
// as Fibonacci's numbers: e < 1/2 (1 + 1 + 1/2 + 1/3 + 1/5 + ..) < 1.68 for any
// weights, 1/2 for two sources and at most 1 for three. `bound` has it for the
// weights at hand.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BLEND_H
#define PPRT_BLEND_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pprt {

class Blend {
public:
  /// Weights are positive and finite; one or more. Throws Error where one is
  /// less than 2^-40 of their sum, or the sum is infinite.
  explicit Blend(const std::vector<double> &weights);

  /// A source, and the number of a sample among those of the source.
  struct Place {
    size_t source;
    uint64_t number;
  };
  Place placeOf(uint64_t sample) const;

  /// How many of the first n samples are of a source.
  uint64_t countOf(size_t source, uint64_t n) const;

  /// The weight of a source, rounded to a multiple of 2^-40 of the sum: the
  /// whole number that samples depend on.
  uint64_t shareOf(size_t source) const { return nodes[source].weight; }
  /// As a part of the sum of all shares: the weight's part of all weights, but
  /// for their rounding.
  double fractionOf(size_t source) const {
    return double(shareOf(source)) / double(nodes.back().weight);
  }

  /// Most by which countOf(source, n) differs from n * fractionOf(source), for
  /// any n.
  double bound(size_t source) const;

private:
  struct Node {
    uint64_t weight;
    size_t left = 0, right = 0; ///< 0: a leaf
    size_t parent = 0;          ///< of the root 0
  };
  /// Of the first n samples of `node`, those of its left child.
  uint64_t leftOf(const Node &node, uint64_t n) const;

  /// Sources, then what joins two nodes before it, the root at last.
  std::vector<Node> nodes;
  size_t sources;
};

} // namespace pprt

#endif // PPRT_BLEND_H
