//===- Collectives.h - What all ranks do together -------------------------===//
//
// Built from the transport's control plane, so that nothing spins. Sums run
// over a binomial tree towards rank 0 and back; where each element has one
// contributor and zeros elsewhere, the result has its exact bits.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_COLLECTIVES_H
#define PPRT_COLLECTIVES_H

#include "Transport.h"

#include <string>
#include <vector>

namespace pprt {

/// Rank 0 has printed what was wrong; all ranks leave in order.
class Disagreement : public std::exception {
public:
  const char *what() const noexcept override { return "errors were printed"; }
};

class Collectives {
public:
  explicit Collectives(Transport &transport) : transport(transport) {}

  /// Makes room for sums of `count` values, so that they do not allocate.
  void reserve(size_t count) { scratch.resize(count); }

  /// Element-wise sum over the ranks, the same bits on each.
  void sum(double *values, size_t count);
  void broadcast(void *data, uint64_t bytes, int root = 0);
  void barrier();

  /// Rank 0 gets the bytes of every rank, by rank; others get nothing.
  std::vector<std::string> gather(const std::string &mine);

  /// All ranks come here; if one of them has an error, rank 0 prints all and
  /// every rank throws Disagreement.
  void agree(const std::string &error);

  /// `agree` on what `action` throws.
  template <typename F> void agreeAfter(F action);

private:
  Transport &transport;
  std::vector<double> scratch;
};

template <typename F> void Collectives::agreeAfter(F action) {
  std::string error;
  try {
    action();
  } catch (const std::exception &e) {
    error = e.what();
  }
  agree(error);
}

} // namespace pprt

#endif // PPRT_COLLECTIVES_H
