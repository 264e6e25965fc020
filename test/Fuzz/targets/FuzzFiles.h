//===- FuzzFiles.h - Files of a fuzzer's bytes ------------------*- C++ -*-===//
//
// What reads files asks for their names. An input becomes files in memory, in
// one directory of the process, which is empty again for the next input.
//
//===----------------------------------------------------------------------===//
#ifndef PP_TEST_FUZZ_TARGETS_FUZZFILES_H
#define PP_TEST_FUZZ_TARGETS_FUZZFILES_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace pp::fuzz {

/// Takes an input apart, from its begin.
class Bytes {
public:
  Bytes(const uint8_t *data, size_t size) : data(data), left(size) {}

  size_t size() const { return left; }
  /// A number of `width` bytes; what is not there counts as 0.
  uint64_t number(unsigned width) {
    uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i)
      if (left > 0) {
        value |= uint64_t(*data++) << (8 * i);
        --left;
      }
    return value;
  }
  /// The next bytes, at most `count`.
  std::string take(size_t count) {
    count = count < left ? count : left;
    std::string result(reinterpret_cast<const char *>(data), count);
    data += count;
    left -= count;
    return result;
  }

private:
  const uint8_t *data;
  size_t left;
};

/// The directory of this process; it goes away with the process.
class Directory {
public:
  static Directory &get() {
    static Directory directory;
    return directory;
  }
  ~Directory() {
    clear();
    rmdir(path.c_str());
  }
  Directory(const Directory &) = delete;
  Directory &operator=(const Directory &) = delete;

  /// Writes a file and returns its path.
  std::string write(const std::string &name, const std::string &bytes) {
    const std::string file = this->file(name);
    const int descriptor =
        open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (descriptor < 0 ||
        ::write(descriptor, bytes.data(), bytes.size()) !=
            ssize_t(bytes.size()) ||
        close(descriptor) != 0) {
      std::perror(file.c_str());
      std::abort();
    }
    files.push_back(file);
    return file;
  }
  std::string file(const std::string &name) const { return path + "/" + name; }
  /// Removes all that has been written.
  void clear() {
    for (const std::string &file : files)
      unlink(file.c_str());
    files.clear();
  }

private:
  Directory() : path("/dev/shm/pp-fuzz-XXXXXX") {
    if (!mkdtemp(path.data())) {
      std::perror(path.c_str());
      std::abort();
    }
  }

  std::string path;
  std::vector<std::string> files;
};

/// Ends the process where something that must hold does not.
inline void require(bool holds, const char *what) {
  if (holds)
    return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

} // namespace pp::fuzz

#endif // PP_TEST_FUZZ_TARGETS_FUZZFILES_H
