#include "TensorBoard.h"

#include "Error.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <unistd.h>
#include <utility>

using namespace pprt;

static std::array<uint32_t, 256> makeCrcTable() {
  std::array<uint32_t, 256> table;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}

uint32_t pprt::crc32c(const void *data, uint64_t bytes) {
  static const std::array<uint32_t, 256> table = makeCrcTable();
  uint32_t crc = ~0u;
  for (uint64_t i = 0; i < bytes; ++i)
    crc = (crc >> 8) ^
          table[(crc ^ static_cast<const unsigned char *>(data)[i]) & 0xff];
  return ~crc;
}

static void appendLittleEndian(std::string &to, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    to += char(value >> (8 * i) & 0xff);
}

static uint32_t maskedCrc(const std::string &data) {
  const uint32_t crc = crc32c(data.data(), data.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string pprt::tensorBoardRecord(const std::string &data) {
  std::string record;
  appendLittleEndian(record, data.size(), 8);
  appendLittleEndian(record, maskedCrc(record), 4);
  record += data;
  appendLittleEndian(record, maskedCrc(data), 4);
  return record;
}

//===----------------------------------------------------------------------===//
// Fields of protocol buffers: a key of number and wire type, then the value.
//===----------------------------------------------------------------------===//

static void appendVarint(std::string &to, uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    to += char(value | 0x80);
  to += char(value);
}

static void appendKey(std::string &to, int field, int wireType) {
  appendVarint(to, uint64_t(field) << 3 | uint64_t(wireType));
}

static void appendInteger(std::string &to, int field, int64_t value) {
  appendKey(to, field, 0);
  appendVarint(to, uint64_t(value));
}

static void appendDouble(std::string &to, int field, double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  appendKey(to, field, 1);
  appendLittleEndian(to, bits, 8);
}

static void appendFloat(std::string &to, int field, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  appendKey(to, field, 5);
  appendLittleEndian(to, bits, 4);
}

/// A string, or a message.
static void appendBytes(std::string &to, int field, const std::string &value) {
  appendKey(to, field, 2);
  appendVarint(to, value.size());
  to += value;
}

/// An Event with its time and step.
static std::string beginEvent(int64_t step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string event;
  appendDouble(event, 1, std::chrono::duration<double>(now).count());
  appendInteger(event, 2, step);
  return event;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// TensorBoard reads the files of a directory in the order of their names: the
/// seconds have ten digits until the year 2286.
static std::string nameFile(const std::string &directory) {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return (std::filesystem::path(directory) /
          ("events.out.tfevents." +
           std::to_string(
               std::chrono::duration_cast<std::chrono::seconds>(now).count()) +
           "." + host + "." + std::to_string(getpid())))
      .string();
}

TensorBoard::TensorBoard(const std::string &directory) {
  if (directory.empty())
    return;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    throw Error("cannot make the directory '" + directory +
                "': " + error.message() +
                ", expected one for TensorBoard: give --tensorboard another");
  // Several runs of one process may begin within a second.
  const std::string name = nameFile(directory);
  for (int number = 0; fd < 0; ++number) {
    file = name + "." + std::to_string(number);
    fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
              0666);
    if (fd < 0 && errno != EEXIST)
      throw Error("cannot create the event file '" + file +
                  "': " + systemError());
  }
}

TensorBoard::~TensorBoard() {
  if (fd < 0)
    return;
  close(fd);
  if (bytes == 0)
    unlink(file.c_str());
}

/// What a file begins with.
static std::string beginFile(int64_t firstStep) {
  std::string version = beginEvent(0), start = beginEvent(firstStep), log;
  appendBytes(version, 3, "brain.Event:2");
  appendInteger(log, 1, /*START=*/1);
  appendBytes(start, 7, log);
  return tensorBoardRecord(version) + tensorBoardRecord(start);
}

void TensorBoard::write(const StepResult &result) {
  if (fd < 0)
    return;
  const std::pair<const char *, double> scalars[] = {
      {"train/loss", result.loss},
      {"train/grad_norm", result.gradientNorm},
      {"train/learning_rate", result.learningRate},
      {"train/tokens_per_second", result.tokensPerSecond},
      {"eval/loss", result.evaluationLoss.value_or(NAN)}};
  std::string summary;
  for (const auto &[tag, number] : scalars) {
    if (!(std::abs(number) <= std::numeric_limits<float>::max()))
      continue;
    std::string value;
    appendBytes(value, 1, tag);
    appendFloat(value, 2, float(number));
    appendBytes(summary, 1, value);
  }
  std::string event = beginEvent(result.step);
  appendBytes(event, 5, summary);
  append((bytes == 0 ? beginFile(result.step) : "") + tensorBoardRecord(event));
}

void TensorBoard::append(const std::string &records) {
  for (size_t at = 0; at < records.size();) {
    const ssize_t written =
        ::write(fd, records.data() + at, records.size() - at);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0) {
      std::string error = systemError();
      // What stays are whole records.
      if (ftruncate(fd, off_t(bytes)) != 0)
        error += "; the last record may be incomplete";
      throw Error("cannot write the event file '" + file + "': " + error);
    }
    at += size_t(written);
  }
  bytes += records.size();
}
