//===- token_file.cpp - Files of tokens, of any bytes ---------------------===//
//
// An input is a byte for the format and the name of the file, then the file;
// for Megatron's pairs, the length of the index, the index, and the tokens.
// What can be opened must be read in one piece as in many, and its documents
// must not depend on where a window begins.
//
//===----------------------------------------------------------------------===//
#include "FuzzFiles.h"

#include "Error.h"
#include "TokenFile.h"

#include <algorithm>
#include <memory>

using namespace pp::fuzz;
using namespace pprt;

/// Reads the window [begin, begin + length) at once and in two halves.
static void readWindow(const TokenFile &file, uint64_t begin, uint64_t length) {
  std::vector<int32_t> whole(length), halves(length);
  file.read(begin, length, whole.data());
  const uint64_t half = length / 2;
  file.read(begin, half, halves.data());
  file.read(begin + half, length - half, halves.data() + half);
  require(whole == halves, "a window is its halves");
  for (int32_t token : whole)
    require(token >= -1, "tokens are ids, or -1");
  if (!file.knowsDocuments())
    return;
  auto borders = std::make_unique<bool[]>(length);
  auto again = std::make_unique<bool[]>(length);
  file.markDocuments(begin, length, whole.data(), borders.get());
  // Each but the first one of a window is known in any other.
  for (uint64_t i = 1; i < std::min<uint64_t>(length, 9); ++i) {
    file.markDocuments(begin + i - 1, length - i + 1, whole.data() + i - 1,
                       again.get());
    require(
        std::equal(borders.get() + i, borders.get() + length, again.get() + 1),
        "borders of documents do not depend on the window");
  }
}

static void readWindows(const TokenFile &file) {
  const uint64_t count = file.tokens();
  for (uint64_t length : {uint64_t(1), uint64_t(17), uint64_t(400)}) {
    if (length > count)
      break;
    const uint64_t last = count - length;
    for (uint64_t begin : {uint64_t(0), last / 3, last / 3 * 2, last})
      readWindow(file, begin, length);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes bytes(data, size);
  const uint64_t kind = bytes.number(1);
  const TokenFormat format = TokenFormat(kind % 4);
  const DocumentTokens tokens[] = {{-1, -1}, {0, -1}, {-1, 1}};
  Directory &directory = Directory::get();
  const char *const names[] = {"data", "data.bin", "data.npy", "pair"};
  std::string path = names[kind / 4 % 4];
  if (path == "pair") {
    const std::string index = bytes.take(bytes.number(2));
    directory.write("pair.idx", index);
    directory.write("pair.bin", bytes.take(bytes.size()));
    path = directory.file(kind & 64 ? "pair.bin" : "pair");
  } else {
    path = directory.write(path, bytes.take(bytes.size()));
  }
  try {
    TokenFile file(path, format, tokens[kind / 16 % 4 % 3]);
    readWindows(file);
    file.checkUnchanged();
    require(file.fingerprint() == file.fingerprint(), "equal fingerprints");
  } catch (const Error &) {
  }
  directory.clear();
  return 0;
}
