//===- ParameterParts.cpp - What of a parameter a rank has ----------------===//
//
// A dimension is cut into equal parts over axes of the mesh, the slowest first,
// or each of its blocks is. In row-major order a part is runs of elements.
//
//===----------------------------------------------------------------------===//
#include "Description.h"

#include <algorithm>

using namespace pprt;

uint64_t Parameter::wholeElements() const {
  if (sharding.empty())
    return elements;
  uint64_t all = 1;
  for (int64_t size : shape)
    all *= uint64_t(size);
  return all;
}

bool Parameter::isShardedOver(std::string_view axis) const {
  for (const std::vector<std::string> &axes : sharding)
    if (std::find(axes.begin(), axes.end(), axis) != axes.end())
      return true;
  return false;
}

PartShape pprt::partShape(const Parameter &parameter, const Mesh &mesh,
                          int rank) {
  PartShape part;
  auto add = [&](size_t dimension, uint64_t whole, uint64_t parts,
                 uint64_t number) {
    const uint64_t size = (whole + parts - 1) / parts;
    const uint64_t begin = size * number;
    part.dimension.push_back(dimension);
    part.whole.push_back(whole);
    part.parts.push_back(parts);
    part.size.push_back(size);
    part.begin.push_back(begin);
    // A part that is padded ends with the whole.
    part.held.push_back(std::min(size, whole - std::min(whole, begin)));
  };
  for (size_t dim = 0; dim < parameter.shape.size(); ++dim) {
    uint64_t parts = 1, number = 0;
    uint64_t whole = uint64_t(parameter.shape[dim]);
    if (dim < parameter.sharding.size())
      for (const std::string &axis : parameter.sharding[dim]) {
        number = number * uint64_t(mesh.sizeOf(axis)) +
                 uint64_t(mesh.coordinate(rank, axis));
        parts *= uint64_t(mesh.sizeOf(axis));
      }
    if (parts > 1 && !parameter.blocks.empty() && parameter.blocks[dim] > 1) {
      add(dim, uint64_t(parameter.blocks[dim]), 1, 0);
      whole /= uint64_t(parameter.blocks[dim]);
    }
    add(dim, whole, parts, number);
  }
  return part;
}

void pprt::forEachRun(
    const Parameter &parameter, const Mesh &mesh, int rank,
    const std::function<void(uint64_t, uint64_t, uint64_t)> &visit) {
  const auto [shape, size, parts, begin, held, dimension] =
      partShape(parameter, mesh, rank);
  size_t last = 0; // that is cut
  bool isCut = false;
  for (size_t dim = 0; dim < shape.size(); ++dim)
    if (parts[dim] > 1) {
      last = dim;
      isCut = true;
    }
  if (!isCut)
    return visit(0, 0, parameter.wholeElements());
  if (std::find(held.begin(), held.end(), 0) != held.end())
    return; // nothing but padding
  uint64_t inner = 1;
  for (size_t dim = last + 1; dim < shape.size(); ++dim)
    inner *= shape[dim];
  std::vector<uint64_t> place(last);
  for (;;) {
    uint64_t whole = 0, part = 0;
    for (size_t dim = 0; dim < last; ++dim) {
      whole = whole * shape[dim] + begin[dim] + place[dim];
      part = part * size[dim] + place[dim];
    }
    visit((whole * shape[last] + begin[last]) * inner,
          part * size[last] * inner, held[last] * inner);
    size_t dim = last;
    while (dim > 0 && ++place[dim - 1] == held[dim - 1])
      place[--dim] = 0;
    if (dim == 0)
      return;
  }
}

std::vector<std::string> Description::axesOfEqualSamples() const {
  std::vector<std::string> axes;
  for (const Mesh::Axis &axis : mesh.getAxes())
    if (axis.name != "pipe" && axis.name != "data" && axis.size > 1)
      axes.push_back(axis.name);
  return axes;
}

bool Description::isFirstOfEqual(int rank, const Parameter *parameter) const {
  for (const Mesh::Axis &axis : mesh.getAxes())
    if (axis.name != "pipe" && axis.name != "data" &&
        !(parameter && parameter->isShardedOver(axis.name)) &&
        mesh.coordinate(rank, axis.name) != 0)
      return false;
  return true;
}
