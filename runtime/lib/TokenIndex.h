//===- TokenIndex.h - The index of a Megatron data set ----------*- C++ -*-===//
//
// Megatron-LM's IndexedDataset is two files: NAME.bin has tokens and nothing
// else, NAME.idx says which of them are a sequence, and which sequences are a
// document. Little-endian:
//
//   bytes        9  "MMIDIDX\0\0"
//   u64             version 1
//   u8              type of a token: 1 u8, 2 i8, 3 i16, 4 i32, 5 i64, 8 u16
//   u64          S  number of sequences
//   u64          D  number of documents + 1
//   i32[S]          tokens of each sequence
//   i64[S]          where each begins in NAME.bin, in bytes; in any order
//   i64[D]          the first sequence of each document, and S behind the last
//   i8[S]           modes, only in multimodal sets
//
// The tokens of the set are those of its sequences, in the order of the index.
// The index stays in the file: a table of bounded size has the position of
// every so many sequences, and what lies between is read when it is needed.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_TOKENINDEX_H
#define PPRT_TOKENINDEX_H

#include "InputFile.h"

#include <cstdint>
#include <vector>

namespace pprt {

/// Whether a file begins as an index does; false where it cannot be opened.
bool isTokenIndex(const std::string &path);

class TokenIndex {
public:
  /// Opens NAME.idx and checks every entry against the size of both files
  /// (`tokenBytes` is that of NAME.bin); throws Error. Reads the whole index
  /// once, in pieces.
  TokenIndex(const std::string &path, const InputFile &tokenFile);

  uint64_t tokens() const { return total; }
  uint64_t documents() const { return documentCount - 1; }
  int width() const { return tokenWidth; } ///< bytes of a token
  bool isSigned() const { return tokenIsSigned; }
  InputFile &file() { return index; }
  const InputFile &file() const { return index; }

  /// Tokens that lie in a row in NAME.bin.
  struct Run {
    uint64_t offset; ///< bytes from its begin
    uint64_t count;
  };
  /// Visits the runs that are tokens [begin, begin + n) of the set, in order.
  /// Allocates nothing.
  template <typename Visitor>
  void forEachRun(uint64_t begin, uint64_t n, Visitor visit) const;

  /// Sets begins[i] where token begin + i is the first one of a document, else
  /// clears it, for all i below n. Allocates nothing.
  void markDocuments(uint64_t begin, uint64_t n, bool *begins) const;

private:
  /// A column of the index, of which one piece at a time is in memory.
  template <typename T> class Column {
  public:
    Column(const InputFile &file, uint64_t offset, uint64_t count)
        : file(file), offset(offset), count(count) {}
    T operator[](uint64_t i) {
      if (i - first >= loaded) {
        first = i;
        loaded = count - i < capacity ? count - i : capacity;
        file.read(offset + i * sizeof(T), items, loaded * sizeof(T));
      }
      return items[i - first];
    }

  private:
    static constexpr uint64_t capacity = 4096 / sizeof(T);
    const InputFile &file;
    uint64_t offset, count;
    uint64_t first = 0, loaded = 0;
    T items[capacity];
  };

  /// A sequence, and how many tokens are before it.
  struct Place {
    uint64_t sequence, tokens;
  };
  /// The sequence in which token `begin` lies.
  Place find(uint64_t begin) const;

  Column<int32_t> lengths() const { return {index, lengthsAt, sequenceCount}; }
  Column<int64_t> pointers() const {
    return {index, pointersAt, sequenceCount};
  }
  Column<int64_t> firstSequences() const {
    return {index, documentsAt, documentCount};
  }
  void readHeader();
  void checkSequences(const InputFile &tokenFile);
  void checkDocuments();
  void checkModes(uint64_t offset) const;

  InputFile index;
  uint64_t sequenceCount = 0, documentCount = 0;
  int tokenWidth = 0;
  bool tokenIsSigned = false;
  uint64_t lengthsAt = 0, pointersAt = 0, documentsAt = 0; // in the file
  uint64_t total = 0;

  // Every so many sequences: tokens before it. And documents: its first one.
  uint64_t sequenceStride = 1, documentStride = 1;
  std::vector<uint64_t> sequenceMarks, documentMarks;
};

template <typename Visitor>
void TokenIndex::forEachRun(uint64_t begin, uint64_t n, Visitor visit) const {
  if (n == 0)
    return;
  auto lengthOf = lengths();
  auto pointerOf = pointers();
  Place place = find(begin);
  Run run = {0, 0};
  for (uint64_t skip = begin - place.tokens; n > 0; ++place.sequence) {
    const uint64_t length = uint64_t(lengthOf[place.sequence]);
    const uint64_t count = length - skip < n ? length - skip : n;
    const uint64_t offset =
        uint64_t(pointerOf[place.sequence]) + skip * uint64_t(tokenWidth);
    skip = 0;
    if (count == 0)
      continue;
    n -= count;
    if (offset == run.offset + run.count * uint64_t(tokenWidth)) {
      run.count += count;
      continue;
    }
    if (run.count > 0)
      visit(run);
    run = {offset, count};
  }
  if (run.count > 0)
    visit(run);
}

} // namespace pprt

#endif // PPRT_TOKENINDEX_H
