#include "TokenFile.h"

#include "Support.h"

#include <fcntl.h>
#include <filesystem>
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
  EXPECT_EQ(file.formatName(), "bytes");
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
    EXPECT_EQ(file.formatName(), "u16");
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

/// A file as numpy.save writes it.
static std::string numpy(const std::string &header, const std::string &numbers,
                         int version = 1) {
  std::string text = header;
  const size_t begin = version == 1 ? 10 : 12;
  while ((begin + text.size() + 1) % 64)
    text += ' ';
  text += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += char(version);
  bytes += '\0';
  bytes += words({uint32_t(text.size())}, version == 1 ? 2 : 4);
  return bytes + text + numbers;
}
static std::string dictionary(const std::string &type, const std::string &shape,
                              const std::string &fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran +
         ", 'shape': " + shape + ", }";
}

TEST(TokenFile, ArraysOfNumpy) {
  TemporaryDirectory directory;
  struct {
    const char *type, *name;
    int width;
  } types[] = {{"|u1", "u8", 1},  {"|i1", "i8", 1},  {"<u2", "u16", 2},
               {"<i2", "i16", 2}, {"<u4", "u32", 4}, {"<i4", "i32", 4}};
  for (auto &[type, name, width] : types)
    for (int version : {1, 2, 3}) {
      TokenFile file(
          directory.write("a.npy", numpy(dictionary(type, "(3,)"),
                                         words({1, 100, 7}, width), version)),
          TokenFormat::Auto);
      EXPECT_EQ(file.formatName(), name);
      EXPECT_FALSE(file.isGuessed());
      EXPECT_EQ(all(file), (std::vector<int32_t>{1, 100, 7}));
    }
  // 64 bits, several dimensions, what is no token, an odd order of the keys.
  std::string wide = words({5, 0, 6, 1, 0xffffffff, 0xffffffff, 8, 0}, 4);
  TokenFile file(directory.write("b", numpy("{\"shape\": (2, 2), "
                                            "'fortran_order':False,"
                                            "'descr':'<i8'}",
                                            wide)),
                 TokenFormat::Auto);
  EXPECT_EQ(file.formatName(), "i64");
  EXPECT_EQ(all(file), (std::vector<int32_t>{5, -1, -1, 8}));
  EXPECT_EQ(all(TokenFile(
                directory.write("c", numpy(dictionary("<u8", "(4,)"), wide)),
                TokenFormat::Auto)),
            (std::vector<int32_t>{5, -1, -1, 8}));
  EXPECT_EQ(all(TokenFile(directory.write("d", numpy(dictionary("<u4", "()"),
                                                     words({9}, 4))),
                          TokenFormat::U32)),
            (std::vector<int32_t>{9}));
  // As bytes, if that is what is asked for.
  EXPECT_GT(TokenFile(directory.file("d"), TokenFormat::Bytes).tokens(), 60u);
  EXPECT_ERROR(TokenFile(directory.file("d"), TokenFormat::U16),
               "found a header of 32-bit tokens");
}

TEST(TokenFile, ArraysOfNumpyThatAreNoTokens) {
  TemporaryDirectory directory;
  auto open = [&](const std::string &bytes) {
    TokenFile(directory.write("a.npy", bytes), TokenFormat::Auto);
  };
  for (const char *type : {"<f4", "|b1", "|O", "<U5", "<c8", "<u3", "", "|S1"})
    EXPECT_ERROR(open(numpy(dictionary(type, "(3,)"), words({1, 2, 3}, 4))),
                 "found numbers of type '" + std::string(type) + "'");
  EXPECT_ERROR(open(numpy("{'descr': [('a', '<u2')], 'fortran_order': False, "
                          "'shape': (1,), }",
                          words({1}, 2))),
               "found numbers of type 'a structure'");
  EXPECT_ERROR(open(numpy(dictionary(">u2", "(1,)"), words({1}, 2))),
               "save array.astype('<u2')");
  EXPECT_ERROR(
      open(numpy(dictionary("<u2", "(2, 1)", "True"), words({1, 2}, 2))),
      "found an array in Fortran order");
  const std::string good =
      numpy(dictionary("<u2", "(3,)"), words({1, 2, 3}, 2));
  EXPECT_ERROR(open(good.substr(0, good.size() - 2)), "the file is truncated");
  EXPECT_ERROR(open(good.substr(0, 40)), "the file is truncated");
  EXPECT_ERROR(open(good.substr(0, 9)), "the file is truncated");
  EXPECT_ERROR(open(good + good), "save one array alone");
  EXPECT_ERROR(open(numpy(dictionary("<u2", "(99999999999, 99999999999)"),
                          words({1}, 2))),
               "the file is truncated");
  EXPECT_ERROR(open(numpy("{'descr': '<u2'}", "")), "cannot be read");
  EXPECT_ERROR(open(numpy("(1, 2)", "")), "cannot be read");
  EXPECT_ERROR(open(numpy("{'descr': '<u2', 'shape': (x,)}", "")),
               "cannot be read");
  EXPECT_ERROR(open(numpy(dictionary("<u2", "(0,)"), words({1}, 2))),
               "save one array alone");
  EXPECT_ERROR(open("\x93NUMPY\x09" + good.substr(7)), "found version 9");
}

TEST(TokenFile, FilesOfOtherKinds) {
  TemporaryDirectory directory;
  using Text = std::string;
  for (const auto &[begin, what] :
       {std::pair<Text, Text>{Text("PK\x03\x04", 4), "a zip archive"},
        {Text("\x1f\x8b\x08", 3), "gzip"},
        {Text("\x28\xb5\x2f\xfd", 4), "zstd"},
        {"PAR1", "a Parquet"},
        {"ARROW1", "an Arrow"},
        {"\x80\x04", "a pickle"},
        {"MMIDIDX", "the index of a Megatron data set, which has to be named"},
        {Text("\x20\0\0\0\0\0\0\0{\"", 10), "a safetensors"}}) {
    std::string path = directory.write("a.bin", begin + Text(100, 'x'));
    EXPECT_ERROR(TokenFile(path, TokenFormat::Auto), "found " + what);
    EXPECT_ERROR(TokenFile(path, TokenFormat::Auto), "--token-format bytes");
    EXPECT_EQ(TokenFile(path, TokenFormat::Bytes).tokens(), begin.size() + 100);
  }
  // Text that only begins so.
  EXPECT_TRUE(
      TokenFile(directory.write("a", "PAR"), TokenFormat::Auto).isGuessed());
  EXPECT_FALSE(TokenFile(directory.file("a"), TokenFormat::Bytes).isGuessed());
}

TEST(TokenFile, ThatIsCutIsAnError) {
  TemporaryDirectory directory;
  std::string path = directory.write("a", std::string(100000, 'x'));
  TokenFile file(path, TokenFormat::Auto);
  int32_t token;
  file.checkUnchanged();
  std::filesystem::resize_file(path, 5000);
  EXPECT_ERROR(file.read(90000, 1, &token),
               "found the data file '" + path + "' cut to 90000 bytes or less");
  EXPECT_ERROR(file.checkUnchanged(), "found the data file '" + path + "' cut");
  std::filesystem::resize_file(path, 0);
  EXPECT_ERROR(file.read(0, 1, &token), "leave it alone until the run ends");
}

TEST(TokenFile, OtherContentIsAnError) {
  TemporaryDirectory directory;
  std::string path = directory.write("a", std::string(100000, 'x'));
  TokenFile file(path, TokenFormat::Auto);
  auto touch = [&](time_t seconds) {
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  };
  // Another time alone is none.
  touch(1000);
  file.checkUnchanged();
  directory.write("a", std::string(100000, 'y'));
  touch(2000);
  EXPECT_ERROR(file.checkUnchanged(), "found other content in the data file '" +
                                          path + "' than at the start");
  // Written twice within what the system's clock for files tells apart.
  TokenFile fresh(path, TokenFormat::Auto);
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  touch(now.tv_sec);
  fresh.checkUnchanged();
  directory.write("a", std::string(100000, 'x'));
  touch(now.tv_sec);
  EXPECT_ERROR(fresh.checkUnchanged(), "found other content");
  directory.write("a", std::string(100000, 'y'));
  // A new file under the name is not the one that was opened.
  directory.write("b", std::string(100000, 'z'));
  TokenFile other(path, TokenFormat::Auto);
  std::filesystem::rename(directory.file("b"), path);
  other.checkUnchanged();
  int32_t token;
  other.read(7, 1, &token);
  EXPECT_EQ(token, 'y');
}

static std::vector<bool> bordersOf(const TokenFile &file) {
  const std::vector<int32_t> tokens = all(file);
  auto borders = std::make_unique<bool[]>(tokens.size());
  file.markDocuments(0, tokens.size(), tokens.data(), borders.get());
  return std::vector<bool>(borders.get() + 1, borders.get() + tokens.size());
}

TEST(TokenFile, DocumentsByTokens) {
  TemporaryDirectory directory;
  // nanoGPT's: the end of text behind each document.
  const std::string plain =
      directory.write("train.bin", words({5, 50256, 6, 7, 50256}, 2));
  EXPECT_FALSE(TokenFile(plain, TokenFormat::U16).knowsDocuments());
  TokenFile file(plain, TokenFormat::U16, {50256, -1});
  ASSERT_TRUE(file.knowsDocuments());
  EXPECT_EQ(bordersOf(file), (std::vector<bool>{0, 1, 0, 0}));
  // llm.c's: before each.
  const std::string gpt2 = directory.write(
      "a.bin", llmc(20240520, 1, 5, words({50256, 6, 7, 50256, 8}, 2)));
  TokenFile begins(gpt2, TokenFormat::Auto);
  ASSERT_TRUE(begins.knowsDocuments());
  EXPECT_EQ(begins.documentsName(), "that begin with token 50256");
  EXPECT_EQ(bordersOf(begins), (std::vector<bool>{0, 0, 1, 0}));
  // Unless something else is asked for.
  EXPECT_EQ(bordersOf(TokenFile(gpt2, TokenFormat::Auto, {7, -1})),
            (std::vector<bool>{0, 0, 1, 0}));
  EXPECT_EQ(bordersOf(TokenFile(gpt2, TokenFormat::Auto, {-1, 8})),
            (std::vector<bool>{0, 0, 0, 1}));
  const std::string llama = directory.write(
      "b.bin", llmc(20240801, 7, 3, words({128000, 6, 128000}, 4)));
  EXPECT_EQ(bordersOf(TokenFile(llama, TokenFormat::Auto)),
            (std::vector<bool>{0, 1}));
}
