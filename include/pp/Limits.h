//===- Limits.h - The largest numbers that are compiled ---------*- C++ -*-===//
//
// Bounds of what options ask for and of what IR says, each stated once. They
// are far beyond any cluster; within them counts fit 32 bits, sums of bytes fit
// 64, and the work of the compiler ends. Verifiers hold IR to them, however it
// came about, so that passes need not ask.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIMITS_H
#define PP_LIMITS_H

#include <cstdint>

namespace pp::limits {

inline constexpr int64_t kRanks = int64_t(1) << 16;
inline constexpr int64_t kMeshRanks = int64_t(1) << 20; ///< of all axes
inline constexpr int64_t kStages = int64_t(1) << 20;
inline constexpr int64_t kMicrobatches = int64_t(1) << 20; ///< of a step

/// Ranks x stages of a rank x micro-batches of a schedule.
inline constexpr int64_t kActions = int64_t(1) << 22;

/// Ops of a rank program, those of loops once for each round.
inline constexpr int64_t kSteps = int64_t(1) << 26;

/// Tags of transfers are 32 bits wide in transports.
inline constexpr int64_t kTags = (int64_t(1) << 31) - 1;

/// Uses of one parameter.
inline constexpr int64_t kUses = int64_t(1) << 20;

/// Elements of a tensor.
inline constexpr int64_t kElements = int64_t(1) << 48;

/// Bytes of a buffer, and of all buffers of a rank or a stage together.
inline constexpr int64_t kBytes = int64_t(1) << 60;

/// A time, in any unit: as many as there are actions still have a sum.
inline constexpr double kTime = 1e15;

} // namespace pp::limits

#endif // PP_LIMITS_H
