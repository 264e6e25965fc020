//===- ModelFiles.h - What stands beside the weights of a model -----------===//
#ifndef PPRT_MODELFILES_H
#define PPRT_MODELFILES_H

#include "NarrowValues.h"

#include <map>
#include <string>

namespace pprt {

/// config.json and the files of the tokenizer, with which a directory of
/// weights is one that Hugging Face's transformers loads. They are read before
/// the training, so that nothing can be missing after it.
class ModelFiles {
public:
  /// `config` is the program's own, empty if it has none: then that of the
  /// directory `load` is taken. Tokenizer files are those of the directory
  /// `tokenizer`, or else of `load`; "" is none. Throws Error.
  ModelFiles(const std::string &config, const std::string &load,
             const std::string &tokenizer);

  /// Bytes by name, for weights of `type`: config.json says so in its key
  /// `dtype` (transformers 5) or `torch_dtype`, whichever it has. Empty where
  /// nothing is known.
  std::map<std::string, std::string> filesFor(ValueType type) const;
  /// Writes them into a folder and flushes them; throws Error.
  void write(const std::string &folder, ValueType type) const;

private:
  std::string config;
  std::map<std::string, std::string> carried;
};

} // namespace pprt

#endif // PPRT_MODELFILES_H
