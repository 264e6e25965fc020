//===- ProfileCosts.h - Stages of a measured model --------------*- C++ -*-===//

#ifndef PP_LIB_PLANTOOL_PROFILECOSTS_H
#define PP_LIB_PLANTOOL_PROFILECOSTS_H

#include "Options.h"

namespace pp::plan {

/// Costs in seconds of the stages into which the layers of the options' profile
/// are cut best. Throws Failure.
schedule::Costs profileCosts(int32_t stages, const Options &options);

} // namespace pp::plan

#endif // PP_LIB_PLANTOOL_PROFILECOSTS_H
