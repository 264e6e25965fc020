#include "TokenFile.h"

#include "Support.h"

#include <sys/stat.h>

#include <cstring>

using namespace pprt;

static std::string words(const std::vector<uint32_t> &values, int width) {
  std::string bytes;
  for (uint32_t value : values)
    for (int i = 0; i < width; ++i)
      bytes += char(value >> (8 * i) & 0xff);
  return bytes;
}

/// A file as llm.c writes it.
static std::string llmc(uint32_t magic, uint32_t version, uint32_t count,
                        const std::string &tokens) {
  std::vector<uint32_t> header(256);
  header[0] = magic;
  header[1] = version;
  header[2] = count;
  return words(header, 4) + tokens;
}

static std::vector<int32_t> all(const TokenFile &file) {
  std::vector<int32_t> tokens(file.tokens());
  file.read(0, tokens.size(), tokens.data());
  return tokens;
}

TEST(TokenFile, AnyFileAsBytes) {
  TemporaryDirectory directory;
  TokenFile file(directory.write("text", std::string("a\xff\0b", 4)),
                 TokenFormat::Auto);
  EXPECT_STREQ(file.formatName(), "bytes");
  EXPECT_EQ(all(file), (std::vector<int32_t>{'a', 255, 0, 'b'}));
  int32_t one;
  file.read(1, 1, &one);
  EXPECT_EQ(one, 255);
}

TEST(TokenFile, WordsWithoutHeader) {
  TemporaryDirectory directory;
  std::string u16 = directory.write("a.bin", words({1, 65535, 3}, 2));
  EXPECT_EQ(all(TokenFile(u16, TokenFormat::U16)),
            (std::vector<int32_t>{1, 65535, 3}));
  std::string u32 = directory.write("b.bin", words({1, 128255, 0xffffffff}, 4));
  EXPECT_EQ(all(TokenFile(u32, TokenFormat::U32)),
            (std::vector<int32_t>{1, 128255, -1}));
  EXPECT_EQ(TokenFile(u16, TokenFormat::Bytes).tokens(), 6u);
  EXPECT_ERROR(TokenFile(u16, TokenFormat::Auto), "--token-format u16");
  EXPECT_ERROR(TokenFile(u16, TokenFormat::U32), "truncated");
}

TEST(TokenFile, HeaderOfLlmc) {
  TemporaryDirectory directory;
  std::string u16 =
      directory.write("a.bin", llmc(20240520, 1, 3, words({1, 2, 50256}, 2)));
  for (TokenFormat format : {TokenFormat::Auto, TokenFormat::U16}) {
    TokenFile file(u16, format);
    EXPECT_STREQ(file.formatName(), "u16");
    EXPECT_EQ(all(file), (std::vector<int32_t>{1, 2, 50256}));
  }
  std::string u32 =
      directory.write("b.bin", llmc(20240801, 7, 2, words({5, 128000}, 4)));
  EXPECT_EQ(all(TokenFile(u32, TokenFormat::Auto)),
            (std::vector<int32_t>{5, 128000}));
  EXPECT_ERROR(TokenFile(u32, TokenFormat::U16), "leave the option away");
}

TEST(TokenFile, BrokenFiles) {
  TemporaryDirectory directory;
  EXPECT_ERROR(TokenFile(directory.file("none"), TokenFormat::Auto),
               "cannot open the data file");
  EXPECT_ERROR(TokenFile(directory.file(""), TokenFormat::Auto),
               "not a regular file");
  EXPECT_ERROR(TokenFile(directory.write("empty", ""), TokenFormat::Auto),
               "empty data file");
  std::string whole = llmc(20240520, 1, 3, words({1, 2, 3}, 2));
  EXPECT_ERROR(
      TokenFile(directory.write("a", whole.substr(0, 100)), TokenFormat::Auto),
      "truncated header");
  EXPECT_ERROR(
      TokenFile(directory.write("b", whole.substr(0, 1028)), TokenFormat::Auto),
      "its header counts: the file is truncated");
  EXPECT_ERROR(
      TokenFile(directory.write("longer", whole + "ab"), TokenFormat::Auto),
      "its header counts: make the file again");
  // Opening a pipe without a writer waits for one.
  ASSERT_EQ(mkfifo(directory.file("pipe").c_str(), 0600), 0);
  EXPECT_ERROR(TokenFile(directory.file("pipe"), TokenFormat::Auto),
               "not a regular file");
  EXPECT_ERROR(
      TokenFile(directory.write("c", whole.substr(0, 1027)), TokenFormat::Auto),
      "expected a multiple of 2");
  EXPECT_ERROR(TokenFile(directory.write("d", llmc(20240520, 9, 0, "")),
                         TokenFormat::Auto),
               "found version 9");
}

TEST(TokenFile, FingerprintSeesContentAndSize) {
  TemporaryDirectory directory;
  std::string text(100000, 'x');
  uint64_t one =
      TokenFile(directory.write("a", text), TokenFormat::Auto).fingerprint();
  EXPECT_EQ(
      one,
      TokenFile(directory.write("b", text), TokenFormat::Auto).fingerprint());
  EXPECT_NE(one, TokenFile(directory.write("c", text + "x"), TokenFormat::Auto)
                     .fingerprint());
  text.back() = 'y';
  EXPECT_NE(
      one,
      TokenFile(directory.write("d", text), TokenFormat::Auto).fingerprint());
}
