//===- SampleOrder.h - Where the samples of a run lie -----------*- C++ -*-===//
//
// A sample is a window of sequence + 1 tokens of one file. Which file, and
// where it begins, is a function of the seed and of the number of the sample,
// computed when it is asked for: there are no index files, and a run may go on
// at any sample, on any mesh, with steps of any size.
//
// The file is chosen by weights (Blend.h), which also gives the number of the
// sample among those of its file. From that number on files are independent.
//
//   epochs    Windows lie one behind the other, and overlap by one token, so
//             that every token is a target once. In an epoch each window of the
//             file comes once, in an order drawn for the epoch (Permutation.h).
//             Windows of an epoch begin at one of the first tokens, as many as
//             are too few for one more window, so that what is left out at the
//             ends is drawn for each epoch as well: no token is left out for
//             good, and tokens come at other places of their windows.
//   windows   Each window is an independent uniform choice among all windows of
//             the file: they overlap, and there are no epochs.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_SAMPLEORDER_H
#define PPRT_SAMPLEORDER_H

#include "Blend.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pprt {

enum class WindowOrder { Epochs, Windows };

class SampleOrder {
public:
  /// `tokens` of each file, at least sequence + 1; a weight for each.
  SampleOrder(const std::vector<uint64_t> &tokens,
              const std::vector<double> &weights, uint64_t sequence,
              WindowOrder order, uint64_t seed);

  /// Where a sample begins.
  struct Place {
    size_t file;
    uint64_t token;
  };
  Place placeOf(uint64_t sample) const;

  const Blend &blend() const { return sources; }
  /// Windows of a file in an epoch.
  uint64_t windowsOf(size_t file) const;

private:
  struct File {
    uint64_t tokens;
    uint64_t windowKey, epochKey, shiftKey; ///< of its streams
  };

  Blend sources;
  std::vector<File> files;
  uint64_t sequence;
  WindowOrder order;
};

} // namespace pprt

#endif // PPRT_SAMPLEORDER_H
