//===- TokenFile.h - A file of tokens -------------------------------------===//
//
// Formats: bytes (any file), and little-endian words of 16 or 32 bits, plain
// (as nanoGPT has them) or after the header of llm.c's files: 256 int32 (magic,
// version, number of tokens, zeros), where magic 20240520 version 1 means u16
// and magic 20240801 version 7 means u32; arrays of whole numbers that numpy
// has saved (.npy); and Megatron's pairs of NAME.idx and NAME.bin.
//
// Where documents begin is known from Megatron's index; in other files by a
// token that ends or begins each. llm.c's begin with the end-of-text token of
// their tokenizer.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TOKENFILE_H
#define PPRT_TOKENFILE_H

#include "InputFile.h"
#include "TokenIndex.h"

#include <optional>
#include <string>

namespace pprt {

/// What a file of tokens looks like. Auto: Megatron's index, llm.c's header or
/// numpy's if there is one, otherwise bytes, except for .bin files, whose words
/// only the user knows, and files that are known to be no text.
enum class TokenFormat { Auto, Bytes, U16, U32 };

/// Tokens between documents, -1 for none: the last token of each, or the first.
struct DocumentTokens {
  int64_t end = -1, begin = -1;
};

class TokenFile {
public:
  /// Opens the file; throws Error if it is missing, truncated or unclear.
  /// `path` is that of a file, or what Megatron's NAME.idx and NAME.bin have in
  /// common, or one of these. `documents` counts where the file does not tell
  /// by an index.
  TokenFile(const std::string &path, TokenFormat format,
            DocumentTokens documents = {});

  uint64_t tokens() const { return count; }
  /// "bytes", "u16" or "u32"; "u8" to "i64" of numpy and Megatron.
  std::string formatName() const;
  /// Bytes, because nothing said otherwise.
  bool isGuessed() const { return guessed; }
  /// Of the file that has the tokens.
  const std::string &path() const { return file.path(); }

  /// Reads tokens [begin, begin + n) as i32; what is below 0 or above i32
  /// becomes -1. Throws Error. Allocates nothing unless it fails.
  void read(uint64_t begin, uint64_t n, int32_t *out) const;

  bool knowsDocuments() const {
    return index || documents.end >= 0 || documents.begin >= 0;
  }
  /// How: "by its index", "that end with token 50256".
  std::string documentsName() const;
  /// Whether documents are known by an index.
  bool hasIndex() const { return bool(index); }
  /// Sets borders[i] where the document of token begin + i is not that of the
  /// token before it, else clears it, for i from 1 up to n - 1; `tokens` are
  /// those of `read`. Throws Error. Allocates nothing unless it fails.
  void markDocuments(uint64_t begin, uint64_t n, const int32_t *tokens,
                     bool *borders) const;

  /// A hash of the sizes and of pieces of the content, that of an index
  /// included: ranks that read different files notice it at start.
  uint64_t fingerprint() const;

  /// Throws Error if the file has other content than when it was opened, as far
  /// as its size, its time and its fingerprint tell. Cheap.
  void checkUnchanged();

private:
  void checkContainer() const;
  void openPlain(TokenFormat format);
  void openIndex(const std::string &indexPath, TokenFormat format);
  void readRun(uint64_t offset, uint64_t n, int32_t *out) const;

  InputFile file;
  std::optional<TokenIndex> index;
  DocumentTokens documents;
  uint64_t begin = 0; // of the tokens, in the file
  uint64_t count = 0;
  int width = 1; // bytes of a token
  bool isSigned = false, isNumpyArray = false, guessed = false;
  uint64_t atStart = 0; // the fingerprint
};

} // namespace pprt

#endif // PPRT_TOKENFILE_H
