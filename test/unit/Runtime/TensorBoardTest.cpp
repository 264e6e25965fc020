#include "TensorBoard.h"

#include "Support.h"

#include <csignal>
#include <cstring>
#include <limits>
#include <map>
#include <sys/resource.h>
#include <vector>

using namespace pprt;

namespace {
/// Fields of a message: number -> values, integers as their bytes.
using Fields = std::multimap<int, std::string>;

uint64_t littleEndian(const std::string &bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

template <typename T> T as(const std::string &bytes) {
  T value;
  EXPECT_EQ(bytes.size(), sizeof value);
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Fields readMessage(const std::string &text) {
  Fields fields;
  size_t at = 0;
  auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(text.at(at++));
      value |= uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80)
        return value;
    }
  };
  while (at < text.size()) {
    const uint64_t key = varint();
    std::string value;
    if ((key & 7) == 0) {
      const uint64_t number = varint();
      value.assign(reinterpret_cast<const char *>(&number), 8);
    } else {
      const size_t length = (key & 7) == 1   ? 8
                            : (key & 7) == 5 ? 4
                                             : size_t(varint());
      value = text.substr(at, length);
      EXPECT_EQ(value.size(), length);
      at += length;
    }
    fields.emplace(int(key >> 3), value);
  }
  return fields;
}

/// The events of a file, whose sums are checked bit by bit.
std::vector<Fields> readFileOfEvents(const std::string &path) {
  const std::string text = readFile(path);
  std::vector<Fields> events;
  auto sum = [](const std::string &data) {
    // Not by a table, as it is written.
    uint32_t crc = ~0u;
    for (unsigned char byte : data)
      for (int bit = 0; bit < 8; ++bit) {
        const bool isOdd = (crc ^ (byte >> bit)) & 1;
        crc = (crc >> 1) ^ (isOdd ? 0x82f63b78u : 0u);
      }
    crc = ~crc;
    return uint64_t(uint32_t(((crc >> 15) | (crc << 17)) + 0xa282ead8u));
  };
  for (size_t at = 0; at < text.size();) {
    const uint64_t length = littleEndian(text.substr(at, 8));
    const std::string data = text.substr(at + 12, length);
    EXPECT_EQ(data.size(), length);
    EXPECT_EQ(littleEndian(text.substr(at + 8, 4)), sum(text.substr(at, 8)));
    EXPECT_EQ(littleEndian(text.substr(at + 12 + length, 4)), sum(data));
    events.push_back(readMessage(data));
    at += 16 + length;
  }
  return events;
}

StepResult resultOf(int64_t step, double loss) {
  StepResult result;
  result.step = step;
  result.loss = loss;
  result.gradientNorm = 0.25;
  result.learningRate = 3e-4;
  result.tokensPerSecond = 12345;
  return result;
}
} // namespace

TEST(TensorBoard, ChecksumsAreThoseOfTheStandard) {
  // RFC 3720, B.4.
  const std::string zeros(32, '\0'), ones(32, '\xff');
  EXPECT_EQ(crc32c(zeros.data(), 32), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones.data(), 32), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);
  EXPECT_EQ(crc32c("", 0), 0u);
}

TEST(TensorBoard, WritesScalarsOfSteps) {
  TemporaryDirectory directory;
  TensorBoard board(directory.file("a/b"));
  board.write(resultOf(700, 2.5));
  board.write(resultOf(701, std::numeric_limits<double>::quiet_NaN()));
  const std::vector<Fields> events = readFileOfEvents(board.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].find(3)->second, "brain.Event:2");
  // START, from which on older files do not count.
  EXPECT_EQ(littleEndian(events[1].find(2)->second), 700u);
  EXPECT_EQ(
      littleEndian(readMessage(events[1].find(7)->second).find(1)->second), 1u);
  std::vector<std::map<std::string, float>> scalars;
  for (size_t i : {2, 3}) {
    EXPECT_EQ(littleEndian(events[i].find(2)->second), 698 + i);
    EXPECT_GT(as<double>(events[i].find(1)->second), 1.7e9);
    scalars.emplace_back();
    Fields summary = readMessage(events[i].find(5)->second);
    for (auto &[field, text] : summary) {
      EXPECT_EQ(field, 1);
      const Fields value = readMessage(text);
      scalars.back()[value.find(1)->second] = as<float>(value.find(2)->second);
    }
  }
  const std::map<std::string, float> others = {
      {"train/grad_norm", 0.25f},
      {"train/learning_rate", 3e-4f},
      {"train/tokens_per_second", 12345.0f}};
  EXPECT_EQ(scalars[1], others);
  auto all = others;
  all["train/loss"] = 2.5f;
  EXPECT_EQ(scalars[0], all);
}

TEST(TensorBoard, LeavesNoFileWithoutSteps) {
  TemporaryDirectory directory;
  { TensorBoard board(directory.file("runs")); }
  EXPECT_TRUE(std::filesystem::is_empty(directory.file("runs")));
  // Two within a second have two files.
  TensorBoard first(directory.file("runs")), second(directory.file("runs"));
  first.write(resultOf(0, 1));
  second.write(resultOf(0, 1));
  EXPECT_NE(first.path(), second.path());
  TensorBoard none("");
  none.write(resultOf(0, 1));
  EXPECT_EQ(none.path(), "");
}

TEST(TensorBoard, SaysWhatItCannotWrite) {
  TemporaryDirectory directory;
  const std::string file = directory.write("file", "");
  EXPECT_ERROR(TensorBoard(file + "/runs"), "cannot make the directory");
  EXPECT_ERROR(TensorBoard{file}, "give --tensorboard another");
  // A file that may not grow, as on a full disk: whole records stay.
  TensorBoard board(directory.file("runs"));
  board.write(resultOf(0, 1));
  const size_t whole = readFile(board.path()).size();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = whole + 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::string error = errorOf([&] { board.write(resultOf(1, 1)); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(error.find("cannot write the event file"), std::string::npos);
  EXPECT_EQ(readFile(board.path()).size(), whole);
  board.write(resultOf(1, 1));
  EXPECT_EQ(readFileOfEvents(board.path()).size(), 4u);
}
