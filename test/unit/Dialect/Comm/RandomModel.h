//===- RandomModel.h - Models written for one device ------------*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_RANDOMMODEL_H
#define PP_TEST_UNIT_DIALECT_COMM_RANDOMMODEL_H

#include <cstdint>
#include <string>

namespace pp::commtest {

/// Elements of integer arguments of layers are below this.
constexpr int64_t kVocabulary = 12;

/// A model of f64 that applies a layer @f of up to `maxOps` random ops; some of
/// its parameters are pinned for an axis "tensor" of size `n`, and with
/// `pinsResults` some results of its applies; but for these it is the same.
std::string makeRandomModel(uint64_t seed, int64_t n, unsigned maxOps = 5,
                            bool pinsResults = false);

} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_RANDOMMODEL_H
