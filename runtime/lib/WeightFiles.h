//===- WeightFiles.h - First values of parameters from files --------------===//
#ifndef PPRT_WEIGHTFILES_H
#define PPRT_WEIGHTFILES_H

#include "Description.h"
#include "InputFile.h"
#include "NarrowValues.h"

#include <memory>
#include <string>
#include <vector>

namespace pprt {

/// The weights of a directory, one file or many with an index, in F32, BF16 or
/// F16: checked to be those of the model, all of them. Values are read where
/// they are asked for.
class WeightFiles {
public:
  /// Throws Error, which lists all tensors that do not fit.
  WeightFiles(const std::string &directory,
              const std::vector<Parameter> &parameters);

  /// Reads `count` values of parameter `index` from element `first` of the
  /// whole on; throws Error.
  void read(int index, uint64_t first, uint64_t count, float *out) const;

private:
  struct Extent {
    size_t file;
    uint64_t begin; ///< from the file's begin
    ValueType type;
  };
  std::vector<std::unique_ptr<InputFile>> files;
  std::vector<Extent> extents; ///< by parameter
};

} // namespace pprt

#endif // PPRT_WEIGHTFILES_H
