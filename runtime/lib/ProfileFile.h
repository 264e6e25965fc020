//===- ProfileFile.h - Measured times for the compiler --------------------===//
//
// What --profile-out writes (docs/Runtime.md): times of each part of each
// layer, of transfers, and of the end of a step. pp-compile and pp-plan read it
// to cut, search and predict.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PROFILEFILE_H
#define PPRT_PROFILEFILE_H

#include "Reports.h"

namespace pprt {

/// Steps before the first one that counts: caches, and what libraries make in
/// the first call.
constexpr int64_t profileWarmUp = 2;

/// What the ranks have measured, each list by rank.
struct Measurements {
  RankSteps steps; // on one clock
  std::vector<std::vector<MeasuredPart>> parts;
  std::vector<std::vector<uint64_t>> transferBytes; // by action
};

/// The text of the file.
std::string profileJson(const Description &description,
                        const Measurements &measured, int threads);

} // namespace pprt

#endif // PPRT_PROFILEFILE_H
