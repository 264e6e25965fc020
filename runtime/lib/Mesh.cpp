#include "Mesh.h"

#include "Error.h"

#include <algorithm>
#include <climits>

using namespace pprt;

Mesh::Mesh(std::vector<Axis> given) : axes(std::move(given)) {
  int pipes = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const Axis &axis = axes[i];
    pipes += axis.name == "pipe";
    bool isKnown =
        std::any_of(axes.begin(), axes.begin() + long(i),
                    [&](const Axis &other) { return other.name == axis.name; });
    if (axis.size < 1 || axis.name.empty() || isKnown)
      throw Error("found the axis '" + axis.name + "' of size " +
                  std::to_string(axis.size) +
                  " in a mesh, expected each axis once, of at least 1");
    if (axis.size > INT_MAX / ranks)
      throw Error("found a mesh of more than 2^31 ranks, expected fewer");
    ranks *= axis.size;
  }
  if (pipes != 1)
    throw Error("found a mesh without the axis 'pipe', expected it");
}

int Mesh::sizeOf(std::string_view name) const {
  for (const Axis &axis : axes)
    if (axis.name == name)
      return axis.size;
  return 1;
}

int Mesh::strideOf(std::string_view name) const {
  int stride = 1;
  for (size_t i = axes.size(); i-- > 0; stride *= axes[i].size)
    if (axes[i].name == name)
      return stride;
  return 0;
}

int Mesh::coordinate(int rank, std::string_view axis) const {
  int stride = strideOf(axis);
  return stride ? rank / stride % sizeOf(axis) : 0;
}

int Mesh::rankWith(int rank, std::string_view axis, int other) const {
  return rank + (other - coordinate(rank, axis)) * strideOf(axis);
}

std::vector<int> Mesh::group(int rank,
                             const std::vector<std::string> &along) const {
  std::vector<int> members = {rank};
  for (const Axis &axis : axes) {
    if (std::find(along.begin(), along.end(), axis.name) == along.end())
      continue;
    std::vector<int> more;
    for (int member : members)
      for (int i = 0; i < axis.size; ++i)
        more.push_back(rankWith(member, axis.name, i));
    members = std::move(more);
  }
  std::sort(members.begin(), members.end());
  return members;
}

std::string Mesh::describe() const {
  std::string text;
  for (const Axis &axis : axes)
    if (axis.size > 1 || axis.name == "pipe")
      text += (text.empty() ? "" : " x ") + axis.name + " " +
              std::to_string(axis.size);
  return text;
}

std::string Mesh::describe(int rank) const {
  std::string text = "rank " + std::to_string(rank), coordinates;
  if (size() == sizeOf("pipe"))
    return text;
  for (const Axis &axis : axes)
    if (axis.size > 1)
      coordinates += (coordinates.empty() ? "" : ", ") + axis.name + " " +
                     std::to_string(coordinate(rank, axis.name));
  return text + " (" + coordinates + ")";
}
