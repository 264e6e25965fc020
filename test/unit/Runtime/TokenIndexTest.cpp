#include "TokenIndex.h"

#include "Allocations.h"
#include "Support.h"
#include "TokenFile.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

using namespace pprt;

namespace {
/// A data set as Megatron writes it, of which each part can be made wrong.
struct Megatron {
  std::vector<int32_t> lengths;
  std::vector<int64_t> pointers, documents;
  std::string modes, tokens;
  uint64_t version = 1, sequences = 0, documentCount = 0;
  char type = 8;

  template <typename T> static std::string bytesOf(const T *from, size_t n) {
    return {reinterpret_cast<const char *>(from), n * sizeof(T)};
  }
  std::string index() const {
    std::string result("MMIDIDX\0\0", 9);
    result += bytesOf(&version, 1) + type + bytesOf(&sequences, 1) +
              bytesOf(&documentCount, 1);
    result += bytesOf(lengths.data(), lengths.size());
    result += bytesOf(pointers.data(), pointers.size());
    return result + bytesOf(documents.data(), documents.size()) + modes;
  }
  /// Writes both; returns what their names have in common.
  std::string write(const TemporaryDirectory &directory,
                    const std::string &name) const {
    directory.write(name + ".bin", tokens);
    directory.write(name + ".idx", index());
    return directory.file(name);
  }
};
} // namespace

/// `documents` of sequences of words of 16 bits, in the order of the file.
static Megatron
makeSet(const std::vector<std::vector<std::vector<uint16_t>>> &documents) {
  Megatron set;
  set.documents.push_back(0);
  for (const auto &document : documents) {
    for (const auto &sequence : document) {
      set.lengths.push_back(int32_t(sequence.size()));
      set.pointers.push_back(int64_t(set.tokens.size()));
      set.tokens += Megatron::bytesOf(sequence.data(), sequence.size());
    }
    set.documents.push_back(int64_t(set.lengths.size()));
  }
  set.sequences = set.lengths.size();
  set.documentCount = set.documents.size();
  return set;
}

static Megatron small() { return makeSet({{{1, 2, 3}, {4}}, {{5, 6}}}); }

static std::vector<int32_t> allTokens(const TokenFile &file) {
  std::vector<int32_t> tokens(file.tokens());
  file.read(0, tokens.size(), tokens.data());
  return tokens;
}

TEST(TokenIndex, ByAnyOfItsNames) {
  TemporaryDirectory directory;
  const std::string name = small().write(directory, "set");
  for (const char *end : {"", ".bin", ".idx"}) {
    TokenFile file(name + end, TokenFormat::Auto);
    EXPECT_EQ(file.formatName(), "u16");
    EXPECT_EQ(file.path(), name + ".bin");
    EXPECT_EQ(allTokens(file), (std::vector<int32_t>{1, 2, 3, 4, 5, 6}));
    EXPECT_TRUE(file.hasIndex());
    EXPECT_FALSE(file.isGuessed());
  }
  EXPECT_EQ(TokenFile(name, TokenFormat::U16).tokens(), 6u);
  EXPECT_ERROR(TokenFile(name, TokenFormat::U32), "leave the option away");
  TokenFile raw(name + ".bin", TokenFormat::Bytes);
  EXPECT_EQ(raw.tokens(), 12u);
  EXPECT_FALSE(raw.knowsDocuments());
}

TEST(TokenIndex, FilesThatAreMissing) {
  TemporaryDirectory directory;
  const std::string name = small().write(directory, "set");
  std::filesystem::remove(name + ".bin");
  EXPECT_ERROR(TokenFile(name, TokenFormat::Auto),
               "cannot open the data file '" + name + ".bin'");
  EXPECT_ERROR(TokenFile(name + ".idx", TokenFormat::Auto), "set.bin'");
  small().write(directory, "set");
  std::filesystem::remove(name + ".idx");
  EXPECT_ERROR(TokenFile(name, TokenFormat::Auto), "cannot open");
  EXPECT_ERROR(TokenFile(name + ".idx", TokenFormat::Auto),
               "cannot open the index file '" + name + ".idx'");
  EXPECT_ERROR(TokenFile(name + ".bin", TokenFormat::Auto), "--token-format");
}

TEST(TokenIndex, EveryTypeOfToken) {
  TemporaryDirectory directory;
  const struct {
    char type;
    int width;
    const char *name;
    bool isSigned;
  } types[] = {{1, 1, "u8", false}, {2, 1, "i8", true},  {3, 2, "i16", true},
               {4, 4, "i32", true}, {5, 8, "i64", true}, {8, 2, "u16", false}};
  for (const auto &type : types) {
    Megatron set;
    set.type = type.type;
    set.lengths = {3};
    set.pointers = {0};
    set.documents = {0, 1};
    set.sequences = 1;
    set.documentCount = 2;
    const int64_t values[] = {7, 100, -1};
    for (int64_t value : values)
      set.tokens.append(reinterpret_cast<const char *>(&value),
                        size_t(type.width));
    TokenFile file(set.write(directory, "set"), TokenFormat::Auto);
    EXPECT_EQ(file.formatName(), type.name);
    const int32_t last = type.isSigned ? -1 : type.width == 1 ? 255 : 65535;
    EXPECT_EQ(allTokens(file), (std::vector<int32_t>{7, 100, last}));
  }
}

// Sequences of random lengths, some empty, in any order in the file, and
// documents of any number of them, against lists.
TEST(TokenIndex, RandomSets) {
  TemporaryDirectory directory;
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::vector<std::vector<uint16_t>>> documents(1 +
                                                              random() % 20);
    for (auto &document : documents) {
      document.resize(random() % 6);
      for (auto &sequence : document) {
        sequence.resize(random() % (round % 3 ? 5 : 3000));
        for (uint16_t &token : sequence)
          token = uint16_t(random());
      }
    }
    documents[0].push_back({1});
    Megatron set = makeSet(documents);
    std::vector<int32_t> tokens;
    std::vector<bool> begins;
    for (const auto &document : documents) {
      const size_t begin = tokens.size();
      for (const auto &sequence : document)
        tokens.insert(tokens.end(), sequence.begin(), sequence.end());
      begins.resize(tokens.size());
      if (tokens.size() > begin)
        begins[begin] = true;
    }
    if (round % 2) { // another order in the file
      std::vector<size_t> order(set.lengths.size());
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random);
      std::string shuffled;
      for (size_t i : order) {
        const size_t at = shuffled.size();
        shuffled += set.tokens.substr(size_t(set.pointers[i]),
                                      2 * size_t(set.lengths[i]));
        set.pointers[i] = int64_t(at);
      }
      set.tokens = shuffled;
    }
    if (round % 5 == 0)
      set.modes.assign(set.lengths.size(), 0);
    TokenFile file(set.write(directory, "set"), TokenFormat::Auto);
    ASSERT_EQ(allTokens(file), tokens);
    for (int look = 0; look < 200; ++look) {
      const size_t begin = random() % tokens.size();
      const size_t n = 1 + random() % std::min<size_t>(tokens.size() - begin,
                                                       look % 2 ? 8 : 5000);
      std::vector<int32_t> window(n);
      file.read(begin, n, window.data());
      ASSERT_TRUE(std::equal(window.begin(), window.end(),
                             tokens.begin() + long(begin)));
      auto borders = std::make_unique<bool[]>(n);
      file.markDocuments(begin, n, window.data(), borders.get());
      for (size_t i = 1; i < n; ++i)
        ASSERT_EQ(borders[i], begins[begin + i]) << begin << " " << i;
    }
  }
}

// More sequences and documents than the tables have entries.
TEST(TokenIndex, ManySequences) {
  TemporaryDirectory directory;
  std::mt19937 random(2);
  Megatron set;
  std::vector<size_t> starts, documentStarts;
  size_t count = 0;
  set.documents = {0};
  for (int i = 0; i < 300000; ++i) {
    const int32_t length = int32_t(random() % 3);
    set.lengths.push_back(length);
    set.pointers.push_back(int64_t(2 * count));
    starts.push_back(count);
    count += size_t(length);
    if (i % 2 == 0)
      set.documents.push_back(i + 1);
  }
  set.documents.push_back(300000);
  std::vector<uint16_t> tokens(count);
  for (uint16_t &token : tokens)
    token = uint16_t(random());
  set.tokens = Megatron::bytesOf(tokens.data(), count);
  set.sequences = set.lengths.size();
  set.documentCount = set.documents.size();
  std::vector<bool> begins(count + 1);
  for (int64_t first : set.documents)
    if (size_t(first) < starts.size())
      begins[starts[size_t(first)]] = true;
  TokenFile file(set.write(directory, "set"), TokenFormat::Auto);
  ASSERT_EQ(file.tokens(), count);
  bool borders[64];
  int32_t window[64];
  for (int look = 0; look < 3000; ++look) {
    const size_t begin = random() % (count - 64);
    file.read(begin, 64, window);
    file.markDocuments(begin, 64, window, borders);
    for (size_t i = 0; i < 64; ++i) {
      ASSERT_EQ(window[i], tokens[begin + i]);
      if (i > 0)
        ASSERT_EQ(borders[i], begins[begin + i]);
    }
  }
}

TEST(TokenIndex, BrokenIndices) {
  TemporaryDirectory directory;
  auto message = [&](auto change) {
    Megatron set = small();
    change(set);
    const std::string name = set.write(directory, "set");
    return errorOf([&] { TokenFile(name + ".idx", TokenFormat::Auto); });
  };
  auto expect = [&](const char *part, auto change) {
    const std::string found = message(change);
    EXPECT_NE(found.find(part), std::string::npos) << found;
  };
  EXPECT_EQ(message([](Megatron &) {}), "");
  expect("found version 2", [](Megatron &s) { s.version = 2; });
  expect("type 7 (floating point)", [](Megatron &s) { s.type = 7; });
  expect("type 0", [](Megatron &s) { s.type = 0; });
  expect("expected more for its 4 sequences",
         [](Megatron &s) { s.sequences = 4; });
  expect("expected more", [](Megatron &s) { s.sequences = UINT64_MAX; });
  expect("expected more", [](Megatron &s) { s.documentCount = UINT64_MAX; });
  expect("expected more",
         [](Megatron &s) { s.sequences = s.documentCount = UINT64_MAX; });
  expect("expected less for its 2 sequences",
         [](Megatron &s) { s.sequences = 2; });
  expect("sequence 1 with -1 tokens", [](Megatron &s) { s.lengths[1] = -1; });
  expect("sequence 1 with bytes 6 to 20",
         [](Megatron &s) { s.lengths[1] = 7; });
  expect("bytes 0 to 4294967294",
         [](Megatron &s) { s.lengths[0] = INT32_MAX; });
  expect("sequence 2 with tokens from byte -2",
         [](Megatron &s) { s.pointers[2] = -2; });
  expect("from byte 7 on", [](Megatron &s) { s.pointers[1] = 7; });
  expect("bytes 9223372036854775806 to 9223372036854775808",
         [](Megatron &s) { s.pointers[1] = INT64_MAX - 1; });
  expect("expected at most the 10 bytes",
         [](Megatron &s) { s.tokens.resize(10); });
  expect("found document 0 that begins with sequence 1",
         [](Megatron &s) { s.documents[0] = 1; });
  expect("document 1 that begins with sequence -1",
         [](Megatron &s) { s.documents[1] = -1; });
  expect("document 1 that begins with sequence 4",
         [](Megatron &s) { s.documents[1] = 4; });
  expect("found documents of 2 sequences", [](Megatron &s) {
    s.documents.pop_back();
    --s.documentCount;
  });
  expect("found documents of 0 sequences", [](Megatron &s) {
    s.documents.clear();
    s.documentCount = 0;
  });
  expect("sequence 1 of mode 1",
         [](Megatron &s) { s.modes = std::string("\0\1\0", 3); });
  for (size_t bytes : {0u, 5u, 9u, 33u, 34u, 60u}) {
    directory.write("cut.bin", small().tokens);
    directory.write("cut.idx", small().index().substr(0, bytes));
    EXPECT_NE(errorOf([&] {
                TokenFile(directory.file("cut.idx"), TokenFormat::Auto);
              }),
              "");
  }
  directory.write("cut.idx", "no index at all");
  EXPECT_ERROR(TokenFile(directory.file("cut.idx"), TokenFormat::Auto),
               "expected Megatron's MMIDIDX");
}

TEST(TokenIndex, FingerprintCoversTheIndex) {
  TemporaryDirectory directory;
  Megatron set = small();
  const std::string name = set.write(directory, "set");
  TokenFile file(name, TokenFormat::Auto);
  std::swap(set.pointers[1], set.pointers[2]);
  set.lengths = {3, 2, 1};
  std::swap(set.pointers[1], set.pointers[2]);
  directory.write("other.bin", set.tokens);
  directory.write("other.idx", set.index());
  EXPECT_NE(
      file.fingerprint(),
      TokenFile(directory.file("other"), TokenFormat::Auto).fingerprint());
  file.checkUnchanged();
  directory.write("set.idx", set.index());
  EXPECT_ERROR(file.checkUnchanged(), "set.bin' or its index");
}

TEST(TokenIndex, ReadsAllocateNothing) {
  if (!canCountAllocations())
    GTEST_SKIP() << "sanitizers bring their own malloc";
  TemporaryDirectory directory;
  Megatron set = small();
  std::reverse(set.pointers.begin(), set.pointers.end());
  set.lengths = {1, 1, 3};
  TokenFile file(set.write(directory, "set"), TokenFormat::Auto);
  int32_t window[5];
  bool borders[5];
  const AllocationCounts before = allocationCounts();
  countAllocations(true);
  file.read(0, 5, window);
  file.markDocuments(0, 5, window, borders);
  file.checkUnchanged();
  countAllocations(false);
  EXPECT_EQ(allocationCounts().program, before.program);
  EXPECT_EQ(allocationCounts().libraries, before.libraries);
}
