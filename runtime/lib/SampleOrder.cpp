#include "SampleOrder.h"

#include "Initialization.h"
#include "Permutation.h"

using namespace pprt;

SampleOrder::SampleOrder(const std::vector<uint64_t> &tokens,
                         const std::vector<double> &weights, uint64_t sequence,
                         WindowOrder order, uint64_t seed)
    : sources(weights), sequence(sequence), order(order) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    // Streams of the first file have the names that they had when there was
    // one.
    const std::string of = i == 0 ? "" : " of file " + std::to_string(i);
    files.push_back({tokens[i], streamKey(seed, "order of the data" + of),
                     streamKey(seed, "epochs of the data" + of),
                     streamKey(seed, "shifts of the data" + of)});
  }
}

/// 64 random bits taken to [0, count): the high half of the product.
static uint64_t uniform(uint64_t bits, uint64_t count) {
  return uint64_t((unsigned __int128)bits * count >> 64);
}

uint64_t SampleOrder::windowsOf(size_t file) const {
  return (files[file].tokens - 1) / sequence;
}

SampleOrder::Place SampleOrder::placeOf(uint64_t sample) const {
  const Blend::Place place = sources.placeOf(sample);
  const File &file = files[place.source];
  if (order == WindowOrder::Windows)
    return {place.source, uniform(philox64(file.windowKey, place.number, 0),
                                  file.tokens - sequence)};
  const uint64_t windows = windowsOf(place.source);
  const uint64_t epoch = place.number / windows;
  const uint64_t window =
      Permutation(file.epochKey, epoch, windows)(place.number % windows);
  const uint64_t left = (file.tokens - 1) % sequence;
  const uint64_t shift = uniform(philox64(file.shiftKey, epoch, 0), left + 1);
  return {place.source, window * sequence + shift};
}
