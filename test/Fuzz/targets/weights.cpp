//===- weights.cpp - Directories of weights of any bytes ------------------===//
//
// An input is one file of weights, or an index and two. What is accepted can be
// read to the last element, and elements are where the files say.
//
//===----------------------------------------------------------------------===//
#include "FuzzFiles.h"

#include "Error.h"
#include "ModelFiles.h"
#include "WeightFiles.h"
#include "pp/Safetensors/Safetensors.h"

using namespace pp::fuzz;
using namespace pprt;

static Parameter parameter(const std::string &name,
                           std::vector<int64_t> shape) {
  Parameter result;
  result.name = name;
  result.elements = 1;
  for (int64_t size : shape)
    result.elements *= uint64_t(size);
  result.shape = std::move(shape);
  return result;
}

/// All that the headers say lies in the files.
static void checkDirectory(const std::string &path) {
  const pp::safetensors::Directory found =
      pp::safetensors::readDirectory(path, "");
  for (const pp::safetensors::Tensor &tensor : found.tensors) {
    require(tensor.file < found.files.size(), "a tensor is in a file");
    const uint64_t bytes = found.files[tensor.file].bytes;
    require(tensor.begin <= bytes && tensor.bytes <= bytes - tensor.begin,
            "a tensor ends with its file at the latest");
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<Parameter> model = {parameter("a", {2, 3}),
                                               parameter("model.b", {4})};
  Bytes bytes(data, size);
  Directory &directory = Directory::get();
  if (bytes.number(1) & 1) {
    directory.write("model.safetensors.index.json",
                    bytes.take(bytes.number(2)));
    directory.write("one.safetensors", bytes.take(bytes.number(2)));
    directory.write("two.safetensors", bytes.take(bytes.size()));
  } else {
    directory.write("config.json", bytes.take(bytes.number(2)));
    directory.write("model.safetensors", bytes.take(bytes.size()));
  }
  try {
    checkDirectory(directory.file(""));
    const WeightFiles files(directory.file(""), model);
    for (size_t i = 0; i < model.size(); ++i) {
      std::vector<float> values(model[i].elements);
      files.read(int(i), 0, values.size(), values.data());
      float last;
      files.read(int(i), values.size() - 1, 1, &last);
    }
  } catch (const Error &) {
  } catch (const pp::safetensors::Error &) {
  }
  try {
    const ModelFiles files("", directory.file(""), "");
    for (const auto &[name, text] : files.filesFor(ValueType::BF16))
      require(!text.empty(), "a file that is carried along has bytes");
  } catch (const Error &) {
  }
  directory.clear();
  return 0;
}
