//===- DataSet.h - The files of tokens that a run trains on -----*- C++ -*-===//
#ifndef PPRT_DATASET_H
#define PPRT_DATASET_H

#include "SampleOrder.h"
#include "TokenFile.h"

#include <memory>
#include <string>
#include <vector>

namespace pprt {

/// A file and how much of the data comes from it.
struct DataSource {
  std::string path;
  double weight = 1;

  /// Reads "FILE" or "FILE:WEIGHT". A number behind the last colon is a weight,
  /// so that a name that ends in one is given with its weight: "a:1" with the
  /// weight 1 is "a:1:1". Throws Error for a weight that is not positive and
  /// finite.
  static DataSource parse(const std::string &text);
};

/// How files are read.
struct DataOptions {
  std::vector<std::string> files; ///< as `DataSource::parse` reads them
  TokenFormat format = TokenFormat::Auto;
  WindowOrder order = WindowOrder::Epochs;
  DocumentTokens documents;
};

class DataSet {
public:
  /// Opens all files; throws Error.
  explicit DataSet(const DataOptions &options);

  size_t size() const { return files.size(); }
  const TokenFile &file(size_t i) const { return *files[i]; }
  WindowOrder order() const { return windowOrder; }
  const std::vector<double> &weights() const { return fileWeights; }
  std::vector<uint64_t> tokens() const;

  /// Throws Error if a file has other content than when it was opened.
  void checkUnchanged();

private:
  std::vector<std::unique_ptr<TokenFile>> files;
  std::vector<double> fileWeights;
  WindowOrder windowOrder;
};

} // namespace pprt

#endif // PPRT_DATASET_H
