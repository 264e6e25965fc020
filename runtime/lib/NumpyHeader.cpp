//===- NumpyHeader.cpp - The header of numpy's .npy files -----------------===//
//
// The format of https://numpy.org/doc/stable/reference/generated/
// numpy.lib.format.html: "\x93NUMPY", two bytes version, the length of the
// header (2 bytes in version 1, else 4), and the header, a dictionary of
// Python:
//
//   {'descr': '<u2', 'fortran_order': False, 'shape': (5000,), }
//
//===----------------------------------------------------------------------===//
#include "NumpyHeader.h"

#include "Error.h"

#include <charconv>
#include <cstring>
#include <vector>

using namespace pprt;

static constexpr char magic[] = "\x93NUMPY";
static constexpr uint64_t magicBytes = sizeof magic - 1;

bool pprt::isNumpy(const InputFile &file) {
  char begin[magicBytes];
  if (file.size() < magicBytes)
    return false;
  file.read(0, begin, magicBytes);
  return !std::memcmp(begin, magic, magicBytes);
}

namespace {
/// Reads the dictionary: strings, True and False, and tuples of numbers.
class Parser {
public:
  Parser(std::string_view text, const std::string &path)
      : text(text), path(path) {}

  std::string type;
  bool isFortran = false;
  std::vector<uint64_t> shape;

  void run() {
    expect('{');
    bool hasType = false, hasOrder = false, hasShape = false;
    while (!take('}')) {
      std::string key = string();
      expect(':');
      if (key == "descr") {
        // A list is one of fields.
        type = peek() == '[' ? "a structure" : string();
        hasType = true;
        if (type == "a structure")
          return;
      } else if (key == "fortran_order") {
        isFortran = word() == "True";
        hasOrder = true;
      } else if (key == "shape") {
        tuple();
        hasShape = true;
      } else {
        broken();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (!hasType || !hasOrder || !hasShape)
      broken();
  }

private:
  [[noreturn]] void broken() const {
    throw Error("found a header that cannot be read in the numpy file '" +
                path +
                "', expected descr, fortran_order and shape: save the "
                "array again");
  }
  char peek() {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\n'))
      text.remove_prefix(1);
    return text.empty() ? '\0' : text.front();
  }
  bool take(char c) {
    if (peek() != c)
      return false;
    text.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c))
      broken();
  }
  std::string string() {
    char quote = peek();
    size_t end = text.find(quote, 1);
    if ((quote != '\'' && quote != '"') || end == std::string_view::npos)
      broken();
    std::string result(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    return result;
  }
  std::string_view word() {
    peek();
    size_t end = text.find_first_of(" ,}");
    std::string_view result = text.substr(0, end);
    if (result != "True" && result != "False")
      broken();
    text.remove_prefix(result.size());
    return result;
  }
  void tuple() {
    expect('(');
    while (!take(')')) {
      peek();
      uint64_t number;
      auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc())
        broken();
      text.remove_prefix(size_t(end - text.data()));
      shape.push_back(number);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text;
  const std::string &path;
};
} // namespace

/// Width and sign of '<u2' and the like; throws Error.
static void readType(const std::string &type, const std::string &path,
                     NumpyArray &array) {
  const std::string found =
      "found numbers of type '" + type + "' in the numpy file '" + path +
      "', expected whole numbers in little-endian order: ";
  const char order = type.empty() ? 0 : type[0];
  const bool isWhole = type.size() == 3 && (type[1] == 'u' || type[1] == 'i') &&
                       std::strchr("1248", type[2]);
  if (!isWhole)
    throw Error(found + "save token ids, as array.astype('<u2') or '<u4'");
  array.width = type[2] - '0';
  array.isSigned = type[1] == 'i';
  if (order != '<' && !(array.width == 1 && order == '|'))
    throw Error(found + "save array.astype('<" + type.substr(1) + "')");
}

NumpyArray pprt::readNumpyHeader(const InputFile &file) {
  const std::string &path = file.path();
  auto truncated = [&](uint64_t expected) {
    throw Error("found " + std::to_string(file.size()) +
                " bytes in the numpy file '" + path + "', expected " +
                std::to_string(expected) + ": the file is truncated");
  };
  uint8_t start[12] = {};
  if (file.size() < sizeof start)
    truncated(sizeof start);
  file.read(0, start, sizeof start);
  const int version = start[6];
  if (version < 1 || version > 3)
    throw Error("found version " + std::to_string(version) +
                " of the format in the numpy file '" + path +
                "', expected 1, 2 or 3: save the array again");
  const uint64_t lengthBytes = version == 1 ? 2 : 4;
  uint64_t length = 0;
  for (uint64_t i = 0; i < lengthBytes; ++i)
    length |= uint64_t(start[8 + i]) << (8 * i);
  NumpyArray array;
  array.offset = 8 + lengthBytes + length;
  if (array.offset > file.size())
    truncated(array.offset);
  std::string text(length, '\0');
  file.read(8 + lengthBytes, text.data(), length);
  Parser header(text, path);
  header.run();
  readType(header.type, path, array);
  if (header.isFortran && header.shape.size() > 1)
    throw Error("found an array in Fortran order in the numpy file '" + path +
                "', expected C order: save numpy.ascontiguousarray(array)");
  const uint64_t rest = file.size() - array.offset;
  unsigned __int128 count = 1;
  for (uint64_t size : header.shape)
    if (count *= size; count > rest && size > 0)
      count = uint64_t(rest) + 1; // more than there is, whatever follows
  for (uint64_t size : header.shape)
    if (size == 0)
      count = 0;
  if (count * uint64_t(array.width) != rest)
    throw Error(
        "found " + std::to_string(rest) +
        " bytes of numbers in the numpy file '" + path + "', expected " +
        (count > rest
             ? "more"
             : std::to_string(uint64_t(count) * uint64_t(array.width))) +
        " by its shape: " +
        (count * uint64_t(array.width) > rest ? "the file is truncated"
                                              : "save one array alone"));
  array.count = uint64_t(count);
  return array;
}
