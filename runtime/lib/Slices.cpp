//===- Slices.cpp - Boxes of tensors that ranks have ----------------------===//
#include "Slices.h"

#include <algorithm>

using namespace pprt;

static uint64_t product(const std::vector<uint64_t> &sizes, size_t from = 0) {
  uint64_t all = 1;
  for (size_t i = from; i < sizes.size(); ++i)
    all *= sizes[i];
  return all;
}

uint64_t Box::elements() const { return product(size); }

std::string Box::describe() const {
  std::string text = "[";
  for (size_t i = 0; i < size.size(); ++i)
    text += (i ? ", " : "") + std::to_string(begin[i]) + ":" +
            std::to_string(begin[i] + size[i]);
  return text + "]";
}

Box pprt::intersect(const Box &a, const Box &b) {
  Box common = a;
  for (size_t i = 0; i < a.size.size(); ++i) {
    common.begin[i] = std::max(a.begin[i], b.begin[i]);
    const uint64_t end =
        std::min(a.begin[i] + a.size[i], b.begin[i] + b.size[i]);
    common.size[i] = end - std::min(end, common.begin[i]);
  }
  return common;
}

/// Adds the boxes of [first, end) of dimensions `dim` and on, within the one
/// index that `prefix` says of each before.
static void addBoxes(const std::vector<uint64_t> &shape, size_t dim, Box prefix,
                     uint64_t first, uint64_t end, std::vector<Box> &boxes) {
  if (first == end)
    return;
  auto within = [&](uint64_t begin, uint64_t size) {
    Box box = prefix;
    box.begin.push_back(begin);
    box.size.push_back(size);
    return box;
  };
  if (dim == shape.size())
    return boxes.push_back(prefix);
  const uint64_t inner = product(shape, dim + 1);
  auto addPart = [&](uint64_t index, uint64_t from, uint64_t to) {
    addBoxes(shape, dim + 1, within(index, 1), from, to, boxes);
  };
  uint64_t index = first / inner;
  if (index == (end - 1) / inner && end - first < inner)
    return addPart(index, first - index * inner, end - index * inner);
  if (first % inner)
    addPart(index++, first % inner, inner);
  if (const uint64_t last = end / inner; index < last) {
    Box box = within(index, last - index);
    for (size_t rest = dim + 1; rest < shape.size(); ++rest) {
      box.begin.push_back(0);
      box.size.push_back(shape[rest]);
    }
    boxes.push_back(std::move(box));
  }
  if (end % inner)
    addPart(end / inner, 0, end % inner);
}

std::vector<Box> pprt::boxesOfRange(const std::vector<uint64_t> &shape,
                                    uint64_t first, uint64_t count) {
  std::vector<Box> boxes;
  addBoxes(shape, 0, {}, first, first + count, boxes);
  return boxes;
}

void Slice::forEachRun(const Box &wanted, const Box &of, Rows rows,
                       const std::function<void(const Run &)> &visit) const {
  if (!wanted.elements())
    return;
  const size_t dims = part.size();
  // Behind the last dimension that is cut all is in a row. A block is one of
  // several in the part.
  size_t cut = 0;
  for (size_t dim = 0; dim < dims; ++dim)
    if (const uint64_t size = wanted.size[dimension[dim]];
        isBlocks(dim) || size != part[dim] || size != of.size[dimension[dim]] ||
        (rows == Rows::OfPartAndWhole && size != whole[dimension[dim]]))
      cut = dim;
  uint64_t run = 1;
  for (size_t dim = cut; dim < dims; ++dim)
    run *= isBlocks(dim) ? 1 : wanted.size[dimension[dim]];
  std::vector<uint64_t> place(cut);
  for (;;) {
    Run here = {0, 0, 0, run};
    for (size_t dim = 0; dim < dims; ++dim) {
      here.part = here.part * part[dim] + partBegin[dim];
      if (isBlocks(dim))
        continue;
      const size_t in = dimension[dim];
      const uint64_t index =
          wanted.begin[in] + (dim < cut ? place[dim] : 0); // of the whole
      here.part += index - box.begin[in];
      here.whole = here.whole * whole[in] + index;
      here.box = here.box * of.size[in] + index - of.begin[in];
    }
    visit(here);
    size_t dim = cut;
    while (dim > 0 && (isBlocks(dim - 1) ||
                       ++place[dim - 1] == wanted.size[dimension[dim - 1]]))
      place[--dim] = 0;
    if (dim == 0)
      return;
  }
}

std::vector<Slice> pprt::slicesOf(const Parameter &parameter, const Mesh &mesh,
                                  int rank, Parameter::Range range) {
  const PartShape cut = partShape(parameter, mesh, rank);
  const size_t dims = cut.size.size();
  Slice common;
  common.part = cut.size;
  common.dimension = cut.dimension;
  for (int64_t size : parameter.shape)
    common.whole.push_back(uint64_t(size));
  common.box.begin.resize(common.whole.size());
  common.box.size.resize(common.whole.size());
  std::vector<Slice> slices;
  /// `box` of the part, but of one block of each dimension in blocks, from
  /// dimension `dim` on.
  std::function<void(Slice &, const Box &, size_t)> add =
      [&](Slice &slice, const Box &box, size_t dim) {
        if (dim == dims)
          return slices.push_back(slice);
        const size_t of = cut.dimension[dim];
        slice.partBegin.resize(dim + 1);
        if (!slice.isBlocks(dim)) {
          slice.partBegin[dim] = box.begin[dim];
          const uint64_t block =
              dim > 0 && slice.isBlocks(dim - 1) ? slice.partBegin[dim - 1] : 0;
          slice.box.begin[of] =
              block * cut.whole[dim] + cut.begin[dim] + box.begin[dim];
          slice.box.size[of] = box.size[dim];
          return add(slice, box, dim + 1);
        }
        for (uint64_t block = 0; block < box.size[dim]; ++block) {
          slice.partBegin.resize(dim + 1);
          slice.partBegin[dim] = box.begin[dim] + block;
          add(slice, box, dim + 1);
        }
      };
  for (Box box : boxesOfRange(cut.size, range.begin, range.count)) {
    bool isPadding = false;
    for (size_t dim = 0; dim < dims; ++dim) {
      const uint64_t end =
          std::min(box.begin[dim] + box.size[dim], cut.held[dim]);
      isPadding |= end <= box.begin[dim];
      box.size[dim] = end - std::min(end, box.begin[dim]);
    }
    if (!isPadding)
      add(common, box, 0);
  }
  return slices;
}

Parameter::Range pprt::writtenBy(const Parameter &parameter, const Mesh &mesh,
                                 int rank) {
  Parameter::Range range = parameter.updatedBy(mesh.coordinate(rank, "data"));
  // Who has the same elements: coordinates on all axes that do not cut them.
  uint64_t equals = 1, number = 0;
  for (const Mesh::Axis &axis : mesh.getAxes()) {
    const bool cuts = axis.name == "pipe" ||
                      (axis.name == "data" && parameter.isCut) ||
                      parameter.isShardedOver(axis.name);
    if (cuts)
      continue;
    equals *= uint64_t(axis.size);
    number = number * uint64_t(axis.size) +
             uint64_t(mesh.coordinate(rank, axis.name));
  }
  const uint64_t share = (range.count + equals - 1) / equals;
  const uint64_t begin = std::min(share * number, range.count);
  return {range.begin + begin, std::min(share, range.count - begin)};
}
