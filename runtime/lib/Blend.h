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
// The tree is the one with the smallest largest e among those whose nodes have
// sources of neighbouring weights. It is less than 2 for any weights, for one
// of these trees cuts each node at the most even place: no part that has
// several sources has more than 2/3 of its node then, so that 2 e <= 1 + 2/3 (2
// e of the parent) < 3, and 2 e < 4 for a source alone. In fact it is about 1:
// 1/2 for two sources, less than 1 for three, and `bound` has it for the
// weights at hand. Of more than 128 sources the lightest are joined two by two
// before (Huffman), until there are 128: these may be off by more.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_BLEND_H
#define PPRT_BLEND_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pprt {

class BlendTree;

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
    size_t left = 0, right = 0; ///< of a leaf 0
    size_t parent = 0;          ///< of the root 0
  };
  size_t join(size_t left, size_t right);
  std::vector<size_t> joinLightest(size_t most);
  double allowanceOf(size_t node, double error) const;
  /// Of the first n samples of `node`, those of its left child.
  uint64_t leftOf(const Node &node, uint64_t n) const;

  friend class BlendTree;
  /// Sources, then what joins two nodes before it, the root at last.
  std::vector<Node> nodes;
  size_t sources;
};

} // namespace pprt

#endif // PPRT_BLEND_H
