//===- WeightWriter.h - Slices of weights into files ----------------------===//
#ifndef PPRT_WEIGHTWRITER_H
#define PPRT_WEIGHTWRITER_H

#include "Bootstrap.h"
#include "WeightLayout.h"

#include <functional>
#include <string>
#include <vector>

namespace pprt {

/// The files of a layout in a folder, written at any place by any rank.
class WeightWriter {
public:
  WeightWriter(const WeightLayout &layout, std::string folder)
      : layout(layout), folder(std::move(folder)),
        descriptors(layout.files.size(), -1) {}
  ~WeightWriter();
  WeightWriter(const WeightWriter &) = delete;
  WeightWriter &operator=(const WeightWriter &) = delete;

  /// Makes the files in their sizes, with their headers. Throws Error, also
  /// where the disk has no room for them.
  void create();
  /// Writes bytes of a parameter's values, which begin at its element `first`.
  void write(size_t parameter, uint64_t first, const char *bytes,
             uint64_t count);
  /// Flushes what this rank has written. Throws Error.
  void flush();

private:
  int open(size_t file, int flags);
  void writeAt(size_t file, uint64_t at, const char *bytes, uint64_t count);

  const WeightLayout &layout;
  std::string folder;
  std::vector<int> descriptors; ///< by file; -1: not open
};

/// Visits what `rank` contributes to the files of parameter `index`: the first
/// element in the whole, the first among the values that the rank updates, how
/// many. Each element of the whole is visited on one rank.
void forEachSavedRun(
    const Description &description, int rank, size_t index,
    const std::function<void(uint64_t, uint64_t, uint64_t)> &visit);

/// The f32 values of a parameter that a rank updates (masters, of bf16); null
/// where it updates none.
const float *updatedValues(const Description &description, int rank,
                           size_t index, const uint8_t *arena);

/// Writes this rank's runs.
void writeOwnRuns(WeightWriter &writer, const WeightLayout &layout,
                  const Description &description, int rank,
                  const uint8_t *arena);

/// Sends the runs of all ranks to rank 0, which writes them; collective. Rank 0
/// receives also where writing fails, and throws then.
void collectRuns(WeightWriter *writer, const WeightLayout &layout,
                 const Description &description, const uint8_t *arena,
                 Bootstrap &bootstrap);

} // namespace pprt

#endif // PPRT_WEIGHTWRITER_H
