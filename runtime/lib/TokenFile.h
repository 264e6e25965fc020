//===- TokenFile.h - A file of tokens -------------------------------------===//
//
// Formats: bytes (any file), and little-endian words of 16 or 32 bits, plain or
// after the header of llm.c's files: 256 int32 (magic, version, number of
// tokens, zeros), where magic 20240520 version 1 means u16 and magic 20240801
// version 7 means u32; and arrays of whole numbers that numpy has saved (.npy).
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TOKENFILE_H
#define PPRT_TOKENFILE_H

#include "InputFile.h"
#include "Options.h"

#include <string>

namespace pprt {

class TokenFile {
public:
  /// Opens the file; throws Error if it is missing, truncated or unclear.
  TokenFile(const std::string &path, TokenFormat format);

  uint64_t tokens() const { return count; }
  /// "bytes", "u16" or "u32"; "u8" to "i64" of numpy.
  std::string formatName() const;
  /// Bytes, because nothing said otherwise.
  bool isGuessed() const { return guessed; }
  const std::string &path() const { return file.path(); }

  /// Reads tokens [begin, begin + n) as i32; what is below 0 or above i32
  /// becomes -1. Throws Error. Allocates nothing unless it fails.
  void read(uint64_t begin, uint64_t n, int32_t *out) const;

  /// A hash of the size and of pieces of the content: ranks that read
  /// different files notice it at start.
  uint64_t fingerprint() const;

  /// Throws Error if the file has other content than when it was opened, as far
  /// as its size, its time and its fingerprint tell. Cheap.
  void checkUnchanged();

private:
  void checkContainer() const;

  InputFile file;
  uint64_t begin = 0; // of the tokens, in the file
  uint64_t count = 0;
  int width = 1; // bytes of a token
  bool isSigned = false, isNumpyArray = false, guessed = false;
  uint64_t atStart = 0; // the fingerprint
};

} // namespace pprt

#endif // PPRT_TOKENFILE_H
