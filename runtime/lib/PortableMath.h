//===- PortableMath.h - Functions with the same bits everywhere -----------===//
//
// The C library's functions differ in their last bits between versions, and
// between processors with and without fused operations. What decides numbers
// that ranks or runs on different machines must agree on is computed here, by
// additions, multiplications, divisions and square roots of IEEE 754 alone,
// which no compiler may contract. Errors of logarithms, sines and cosines
// are below 2 units in the last place, of 1 for the latter two.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PORTABLEMATH_H
#define PPRT_PORTABLEMATH_H

#include <cstdint>
#include <cstring>

namespace pprt {

/// c[0] + c[1] x + c[2] x^2 + ...
template <unsigned N> inline double polynomial(const double (&c)[N], double x) {
#pragma clang fp contract(off)
  double sum = c[N - 1];
  for (unsigned i = N - 1; i-- > 0;)
    sum = sum * x + c[i];
  return sum;
}

/// The natural logarithm of a normal number above 0: of 2^e m with m between
/// sqrt(1/2) and sqrt(2), e log 2 + 2 artanh((m - 1) / (m + 1)).
inline double portableLog(double x) {
#pragma clang fp contract(off)
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  // Mantissas from that of sqrt(2) on count to the next power of two.
  int64_t e = int64_t((bits + 0x00095f619980c433u) >> 52) - 1023;
  bits -= uint64_t(e) << 52;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  double s = (m - 1) / (m + 1), z = s * s;
  // Of artanh(s) / s - 1, over z.
  constexpr double c[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                          1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                          1.0 / 19, 1.0 / 21, 1.0 / 23};
  // log 2, the upper part short enough for a product with e without rounding.
  constexpr double upper = 0x1.62e42fefa38p-1, lower = 0x1.ef35793c7673p-45;
  return double(e) * upper +
         (2 * s + (2 * s * (z * polynomial(c, z)) + double(e) * lower));
}

struct SineAndCosine {
  double sine, cosine;
};

/// Of 2 pi turn, for 0 <= turn <= 1: to the nearest quarter, which is exact,
/// then Taylor's series.
inline SineAndCosine portableSinCosOfTurn(double turn) {
#pragma clang fp contract(off)
  double quarters = turn * 4;
  int nearest = int(quarters + 0.5);
  double x = (quarters - nearest) * 1.57079632679489661923;
  double z = x * x;
  constexpr double sines[] = {
      -1.0 / 6,        1.0 / 120,        -1.0 / 5040,         1.0 / 362880,
      -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  constexpr double cosines[] = {
      1.0 / 24,        -1.0 / 720,         1.0 / 40320,         -1.0 / 3628800,
      1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
  double sine = x + x * (z * polynomial(sines, z));
  double cosine = 1 - (z / 2 - z * z * polynomial(cosines, z));
  switch (nearest & 3) {
  case 0:
    return {sine, cosine};
  case 1:
    return {cosine, -sine};
  case 2:
    return {-sine, -cosine};
  default:
    return {-cosine, sine};
  }
}

/// x^n by squaring: relative error of about n roundings.
inline double portablePower(double x, uint64_t n) {
#pragma clang fp contract(off)
  double power = 1;
  for (; n; n >>= 1, x *= x)
    if (n & 1)
      power *= x;
  return power;
}

} // namespace pprt

#endif // PPRT_PORTABLEMATH_H
