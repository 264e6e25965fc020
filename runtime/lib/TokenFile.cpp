#include "TokenFile.h"

#include "Error.h"
#include "Hash.h"
#include "NumpyHeader.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

static constexpr uint64_t headerBytes = 256 * 4;

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The first bytes of files that are neither text nor tokens.
static constexpr struct {
  std::string_view begin;
  const char *what;
} containers[] = {
    {"PK\x03\x04", "a zip archive, as .npz and PyTorch's files are"},
    {"\x1f\x8b", "gzip's output"},
    {"\x28\xb5\x2f\xfd", "zstd's output"},
    {"\xfd"
     "7zXZ",
     "xz's output"},
    {"BZh91AY&SY", "bzip2's output"},
    {"PAR1", "a Parquet file"},
    {"ARROW1", "an Arrow file"},
    {"\xff\xff\xff\xff", "an Arrow stream"},
    {"\x89HDF", "an HDF5 file"},
    {"MMIDIDX", "the index of a Megatron data set"},
    {"SQLite format 3", "an SQLite data base"},
    {"\x80\x02", "a pickle of Python"},
    {"\x80\x03", "a pickle of Python"},
    {"\x80\x04", "a pickle of Python"},
    {"\x80\x05", "a pickle of Python"},
};

/// Throws Error for a file of another kind, whose bytes are no text.
void TokenFile::checkContainer() const {
  char begin[16] = {};
  file.read(0, begin, std::min<uint64_t>(file.size(), sizeof begin));
  const char *what = nullptr;
  for (const auto &container : containers)
    if (!std::memcmp(begin, container.begin.data(), container.begin.size()))
      what = container.what;
  uint64_t length = 0;
  std::memcpy(&length, begin, sizeof length);
  if (begin[8] == '{' && length > 0 && length < file.size())
    what = "a safetensors file";
  if (what)
    throw Error("found " + std::string(what) + " in '" + file.path() +
                "', expected text or tokens: convert it (a .npy file of whole "
                "numbers is read), or add --token-format bytes to train on "
                "its bytes");
}

TokenFile::TokenFile(const std::string &path, TokenFormat format)
    : file(path, "data file", "check --data") {
  const uint64_t fileBytes = file.size();
  if (fileBytes == 0)
    throw Error("found an empty data file '" + path + "', expected tokens");
  uint32_t header[3] = {}; // magic, version, number of tokens
  file.read(0, header, std::min<uint64_t>(fileBytes, sizeof header));
  isNumpyArray = format != TokenFormat::Bytes && isNumpy(file);
  int headerWidth = header[0] == 20240520 ? 2 : header[0] == 20240801 ? 4 : 0;
  bool skipHeader = headerWidth && format != TokenFormat::Bytes;
  NumpyArray array;
  if (isNumpyArray) {
    array = readNumpyHeader(file);
    headerWidth = array.width;
    isSigned = array.isSigned;
  }
  switch (format) {
  case TokenFormat::Bytes:
    width = 1;
    break;
  case TokenFormat::U16:
    width = 2;
    break;
  case TokenFormat::U32:
    width = 4;
    break;
  case TokenFormat::Auto:
    if (!headerWidth)
      checkContainer();
    if (!headerWidth && endsWith(path, ".bin"))
      throw Error("found the data file '" + path +
                  "' without a header of llm.c, expected to be told its "
                  "words: add --token-format u16, u32 or bytes");
    width = headerWidth ? headerWidth : 1;
    guessed = !headerWidth;
    break;
  }
  if ((skipHeader || isNumpyArray) && width != headerWidth)
    throw Error("found a header of " + std::to_string(8 * headerWidth) +
                "-bit tokens in '" + path + "', expected " +
                std::to_string(8 * width) +
                " bits from --token-format: leave the option away");
  atStart = fingerprint();
  if (isNumpyArray) {
    begin = array.offset;
    count = array.count;
    return;
  }
  if (skipHeader) {
    if (fileBytes < headerBytes)
      throw Error("found a truncated header in '" + path + "' (" +
                  std::to_string(fileBytes) + " bytes), expected " +
                  std::to_string(headerBytes) + ": make the file again");
    begin = headerBytes;
  }
  uint64_t rest = fileBytes - begin;
  if (rest % uint64_t(width))
    throw Error("found " + std::to_string(rest) + " bytes of tokens in '" +
                path + "', expected a multiple of " + std::to_string(width) +
                ": the file is truncated or --token-format is wrong");
  count = rest / uint64_t(width);
  if (!skipHeader)
    return;
  const uint32_t expectedVersion = headerWidth == 2 ? 1 : 7;
  if (header[1] != expectedVersion)
    throw Error("found version " + std::to_string(int32_t(header[1])) +
                " in the header of '" + path + "', expected " +
                std::to_string(expectedVersion) + ": convert the file");
  if (header[2] != count)
    throw Error(
        "found " + std::to_string(count) + " tokens in '" + path +
        "', expected the " + std::to_string(header[2]) +
        " that its header counts: " +
        (count < header[2] ? "the file is truncated" : "make the file again"));
}

std::string TokenFile::formatName() const {
  if (!isNumpyArray)
    return width == 1 ? "bytes" : width == 2 ? "u16" : "u32";
  return (isSigned ? "i" : "u") + std::to_string(8 * width);
}

/// A token from its bytes; -1 if it is no i32 from 0 on.
template <typename Word> static int32_t tokenAt(const uint8_t *from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word < 0 || uint64_t(word) > INT32_MAX ? -1 : int32_t(word);
}

void TokenFile::read(uint64_t first, uint64_t n, int32_t *out) const {
  int32_t (*convert)(const uint8_t *) = nullptr;
  switch (width) {
  case 1:
    convert = isSigned ? tokenAt<int8_t> : tokenAt<uint8_t>;
    break;
  case 2:
    convert = isSigned ? tokenAt<int16_t> : tokenAt<uint16_t>;
    break;
  case 4:
    convert = isSigned ? tokenAt<int32_t> : tokenAt<uint32_t>;
    break;
  default:
    convert = isSigned ? tokenAt<int64_t> : tokenAt<uint64_t>;
  }
  uint8_t buffer[1 << 14];
  const uint64_t most = sizeof buffer / uint64_t(width);
  for (uint64_t done = 0; done < n;) {
    const uint64_t piece = std::min(n - done, most);
    file.read(begin + (first + done) * uint64_t(width), buffer,
              piece * uint64_t(width));
    for (uint64_t i = 0; i < piece; ++i)
      out[done + i] = convert(buffer + i * uint64_t(width));
    done += piece;
  }
}

uint64_t TokenFile::fingerprint() const {
  const uint64_t fileBytes = file.size();
  uint64_t hash = kHashStart ^ fileBytes;
  constexpr uint64_t pieces = 16, pieceBytes = 4096;
  uint8_t buffer[pieceBytes];
  for (uint64_t piece = 0; piece < pieces; ++piece) {
    uint64_t at =
        (fileBytes - std::min(fileBytes, pieceBytes)) * piece / (pieces - 1);
    uint64_t bytes = std::min(pieceBytes, fileBytes - at);
    file.read(at, buffer, bytes);
    hash = hashOf({reinterpret_cast<char *>(buffer), size_t(bytes)}, hash);
  }
  return hash;
}

void TokenFile::checkUnchanged() {
  if (file.isTouched() && fingerprint() != atStart)
    throw Error("found other content in the data file '" + path() +
                "' than at the start of the run, expected the same: leave it "
                "alone until the run ends");
}
