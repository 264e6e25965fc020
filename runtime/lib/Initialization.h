//===- Initialization.h - First values of parameters ----------------------===//
//
// Element e of a parameter is a function of (seed, parameter name, e): the same
// on every rank and for every partition of the model. Normal values come from
// Box-Muller in double and are rounded once, at the end, to f32.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_INITIALIZATION_H
#define PPRT_INITIALIZATION_H

#include "Description.h"

namespace pprt {

/// Fills `data` with the first values of the parameter or state `name`.
void initialize(const Initializer &init, const std::string &name,
                uint64_t elements, uint64_t seed, float *data);

/// The key of `name`'s stream under `seed`: FNV-1a of the name, mixed with the
/// seed.
uint64_t streamKey(uint64_t seed, const std::string &name);

} // namespace pprt

#endif // PPRT_INITIALIZATION_H
