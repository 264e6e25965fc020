//===- Support.h - What several tests of the runtime need -----------------===//
#ifndef PPRT_UNITTEST_SUPPORT_H
#define PPRT_UNITTEST_SUPPORT_H

#include "Description.h"
#include "Error.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <unistd.h>

namespace pprt {

/// A directory that goes away with the test.
class TemporaryDirectory {
public:
  TemporaryDirectory()
      : TemporaryDirectory(std::filesystem::temp_directory_path().string()) {}
  explicit TemporaryDirectory(const std::string &parent) {
    std::string pattern =
        (std::filesystem::path(parent) / "pprt-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::string file(const std::string &name) const {
    return (path / name).string();
  }
  std::string write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
    return file(name);
  }
  size_t count() const {
    size_t files = 0;
    for (auto &entry : std::filesystem::directory_iterator(path))
      files += entry.exists();
    return files;
  }

private:
  std::filesystem::path path;
};

/// Where files are in memory, if there is such a place: tests that flush many
/// need not wait for a disk.
inline std::string memoryPath() {
  return access("/dev/shm", W_OK | X_OK) == 0
             ? "/dev/shm"
             : std::filesystem::temp_directory_path().string();
}

inline std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A stage on each of `count` ranks.
inline void setPipe(Description &d, int count) {
  d.mesh = Mesh({{"pipe", count}});
  d.stages = count;
  d.programs.resize(size_t(count));
  for (int stage = 0; stage < count; ++stage)
    d.placement.push_back(stage);
  d.hasEmptyInputGradient.resize(size_t(count));
}

/// The message of the Error that `action` throws, empty if it throws none.
template <typename F> std::string errorOf(F action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

#define EXPECT_ERROR(action, part)                                             \
  EXPECT_NE(pprt::errorOf([&] { action; }).find(part), std::string::npos)      \
      << "message: '" << pprt::errorOf([&] { action; }) << "'"

} // namespace pprt

#endif // PPRT_UNITTEST_SUPPORT_H
