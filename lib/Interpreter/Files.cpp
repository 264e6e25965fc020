//===- Files.cpp - Tokens, weights and their first values -----------------===//
//
// The formats and formulas of docs/Runtime.md, read and written without the
// runtime.
//
//===----------------------------------------------------------------------===//

#include "pp/Interpreter/Interpreter.h"

#include "Random.h"
#include "Tensor.h"

#include "pp/Dialect/NN/IR/NNAttributes.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;
using namespace pp::interpreter;

static llvm::Error fileError(StringRef path, const Twine &message) {
  return llvm::createStringError((path + ": " + message).str());
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path, buffer.getError().message());
  return std::move(*buffer);
}

llvm::Expected<TokenFile> TokenFile::read(StringRef path, unsigned width) {
  auto buffer = readFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.size() % width != 0)
    return fileError(path, "found " + Twine(bytes.size()) +
                               " bytes, expected a multiple of " +
                               Twine(width));
  TokenFile file;
  for (size_t i = 0; i < bytes.size(); i += width) {
    uint64_t token = 0;
    for (unsigned byte = 0; byte < width; ++byte)
      token |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i + byte]))
               << 8 * byte;
    file.tokens.push_back(static_cast<int64_t>(token));
  }
  return file;
}

//===----------------------------------------------------------------------===//
// First values
//===----------------------------------------------------------------------===//

/// 53 random bits as a number in [0, 1).
static double unit(uint32_t low, uint32_t high) {
  return static_cast<double>((static_cast<uint64_t>(high) << 32 | low) >> 11) *
         0x1p-53;
}

static Numbers initialize(ParamOp param, uint64_t seed) {
  auto init = cast<nn::InitializerAttrInterface>(param.getInit());
  llvm::StringMap<double> numbers;
  for (auto [name, number] : init.getNumbers())
    numbers[name] = number;
  StringRef kind = init.getKind();
  uint64_t key = keyOfStream(seed, param.getName());
  Numbers result(cast<RankedTensorType>(param.getType()).getNumElements());
  for (size_t e = 0; e < result.size(); ++e) {
    // A block of four words makes two elements.
    Words words = philox(key, e / 2, 0);
    double first = unit(words[0], words[1]), second = unit(words[2], words[3]);
    double value = 0;
    if (kind == "constant") {
      value = numbers["value"];
    } else if (kind == "ones") {
      value = 1;
    } else if (kind == "uniform") {
      value = numbers["low"] +
              (numbers["high"] - numbers["low"]) * (e % 2 ? second : first);
    } else if (kind == "normal") {
      double radius = std::sqrt(-2 * std::log(1 - first));
      double angle = 2 * M_PI * second;
      value = numbers["mean"] + numbers["std"] * radius *
                                    (e % 2 ? std::sin(angle) : std::cos(angle));
    }
    result[e] = static_cast<float>(value);
  }
  return result;
}

std::vector<Numbers> Interpreter::initialize(uint64_t seed) const {
  std::vector<Numbers> values;
  for (ParamOp param : params)
    values.push_back(::initialize(param, seed));
  return values;
}

//===----------------------------------------------------------------------===//
// Safetensors
//===----------------------------------------------------------------------===//

llvm::Expected<std::vector<Numbers>> Interpreter::load(StringRef path) const {
  auto buffer = readFile(path);
  if (!buffer)
    return buffer.takeError();
  StringRef bytes = (*buffer)->getBuffer();
  if (bytes.size() < 8)
    return fileError(path, "found no header, expected safetensors");
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  if (length > bytes.size() - 8)
    return fileError(path, "found a header that is longer than the file");
  auto header = llvm::json::parse(bytes.substr(8, length));
  if (!header)
    return header.takeError();
  StringRef data = bytes.substr(8 + length);
  std::vector<Numbers> values;
  for (ParamOp param : params) {
    auto type = cast<RankedTensorType>(param.getType());
    uint64_t count = type.getNumElements();
    const llvm::json::Object *object = header->getAsObject();
    const llvm::json::Object *entry =
        object ? object->getObject(param.getName()) : nullptr;
    const llvm::json::Array *extent =
        entry ? entry->getArray("data_offsets") : nullptr;
    std::optional<int64_t> begin = extent && extent->size() == 2
                                       ? (*extent)[0].getAsInteger()
                                       : std::nullopt;
    if (!begin || entry->getString("dtype") != "F32")
      return fileError(path, "found no '" + param.getName() +
                                 "' of F32, expected every parameter");
    if (*begin < 0 || uint64_t(*begin) > data.size() ||
        4 * count > data.size() - uint64_t(*begin))
      return fileError(path, "found too few bytes for '" + param.getName() +
                                 "', expected " + Twine(4 * count));
    Numbers &numbers = values.emplace_back(count);
    for (uint64_t i = 0; i < count; ++i)
      numbers[i] = llvm::bit_cast<float>(
          llvm::support::endian::read32le(data.data() + *begin + 4 * i));
  }
  return values;
}

llvm::Error Interpreter::save(StringRef path,
                              const std::vector<Numbers> &values) const {
  std::error_code code;
  llvm::raw_fd_ostream out(path, code);
  if (code)
    return fileError(path, code.message());
  llvm::json::Object header;
  int64_t begin = 0;
  for (auto [op, numbers] : llvm::zip_equal(params, values)) {
    ParamOp param = op;
    int64_t end = begin + 8 * static_cast<int64_t>(numbers.size());
    auto type = cast<RankedTensorType>(param.getType());
    header[param.getName()] =
        llvm::json::Object{{"dtype", "F64"},
                           {"shape", llvm::json::Array(type.getShape())},
                           {"data_offsets", llvm::json::Array{begin, end}}};
    begin = end;
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(header));
  text.resize(llvm::alignTo(text.size(), 8), ' ');
  char word[8];
  auto write64 = [&](uint64_t bits) {
    llvm::support::endian::write64le(word, bits);
    out.write(word, 8);
  };
  write64(text.size());
  out << text;
  for (const Numbers &numbers : values)
    for (double number : numbers)
      write64(llvm::bit_cast<uint64_t>(number));
  out.close();
  if (out.has_error())
    return fileError(path, out.error().message());
  return llvm::Error::success();
}
