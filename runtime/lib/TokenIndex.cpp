#include "TokenIndex.h"

#include "Error.h"

#include <algorithm>
#include <cstring>

using namespace pprt;

static constexpr char indexMagic[9] = {'M', 'M', 'I', 'D', 'I', 'D', 'X', 0, 0};
static constexpr uint64_t indexHeaderBytes = 34;
/// Most entries of a table: 512 KiB each.
static constexpr uint64_t mostMarks = uint64_t(1) << 16;

bool pprt::isTokenIndex(const std::string &path) {
  try {
    InputFile file(path, "index file", "check --data");
    char begin[sizeof indexMagic];
    if (file.size() < sizeof begin)
      return false;
    file.read(0, begin, sizeof begin);
    return !std::memcmp(begin, indexMagic, sizeof indexMagic);
  } catch (const Error &) {
    return false;
  }
}

TokenIndex::TokenIndex(const std::string &path, const InputFile &tokenFile)
    : index(path, "index file", "check --data") {
  readHeader();
  checkSequences(tokenFile);
  checkDocuments();
}

/// Throws Error unless the file is exactly as long as its counts say.
void TokenIndex::readHeader() {
  const std::string &path = index.path();
  uint8_t header[indexHeaderBytes] = {};
  index.read(0, header, std::min(index.size(), indexHeaderBytes));
  if (index.size() < sizeof indexMagic ||
      std::memcmp(header, indexMagic, sizeof indexMagic))
    throw Error("found a file without the header of an index in '" + path +
                "', expected Megatron's MMIDIDX: give the tokens of another "
                "kind by their own name");
  if (index.size() < indexHeaderBytes)
    throw Error("found " + std::to_string(index.size()) +
                " bytes in the index file '" + path +
                "', expected a header of " + std::to_string(indexHeaderBytes) +
                ": the file is truncated");
  auto number = [&](size_t at) {
    uint64_t value;
    std::memcpy(&value, header + at, sizeof value);
    return value;
  };
  if (number(9) != 1)
    throw Error("found version " + std::to_string(number(9)) +
                " in the index file '" + path +
                "', expected 1: make the data set again");
  switch (const int type = header[17]) {
  case 1:
  case 2:
    tokenWidth = 1;
    break;
  case 3:
  case 8:
    tokenWidth = 2;
    break;
  case 4:
    tokenWidth = 4;
    break;
  case 5:
    tokenWidth = 8;
    break;
  default:
    throw Error("found numbers of type " + std::to_string(type) +
                (type == 6 || type == 7 ? " (floating point)" : "") +
                " in the index file '" + path +
                "', expected whole numbers (1 u8, 2 i8, 3 i16, 4 i32, 5 i64, 8 "
                "u16): make the data set again");
  }
  tokenIsSigned = header[17] != 1 && header[17] != 8;
  sequenceCount = number(18);
  documentCount = number(26);
  // Counts that are far too large must not overflow.
  const uint64_t rest = index.size() - indexHeaderBytes;
  const unsigned __int128 expected =
      (unsigned __int128)sequenceCount * (sizeof(int32_t) + sizeof(int64_t)) +
      (unsigned __int128)documentCount * sizeof(int64_t);
  const bool hasModes = expected + sequenceCount == rest && sequenceCount > 0;
  if (expected != rest && !hasModes)
    throw Error("found " + std::to_string(index.size()) +
                " bytes in the index file '" + path + "', expected " +
                (expected > rest ? "more" : "less") + " for its " +
                std::to_string(sequenceCount) + " sequences and " +
                std::to_string(documentCount) + " document indices: " +
                (expected > rest ? "the file is truncated"
                                 : "make the data set again"));
  lengthsAt = indexHeaderBytes;
  pointersAt = lengthsAt + sequenceCount * sizeof(int32_t);
  documentsAt = pointersAt + sequenceCount * sizeof(int64_t);
  if (hasModes)
    checkModes(documentsAt + documentCount * sizeof(int64_t));
}

/// Every sequence lies in the file of tokens; counts them.
void TokenIndex::checkSequences(const InputFile &tokenFile) {
  auto fail = [&](uint64_t sequence, const std::string &found,
                  const std::string &expected) {
    throw Error("found sequence " + std::to_string(sequence) + " with " +
                found + " in the index file '" + index.path() + "', expected " +
                expected +
                ": the files do not belong together, or are damaged");
  };
  const uint64_t width = uint64_t(tokenWidth), bytes = tokenFile.size();
  sequenceStride = (sequenceCount + mostMarks - 1) / mostMarks;
  sequenceMarks.reserve(std::min(sequenceCount, mostMarks));
  auto lengthOf = lengths();
  auto pointerOf = pointers();
  for (uint64_t sequence = 0; sequence < sequenceCount; ++sequence) {
    if (sequence % sequenceStride == 0)
      sequenceMarks.push_back(total);
    const int64_t length = lengthOf[sequence], pointer = pointerOf[sequence];
    if (length < 0)
      fail(sequence, std::to_string(length) + " tokens", "none or more");
    if (pointer < 0 || uint64_t(pointer) % width != 0)
      fail(sequence, "tokens from byte " + std::to_string(pointer) + " on",
           "a multiple of " + std::to_string(width));
    // No product is larger than 2^34, no sum larger than 2^63 + 2^34.
    if (uint64_t(pointer) + uint64_t(length) * width > bytes)
      fail(sequence,
           "bytes " + std::to_string(pointer) + " to " +
               std::to_string(uint64_t(pointer) + uint64_t(length) * width),
           "at most the " + std::to_string(bytes) + " bytes of '" +
               tokenFile.path() + "'");
    // Sequences may share tokens, so that their sum has no bound of its own.
    if (total + uint64_t(length) > uint64_t(INT64_MAX))
      fail(sequence, "more than 2^63 tokens up to its end", "fewer");
    total += uint64_t(length);
  }
}

/// The first sequences of documents ascend from 0 to the number of sequences.
void TokenIndex::checkDocuments() {
  documentStride = (documentCount + mostMarks - 1) / mostMarks;
  documentMarks.reserve(std::min(documentCount, mostMarks));
  auto firstOf = firstSequences();
  int64_t before = 0;
  for (uint64_t document = 0; document < documentCount; ++document) {
    const int64_t first = firstOf[document];
    if (first < before || uint64_t(first) > sequenceCount ||
        (document == 0 && first != 0))
      throw Error("found document " + std::to_string(document) +
                  " that begins with sequence " + std::to_string(first) +
                  " in the index file '" + index.path() + "', expected " +
                  (document == 0 ? "0"
                                 : std::to_string(before) + " to " +
                                       std::to_string(sequenceCount)) +
                  ": the file is damaged, make the data set again");
    if (document % documentStride == 0)
      documentMarks.push_back(uint64_t(first));
    before = first;
  }
  if (documentCount == 0 || uint64_t(before) != sequenceCount)
    throw Error("found documents of " + std::to_string(before) +
                " sequences in the index file '" + index.path() +
                "', expected all " + std::to_string(sequenceCount) +
                ": make the data set again, with the end of its last document");
}

/// Modes of sequences tell text (0) from what stands for images.
void TokenIndex::checkModes(uint64_t offset) const {
  Column<int8_t> modes(index, offset, sequenceCount);
  for (uint64_t sequence = 0; sequence < sequenceCount; ++sequence)
    if (modes[sequence] != 0)
      throw Error("found sequence " + std::to_string(sequence) + " of mode " +
                  std::to_string(int(modes[sequence])) +
                  " in the index file '" + index.path() +
                  "', expected text (mode 0): multimodal data sets are not "
                  "supported");
}

TokenIndex::Place TokenIndex::find(uint64_t begin) const {
  const size_t mark = size_t(std::upper_bound(sequenceMarks.begin(),
                                              sequenceMarks.end(), begin) -
                             sequenceMarks.begin()) -
                      1;
  Place place = {mark * sequenceStride, sequenceMarks[mark]};
  auto lengthOf = lengths();
  for (;; ++place.sequence) {
    const uint64_t end = place.tokens + uint64_t(lengthOf[place.sequence]);
    if (begin < end)
      return place;
    place.tokens = end;
  }
}

void TokenIndex::markDocuments(uint64_t begin, uint64_t n, bool *begins) const {
  std::fill_n(begins, n, false);
  if (n == 0)
    return;
  auto lengthOf = lengths();
  auto firstOf = firstSequences();
  // Empty sequences before token `begin` may be the first ones of its document.
  Place place = begin == 0 ? Place{0, 0} : find(begin - 1);
  uint64_t document =
      uint64_t(std::lower_bound(documentMarks.begin(), documentMarks.end(),
                                place.sequence) -
               documentMarks.begin());
  document = document == 0 ? 0 : (document - 1) * documentStride;
  for (; document < documentCount; ++document) {
    const uint64_t first = uint64_t(firstOf[document]);
    // Further to this document, or to the end of the window.
    while (place.sequence < first && place.tokens < begin + n)
      place.tokens += uint64_t(lengthOf[place.sequence++]);
    if (place.tokens >= begin + n)
      return;
    if (first == place.sequence && place.tokens >= begin)
      begins[place.tokens - begin] = true;
  }
}
