#include "TokenFile.h"

#include "Error.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

static constexpr uint64_t headerBytes = 256 * 4;

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

TokenFile::TokenFile(const std::string &path, TokenFormat format) : name(path) {
  // Without waiting for the writer of a pipe, which is refused below.
  int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    throw Error("cannot open the data file '" + path + "': " + systemError() +
                ", expected a file that can be read: check --data");
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    throw Error("found '" + path +
                "', which is not a regular file, expected "
                "a data file: give --data FILE");
  }
  fileBytes = uint64_t(info.st_size);
  if (fileBytes == 0) {
    close(fd);
    throw Error("found an empty data file '" + path + "', expected tokens");
  }
  void *memory = mmap(nullptr, fileBytes, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED)
    throw Error("cannot map the data file '" + path + "': " + systemError());
  mapping = static_cast<const uint8_t *>(memory);

  try {
    int32_t magic = 0;
    if (fileBytes >= 4)
      std::memcpy(&magic, mapping, 4);
    int headerWidth = magic == 20240520 ? 2 : magic == 20240801 ? 4 : 0;
    bool skipHeader = headerWidth && format != TokenFormat::Bytes;
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
      if (!headerWidth && endsWith(path, ".bin"))
        throw Error("found the data file '" + path +
                    "' without a header of llm.c, expected to be told its "
                    "words: add --token-format u16, u32 or bytes");
      width = headerWidth ? headerWidth : 1;
      break;
    }
    uint64_t begin = 0;
    if (skipHeader) {
      if (width != headerWidth)
        throw Error("found a header of " + std::to_string(8 * headerWidth) +
                    "-bit tokens in '" + path + "', expected " +
                    std::to_string(8 * width) +
                    " bits from --token-format: leave the option away");
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
    if (skipHeader) {
      int32_t version = 0, said = 0;
      std::memcpy(&version, mapping + 4, 4);
      std::memcpy(&said, mapping + 8, 4);
      int expectedVersion = headerWidth == 2 ? 1 : 7;
      if (version != expectedVersion)
        throw Error("found version " + std::to_string(version) +
                    " in the header of '" + path + "', expected " +
                    std::to_string(expectedVersion) + ": convert the file");
      if (uint32_t(said) != count)
        throw Error("found " + std::to_string(count) + " tokens in '" + path +
                    "', expected the " + std::to_string(uint32_t(said)) +
                    " that its header counts: " +
                    (count < uint32_t(said) ? "the file is truncated"
                                            : "make the file again"));
    }
    data = mapping + begin;
  } catch (...) {
    munmap(const_cast<uint8_t *>(mapping), fileBytes);
    throw;
  }
}

TokenFile::~TokenFile() { munmap(const_cast<uint8_t *>(mapping), fileBytes); }

const char *TokenFile::formatName() const {
  return width == 1 ? "bytes" : width == 2 ? "u16" : "u32";
}

void TokenFile::read(uint64_t begin, uint64_t n, int32_t *out) const {
  const uint8_t *from = data + begin * uint64_t(width);
  for (uint64_t i = 0; i < n; ++i) {
    if (width == 1) {
      out[i] = from[i];
    } else if (width == 2) {
      uint16_t word;
      std::memcpy(&word, from + 2 * i, 2);
      out[i] = word;
    } else {
      uint32_t word;
      std::memcpy(&word, from + 4 * i, 4);
      out[i] = word > INT32_MAX ? -1 : int32_t(word);
    }
  }
}

uint64_t TokenFile::fingerprint() const {
  uint64_t hash = 0xcbf29ce484222325u ^ fileBytes;
  constexpr uint64_t pieces = 16, pieceBytes = 4096;
  for (uint64_t piece = 0; piece < pieces; ++piece) {
    uint64_t begin =
        (fileBytes - std::min(fileBytes, pieceBytes)) * piece / (pieces - 1);
    uint64_t end = std::min(begin + pieceBytes, fileBytes);
    for (uint64_t i = begin; i < end; ++i)
      hash = (hash ^ mapping[i]) * 0x100000001b3u;
  }
  return hash;
}
