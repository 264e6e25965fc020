//===- OpExamples.h - An op for each rule -----------------------*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_COMM_OPEXAMPLES_H
#define PP_TEST_UNIT_DIALECT_COMM_OPEXAMPLES_H

#include <cstdint>
#include <string>
#include <vector>

namespace pp::commtest {

/// A layer @f of one op, written for one device: what the op takes are inputs
/// of the layer where it holds integers, and parameters where it holds floats.
struct OpExample {
  std::string op;
  /// The layer, and a use of it.
  std::string text;
  /// Integers are below `bound`; floats are from `low` to `high`.
  int64_t bound = 1;
  double low = -1, high = 1;
  /// Of each operand of the op the number of the layer's argument.
  std::vector<unsigned> arguments = {};
};

/// Examples of all ops that have a rule and that the interpreter knows, with
/// dimensions that `n` cuts into parts of 1 to 4, and a few that it does not.
std::vector<OpExample> makeOpExamples(int64_t n);

} // namespace pp::commtest

#endif // PP_TEST_UNIT_DIALECT_COMM_OPEXAMPLES_H
