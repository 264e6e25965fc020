//===- Safetensors.h - Files of named tensors -------------------*- C++ -*-===//
//
// The format of https://github.com/huggingface/safetensors: 8 bytes length of
// the header, the header (JSON: name -> dtype, shape, data_offsets), the data.
// A model is one such file or, by an index, many. Here is what a directory
// holds by its headers, and whether that is what a model needs; pp-import and
// compiled programs ask.
//
//===----------------------------------------------------------------------===//

#ifndef PP_SAFETENSORS_SAFETENSORS_H
#define PP_SAFETENSORS_SAFETENSORS_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace pp::safetensors {

/// Files that are not what they should be: found, expected, remedy.
class Error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

struct Tensor {
  std::string name, dtype;
  std::vector<int64_t> shape;
  size_t file = 0;               ///< of the directory's
  uint64_t begin = 0, bytes = 0; ///< from the file's begin
};

struct File {
  std::string path;
  uint64_t bytes = 0;
};

/// The tensors of model.safetensors, or else of the files that
/// model.safetensors.index.json names.
struct Directory {
  std::string path;
  std::vector<File> files;
  std::vector<Tensor> tensors;
  /// A line for each tensor that stands twice, or not where the index says.
  std::vector<std::string> problems;
};

/// Reads the headers; throws Error for files that are missing, damaged or cut
/// short. `remedy` says what to do where there are no weights at all.
Directory readDirectory(const std::string &path, const std::string &remedy);

/// The same of one file.
Directory readFile(const std::string &path);

struct Expected {
  std::string name;
  std::vector<int64_t> shape;
};

/// For each of `expected` its tensor, of F32, BF16 or F16. Names may have the
/// prefix `transformer.` (GPT-2 with a head) or lack `model.` (Llama without
/// one). Passed over are buffers that are no weights, and a head of a model
/// that has none of its own, being tied. Throws Error that lists all tensors
/// that are missing, too many, of another shape or of another type.
std::vector<size_t> match(const Directory &directory,
                          const std::vector<Expected> &expected);

/// `[2, 3]`.
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace pp::safetensors

#endif // PP_SAFETENSORS_SAFETENSORS_H
