//===- Library.h - Shared libraries that are loaded at run time -----------===//
//
// Programs start without CUDA: what they need of it is opened when a device is
// asked for, and what is missing is an error that says how to get it. After the
// loader's own places (LD_LIBRARY_PATH) come the folders of PPRT_CUDA_PATH or,
// where that is not set, those of CUDA's installers and of Python's wheels.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_LIBRARY_H
#define PPRT_GPU_LIBRARY_H

#include <string>
#include <vector>

namespace pprt {

class Library {
public:
  /// Opens the first of `names` that is there; throws Error, which names
  /// `product` and ends with `remedy`. `before` are libraries that it opens
  /// itself, by name alone: they are found then wherever they lie.
  Library(std::string product, const std::vector<const char *> &names,
          std::string remedy, const std::vector<const char *> &before = {});

  /// The address of a symbol; throws Error if the library is too old for it.
  void *symbol(const char *name) const;
  const std::string &name() const { return opened; }

private:
  std::string product, remedy, opened;
  void *handle = nullptr; // stays open: its code may run until the end
};

} // namespace pprt

/// For tables of functions: a member of the type and a line that fills it.
#define PPRT_FUNCTION_MEMBER(RESULT, NAME, SYMBOL, ...)                        \
  RESULT (*NAME)(__VA_ARGS__) = nullptr;
#define PPRT_FUNCTION_LOAD(RESULT, NAME, SYMBOL, ...)                          \
  NAME = reinterpret_cast<RESULT (*)(__VA_ARGS__)>(library.symbol(SYMBOL));

#endif // PPRT_GPU_LIBRARY_H
