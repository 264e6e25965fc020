//===- Tape.h - Numbers that know their derivative --------------*- C++ -*-===//
//
// A `Real` is a double and, if it depends on what is differentiated, a node of
// the active tape: up to two earlier nodes with the partial derivative by each.
// Running over the tape backwards once gives the derivative of one number by
// all others. Every op of a layer is written once, over `Real`, and nothing is
// known of adjoints of tensors: this is what makes the interpreter independent
// of the compiler's differentiation.
//
// A tape may add noise: each number and each partial derivative is then off by
// a random part of it, as large as a rounding error of a narrower type. What
// gradients of two such runs differ by is what the rounding of a compiled
// program may change. As in rounding, equal numbers have equal errors: where a
// model computes one thing a thousand times, errors add up that would cancel if
// each were drawn anew.
//
//===----------------------------------------------------------------------===//

#ifndef PP_LIB_INTERPRETER_TAPE_H
#define PP_LIB_INTERPRETER_TAPE_H

#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace pp::interpreter {

struct Real {
  Real(double value = 0, uint32_t node = 0) : value(value), node(node) {}
  double value;
  uint32_t node; ///< 0: a constant
};

class Tape {
public:
  /// `noise`: relative size of the errors, 0 for none.
  Tape(double noise, uint64_t seed) : nodes(1), noise(noise), seed(seed) {}

  /// The tape on which arithmetic of `Real` is recorded.
  static Tape *&active() {
    static thread_local Tape *tape = nullptr;
    return tape;
  }

  /// A number to differentiate by.
  Real variable(double value) {
    nodes.push_back({0, 0, 0, 0});
    return Real(value, nodes.size() - 1);
  }

  /// A function of `a` and `b` with its partial derivatives.
  Real record(double value, Real a, double da, Real b = {}, double db = 0) {
    return record(value, a, da, b, db, noise);
  }
  /// The same with errors of another size.
  Real record(double value, Real a, double da, Real b, double db,
              double errors) {
    if (errors != 0) {
      const uint64_t key = mix(mix(mix(seed, value), da), db);
      value *= 1 + errors * random(key, 1);
      da *= 1 + errors * random(key, 2);
      db *= 1 + errors * random(key, 3);
    }
    if (a.node == 0 && b.node == 0)
      return Real(value);
    assert(nodes.size() < UINT32_MAX && "tape too long");
    nodes.push_back({a.node, b.node, da, db});
    return Real(value, nodes.size() - 1);
  }

  /// Derivatives of `result` by every number, by node.
  std::vector<double> differentiate(Real result) const {
    std::vector<double> adjoint(nodes.size());
    adjoint[result.node] = 1;
    for (size_t i = nodes.size() - 1; i > 0; --i) {
      double weight = adjoint[i];
      // A branch that does not count must not bring in an infinite derivative.
      if (weight == 0)
        continue;
      const Node &node = nodes[i];
      adjoint[node.a] += weight * node.da;
      adjoint[node.b] += weight * node.db;
    }
    return adjoint;
  }

  /// Forgets all but the first `count` nodes.
  void truncate(size_t count) { nodes.resize(count); }
  size_t size() const { return nodes.size(); }

private:
  struct Node {
    uint32_t a, b;
    double da, db;
  };
  /// The finalizer of splitmix64.
  static uint64_t mix(uint64_t bits) {
    bits += UINT64_C(0x9e3779b97f4a7c15);
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
  }
  static uint64_t mix(uint64_t key, double number) {
    uint64_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    return mix(key ^ bits);
  }
  /// Uniform in [-1, 1], for a key and a number.
  static double random(uint64_t key, uint64_t number) {
    return static_cast<double>(mix(key + number) >> 11) * 0x1p-52 - 1;
  }

  std::vector<Node> nodes; ///< the first stands for constants
  double noise;
  uint64_t seed;
};

/// Makes a tape the active one for a while.
class ActiveTape {
public:
  explicit ActiveTape(Tape &tape) : previous(Tape::active()) {
    Tape::active() = &tape;
  }
  ~ActiveTape() { Tape::active() = previous; }
  ActiveTape(const ActiveTape &) = delete;

private:
  Tape *previous;
};

inline Real record(double value, Real a, double da, Real b = {},
                   double db = 0) {
  return Tape::active()->record(value, a, da, b, db);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

inline Real operator+(Real a, Real b) {
  return record(a.value + b.value, a, 1, b, 1);
}
inline Real operator-(Real a, Real b) {
  return record(a.value - b.value, a, 1, b, -1);
}
inline Real operator*(Real a, Real b) {
  return record(a.value * b.value, a, b.value, b, a.value);
}
inline Real operator/(Real a, Real b) {
  return record(a.value / b.value, a, 1 / b.value, b,
                -a.value / (b.value * b.value));
}
inline Real operator-(Real a) { return Real(0) - a; }
inline Real &operator+=(Real &a, Real b) { return a = a + b; }

//===----------------------------------------------------------------------===//
// Functions of one number
//===----------------------------------------------------------------------===//

inline Real exp(Real x) {
  double y = std::exp(x.value);
  return record(y, x, y);
}
inline Real exp2(Real x) {
  double y = std::exp2(x.value);
  return record(y, x, y * std::log(2.0));
}
inline Real expm1(Real x) {
  return record(std::expm1(x.value), x, std::exp(x.value));
}
inline Real log(Real x) { return record(std::log(x.value), x, 1 / x.value); }
inline Real log2(Real x) {
  return record(std::log2(x.value), x, 1 / (x.value * std::log(2.0)));
}
inline Real log10(Real x) {
  return record(std::log10(x.value), x, 1 / (x.value * std::log(10.0)));
}
inline Real log1p(Real x) {
  return record(std::log1p(x.value), x, 1 / (1 + x.value));
}
inline Real sqrt(Real x) {
  double y = std::sqrt(x.value);
  return record(y, x, 1 / (2 * y));
}
inline Real rsqrt(Real x) {
  double y = 1 / std::sqrt(x.value);
  return record(y, x, -y / (2 * x.value));
}
inline Real cbrt(Real x) {
  double y = std::cbrt(x.value);
  return record(y, x, 1 / (3 * y * y));
}
/// The derivative at 0 is 0.
inline Real abs(Real x) {
  double sign = x.value > 0 ? 1 : x.value < 0 ? -1 : 0;
  return record(std::abs(x.value), x, sign);
}
inline Real sin(Real x) {
  return record(std::sin(x.value), x, std::cos(x.value));
}
inline Real cos(Real x) {
  return record(std::cos(x.value), x, -std::sin(x.value));
}
inline Real tan(Real x) {
  double c = std::cos(x.value);
  return record(std::tan(x.value), x, 1 / (c * c));
}
inline Real sinh(Real x) {
  return record(std::sinh(x.value), x, std::cosh(x.value));
}
inline Real cosh(Real x) {
  return record(std::cosh(x.value), x, std::sinh(x.value));
}
inline Real tanh(Real x) {
  double c = std::cosh(x.value);
  return record(std::tanh(x.value), x, 1 / (c * c));
}
inline Real asin(Real x) {
  return record(std::asin(x.value), x, 1 / std::sqrt(1 - x.value * x.value));
}
inline Real acos(Real x) {
  return record(std::acos(x.value), x, -1 / std::sqrt(1 - x.value * x.value));
}
inline Real atan(Real x) {
  return record(std::atan(x.value), x, 1 / (1 + x.value * x.value));
}
inline Real asinh(Real x) {
  return record(std::asinh(x.value), x, 1 / std::sqrt(x.value * x.value + 1));
}
inline Real acosh(Real x) {
  return record(std::acosh(x.value), x, 1 / std::sqrt(x.value * x.value - 1));
}
inline Real atanh(Real x) {
  return record(std::atanh(x.value), x, 1 / (1 - x.value * x.value));
}
inline Real erf(Real x) {
  double slope = 2 / std::sqrt(M_PI) * std::exp(-x.value * x.value);
  return record(std::erf(x.value), x, slope);
}
inline Real erfc(Real x) {
  double slope = -2 / std::sqrt(M_PI) * std::exp(-x.value * x.value);
  return record(std::erfc(x.value), x, slope);
}

//===----------------------------------------------------------------------===//
// Functions of two numbers
//===----------------------------------------------------------------------===//

/// Equal numbers share the derivative.
inline Real maximum(Real a, Real b) {
  if (a.value == b.value)
    return record(a.value, a, 0.5, b, 0.5);
  return a.value > b.value ? a : b;
}
inline Real minimum(Real a, Real b) {
  if (a.value == b.value)
    return record(a.value, a, 0.5, b, 0.5);
  return a.value < b.value ? a : b;
}
/// a^b; the derivative by `a` is 0 where b is, and that by `b` where a is.
inline Real pow(Real a, Real b) {
  double y = std::pow(a.value, b.value);
  double da = b.value == 0 ? 0 : b.value * std::pow(a.value, b.value - 1);
  double db = a.value == 0 ? 0 : y * std::log(a.value);
  return record(y, a, da, b, b.node == 0 ? 0 : db);
}
inline Real atan2(Real a, Real b) {
  double square = a.value * a.value + b.value * b.value;
  return record(std::atan2(a.value, b.value), a, b.value / square, b,
                -a.value / square);
}
/// The magnitude of `a` with the sign of `b`.
inline Real copysign(Real a, Real b) {
  bool keeps = std::signbit(a.value) == std::signbit(b.value);
  return record(std::copysign(a.value, b.value), a, keeps ? 1 : -1);
}
/// The remainder of a / b with the sign of `a`.
inline Real floatRemainder(Real a, Real b) {
  return record(std::fmod(a.value, b.value), a, 1, b,
                -std::trunc(a.value / b.value));
}

} // namespace pp::interpreter

#endif // PP_LIB_INTERPRETER_TAPE_H
