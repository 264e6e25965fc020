//===- Mesh.h - Coordinates of ranks ----------------------------*- C++ -*-===//
//
// A rank is a process of a run, or one of several in it. The ranks form a mesh
// of named axes: stages are placed along `pipe`, all other axes run the same
// program. This is the only place that knows which rank has which coordinates.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_MESH_H
#define PPRT_MESH_H

#include <string>
#include <string_view>
#include <vector>

namespace pprt {

class Mesh {
public:
  struct Axis {
    std::string name;
    int size = 1;
  };

  /// One rank.
  Mesh() : Mesh({{"pipe", 1}}) {}
  /// The first axis is the slowest: ranks that differ in the last one only are
  /// neighbours. Names are unique, one of them `pipe`, sizes at least 1 and
  /// their product an int; otherwise throws Error.
  explicit Mesh(std::vector<Axis> axes);

  const std::vector<Axis> &getAxes() const { return axes; }
  /// Number of ranks.
  int size() const { return ranks; }
  /// 1 for an axis that the mesh does not have.
  int sizeOf(std::string_view axis) const;

  /// Along an axis; 0 on one that the mesh does not have.
  int coordinate(int rank, std::string_view axis) const;
  /// Which program a rank runs.
  int pipeOf(int rank) const { return coordinate(rank, "pipe"); }
  /// The rank with another coordinate on `axis`, and `rank`'s on all others.
  int rankWith(int rank, std::string_view axis, int coordinate) const;
  /// The ranks that have the coordinates of `rank` on all axes but these, in
  /// ascending order; `rank` is one of them.
  std::vector<int> group(int rank, const std::vector<std::string> &along) const;

  /// "pipe 4 x data 2"; without axes of one, but for pipe.
  std::string describe() const;
  /// "rank 5 (pipe 2, data 1)"; "rank 5" where pipe is the only axis.
  std::string describe(int rank) const;

private:
  /// Ranks between neighbours on an axis; 0 for an axis of one.
  int strideOf(std::string_view axis) const;

  std::vector<Axis> axes;
  int ranks = 1;
};

} // namespace pprt

#endif // PPRT_MESH_H
