//===- Profile.h - Measured times of a model's layers -----------*- C++ -*-===//
//
// What a compiled program writes with --profile-out (docs/Runtime.md). Nothing
// here knows MLIR: the compiler and pp-plan read the same file.
//
//===----------------------------------------------------------------------===//

#ifndef PP_PROFILE_PROFILE_H
#define PP_PROFILE_PROFILE_H

#include "pp/Schedule/Result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pp::profile {

using schedule::Error;
using schedule::Result;

/// An apply of the measured model, in the model's order.
struct Layer {
  std::string name;
  int64_t flops = 0; ///< of a forward, by which layers of one name are told
  int64_t outputBytes = 0;
  int64_t parameterBytes = 0; ///< of those that it is the first to use
  /// Seconds of a micro-batch by part: F, I, W; R (the forward again) where the
  /// program recomputed; B for a backward without halves. What a layer does not
  /// have, such as the I of the first one, is not there.
  std::map<char, double> seconds;
};

struct Profile {
  std::string path, model;
  int64_t batch = 0, sequence = 0; ///< of the micro-batches measured
  std::vector<Layer> layers;
  /// Of a transfer between two ranks; unknown where one rank was measured.
  bool hasTransfers = false;
  double latency = 0;   ///< seconds
  double bandwidth = 0; ///< bytes a second
  /// Seconds at the end of a step for each byte of a parameter.
  double updatePerByte = 0;
  double exchange = 0; ///< seconds in which all ranks meet

  /// Seconds of a part of a layer: the mean over the applies that have it, so
  /// that noise does not move cuts between equal layers. The halves of a B, and
  /// the F of an R, stand in for what was not measured.
  double secondsOf(const std::string &layer, char part) const;
  /// The part of this very apply, or of layers like it.
  double secondsOf(size_t apply, char part) const;

private:
  friend Result<Profile> parse(std::string_view, const std::string &);
  std::map<std::string, std::map<char, double>> means; ///< by layer and part
};

/// Reads the text of a profile; `path` is for messages. Errors: malformed JSON
/// (with its line), an unknown format, missing, negative or huge numbers (with
/// where they stand).
Result<Profile> parse(std::string_view text, const std::string &path);

/// The same from a file.
Result<Profile> load(const std::string &path);

/// A model for which a profile is to be used.
struct Model {
  int64_t batch = 0, sequence = 0; ///< 0: not known
  struct Layer {
    std::string name;
    int64_t flops = 0;
  };
  std::vector<Layer> layers;
};

/// Empty, or why the times cannot be those of the model: other micro-batches, a
/// layer that was not measured, or was measured with other work. Another
/// *number* of equal layers is no difference: a short model can be measured
/// where a long one does not fit.
std::string findDifference(const Profile &profile, const Model &model);

} // namespace pp::profile

#endif // PP_PROFILE_PROFILE_H
