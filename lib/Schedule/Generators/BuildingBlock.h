//===- BuildingBlock.h - Schedules that repeat one block --------*- C++ -*-===//
//
// Qi et al., "Pipeline Parallelism with Controllable Memory", arXiv 2405.15362:
// a schedule is a block, the way of one micro-batch through all ranks, repeated
// every few units of time. How long activations live in the block decides the
// memory; that the copies of the block do not collide makes it a schedule.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_SCHEDULE_GENERATORS_BUILDINGBLOCK_H
#define PP_LIB_SCHEDULE_GENERATORS_BUILDINGBLOCK_H

#include "RowBuilder.h"

namespace pp::schedule::detail {

/// The units of time, of one F, I or W of one stage, between a rank and the
/// next on the four legs of the way through a V: F towards the last rank, F
/// back to the first, I to the last, I back.
struct Hops {
  int32_t forwardDown, forwardUp, backwardDown, backwardUp;
};

/// Two stages a rank in V shape, a block every 6 units. The turns between the
/// legs are as short as the block can have them without colliding with its
/// copies.
Result<Schedule> repeatBlock(const char *name, const Setting &setting,
                             const Hops &hops);

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_GENERATORS_BUILDINGBLOCK_H
