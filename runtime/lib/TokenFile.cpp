#include "TokenFile.h"

#include "Error.h"
#include "Hash.h"
#include "NumpyHeader.h"

#include <algorithm>
#include <cstring>
#include <sys/stat.h>

using namespace pprt;

static constexpr uint64_t llmcHeaderBytes = 256 * 4;

[[noreturn]] static void throwOtherWidth(int width, const std::string &path,
                                         int asked) {
  throw Error("found a header of " + std::to_string(8 * width) +
              "-bit tokens in '" + path + "', expected " +
              std::to_string(8 * asked) +
              " bits from --token-format: leave the option away");
}

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
    {"MMIDIDX",
     "the index of a Megatron data set, which has to be named NAME.idx,"},
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

//===----------------------------------------------------------------------===//
// Megatron's pairs
//===----------------------------------------------------------------------===//

static bool isFile(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

static std::string withoutEnd(const std::string &path) {
  return path.substr(0, path.size() - std::strlen(".bin"));
}

/// The index that belongs to what the user named, empty if there is none.
static std::string findIndex(const std::string &path, TokenFormat format) {
  if (format == TokenFormat::Bytes)
    return "";
  if (endsWith(path, ".idx"))
    return path;
  if (endsWith(path, ".bin")) {
    const std::string beside = withoutEnd(path) + ".idx";
    return isFile(beside) && isTokenIndex(beside) ? beside : "";
  }
  return !isFile(path) && isFile(path + ".idx") ? path + ".idx" : "";
}

static std::string tokenPath(const std::string &path, TokenFormat format) {
  const std::string index = findIndex(path, format);
  return index.empty() ? path : withoutEnd(index) + ".bin";
}

void TokenFile::openIndex(const std::string &indexPath, TokenFormat format) {
  index.emplace(indexPath, file);
  width = index->width();
  isSigned = index->isSigned();
  const int asked = format == TokenFormat::U16   ? 2
                    : format == TokenFormat::U32 ? 4
                                                 : width;
  if (asked != width)
    throwOtherWidth(width, indexPath, asked);
  count = index->tokens();
}

//===----------------------------------------------------------------------===//
// Other files
//===----------------------------------------------------------------------===//

TokenFile::TokenFile(const std::string &path, TokenFormat format,
                     DocumentTokens documents)
    : file(tokenPath(path, format), "data file", "check --data"),
      documents(documents) {
  const std::string indexPath = findIndex(path, format);
  if (indexPath.empty())
    openPlain(format);
  else
    openIndex(indexPath, format);
  atStart = fingerprint();
}

void TokenFile::openPlain(TokenFormat format) {
  const std::string &path = file.path();
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
                  "' without a header of llm.c and without an index of "
                  "Megatron '" +
                  withoutEnd(path) +
                  ".idx', expected to be told its words: add --token-format "
                  "u16, u32 or bytes");
    width = headerWidth ? headerWidth : 1;
    guessed = !headerWidth;
    break;
  }
  if ((skipHeader || isNumpyArray) && width != headerWidth)
    throwOtherWidth(headerWidth, path, width);
  if (isNumpyArray) {
    begin = array.offset;
    count = array.count;
    return;
  }
  if (skipHeader) {
    if (fileBytes < llmcHeaderBytes)
      throw Error("found a truncated header in '" + path + "' (" +
                  std::to_string(fileBytes) + " bytes), expected " +
                  std::to_string(llmcHeaderBytes) + ": make the file again");
    begin = llmcHeaderBytes;
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
  // llm.c puts its tokenizer's end of text (that of GPT-2 or of Llama 3) before
  // each document.
  if (documents.end < 0 && documents.begin < 0)
    documents.begin = headerWidth == 2 ? 50256 : 128000;
}

std::string TokenFile::formatName() const {
  if (!isNumpyArray && !index)
    return width == 1 ? "bytes" : width == 2 ? "u16" : "u32";
  return (isSigned ? "i" : "u") + std::to_string(8 * width);
}

//===----------------------------------------------------------------------===//
// Tokens and documents
//===----------------------------------------------------------------------===//

/// A token from its bytes; -1 if it is no i32 from 0 on.
template <typename Word> static int32_t tokenAt(const uint8_t *from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word < 0 || uint64_t(word) > INT32_MAX ? -1 : int32_t(word);
}

/// Tokens that lie in a row in the file.
void TokenFile::readRun(uint64_t offset, uint64_t n, int32_t *out) const {
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
    file.read(offset + done * uint64_t(width), buffer, piece * uint64_t(width));
    for (uint64_t i = 0; i < piece; ++i)
      out[done + i] = convert(buffer + i * uint64_t(width));
    done += piece;
  }
}

void TokenFile::read(uint64_t first, uint64_t n, int32_t *out) const {
  if (!index)
    return readRun(begin + first * uint64_t(width), n, out);
  index->forEachRun(first, n, [&](const TokenIndex::Run &run) {
    readRun(run.offset, run.count, out);
    out += run.count;
  });
}

std::string TokenFile::documentsName() const {
  if (index)
    return "by its index";
  if (documents.end >= 0)
    return "that end with token " + std::to_string(documents.end);
  if (documents.begin >= 0)
    return "that begin with token " + std::to_string(documents.begin);
  return "that are not known";
}

void TokenFile::markDocuments(uint64_t first, uint64_t n, const int32_t *tokens,
                              bool *borders) const {
  if (index)
    return index->markDocuments(first, n, borders);
  for (uint64_t i = 1; i < n; ++i)
    borders[i] = documents.end >= 0 ? tokens[i - 1] == documents.end
                                    : tokens[i] == documents.begin;
}

/// Goes on from `hash` with the size and some pieces of a file.
static uint64_t fingerprintOf(const InputFile &file, uint64_t hash) {
  const uint64_t fileBytes = file.size();
  hash ^= fileBytes;
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

uint64_t TokenFile::fingerprint() const {
  const uint64_t hash = fingerprintOf(file, kHashStart);
  return index ? fingerprintOf(index->file(), hash) : hash;
}

void TokenFile::checkUnchanged() {
  const bool isTouched = file.isTouched();
  const bool isIndexTouched = index && index->file().isTouched();
  if ((isTouched || isIndexTouched) && fingerprint() != atStart)
    throw Error("found other content in the data file '" + path() +
                (index ? "' or its index" : "'") +
                " than at the start of the run, expected the same: leave it "
                "alone until the run ends");
}
