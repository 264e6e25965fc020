//===- TokenFile.h - A file of tokens, mapped into memory -----------------===//
//
// Formats: bytes (any file), and little-endian words of 16 or 32 bits, plain or
// after the header of llm.c's files: 256 int32 (magic, version, number of
// tokens, zeros), where magic 20240520 version 1 means u16 and magic 20240801
// version 7 means u32.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TOKENFILE_H
#define PPRT_TOKENFILE_H

#include "Options.h"

#include <string>

namespace pprt {

class TokenFile {
public:
  /// Maps the file; throws Error if it is missing, truncated or unclear.
  TokenFile(const std::string &path, TokenFormat format);
  ~TokenFile();
  TokenFile(const TokenFile &) = delete;
  TokenFile &operator=(const TokenFile &) = delete;

  uint64_t tokens() const { return count; }
  /// "bytes", "u16" or "u32".
  const char *formatName() const;
  const std::string &path() const { return name; }

  /// Copies tokens [begin, begin + n) as i32; a u32 beyond i32 becomes -1.
  void read(uint64_t begin, uint64_t n, int32_t *out) const;

  /// A hash of the size and of pieces of the content: ranks that read
  /// different files notice it at start.
  uint64_t fingerprint() const;

private:
  std::string name;
  const uint8_t *mapping = nullptr;
  uint64_t fileBytes = 0;
  const uint8_t *data = nullptr;
  uint64_t count = 0;
  int width = 1; // bytes of a token
};

} // namespace pprt

#endif // PPRT_TOKENFILE_H
