//===- Cudnn.h - cuDNN's backend API --------------------------------------===//
//
// Everything of cuDNN is a descriptor: it is created with a type, gets
// attributes, and is finalized, which is when the library checks it. What it
// takes part in refers to it, so descriptors live as long as what uses them.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_GPU_CUDNN_H
#define PPRT_GPU_CUDNN_H

#include "CudaTypes.h"
#include "CudnnTypes.h"
#include "Error.h"
#include "Library.h"

#include <string>
#include <utility>

#define PPRT_CUDNN_FUNCTIONS(F)                                                \
  F(size_t, version, "cudnnGetVersion", void)                                  \
  F(const char *, errorString, "cudnnGetErrorString", int)                     \
  F(void, lastError, "cudnnGetLastErrorString", char *, size_t)                \
  F(int, create, "cudnnCreate", CudnnHandle *)                                 \
  F(int, destroy, "cudnnDestroy", CudnnHandle)                                 \
  F(int, setStream, "cudnnSetStream", CudnnHandle, Stream)                     \
  F(int, createDescriptor, "cudnnBackendCreateDescriptor", int,                \
    BackendDescriptor *)                                                       \
  F(int, destroyDescriptor, "cudnnBackendDestroyDescriptor",                   \
    BackendDescriptor)                                                         \
  F(int, finalize, "cudnnBackendFinalize", BackendDescriptor)                  \
  F(int, setAttribute, "cudnnBackendSetAttribute", BackendDescriptor, int,     \
    int, int64_t, const void *)                                                \
  F(int, getAttribute, "cudnnBackendGetAttribute", BackendDescriptor, int,     \
    int, int64_t, int64_t *, void *)                                           \
  F(int, execute, "cudnnBackendExecute", CudnnHandle, BackendDescriptor,       \
    BackendDescriptor)

namespace pprt::cuda {

/// A status that is no success.
class CudnnError : public Error {
public:
  CudnnError(int status, const std::string &text)
      : Error(text), status(status) {}
  /// Whether the library only says that it does not do what was asked for.
  bool isRefusal() const {
    return (status >= cudnnBadParam && status < cudnnInternal) ||
           status == cudnnCompilationFailed || status == cudnnUnexpectedValue;
  }
  /// Whether a refusal is of what was asked for, so that it is the same each
  /// time, and not of something on this machine that may be mended.
  bool isLasting() const {
    return isRefusal() && status < cudnnInternal &&
           status != cudnnDriverIncompatible &&
           status != cudnnRuntimeIncompatible &&
           status != cudnnPrerequisiteMissing &&
           status != cudnnSublibraryUnavailable;
  }

private:
  int status;
};

struct CudnnLibrary {
  /// Opens libcudnn.so.9; throws Error.
  CudnnLibrary();

  PPRT_CUDNN_FUNCTIONS(PPRT_FUNCTION_MEMBER)

  /// Throws CudnnError, which names the call, unless `status` is success.
  void check(int status, const char *call) const;
};

class Descriptor {
public:
  /// Throws CudnnError, as all that follows.
  Descriptor(const CudnnLibrary &library, DescriptorType type);
  Descriptor(Descriptor &&other)
      : library(other.library), raw(std::exchange(other.raw, nullptr)) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor();

  template <typename T>
  void set(Attribute attribute, AttributeType type, int64_t count,
           const T *values) {
    library.check(library.setAttribute(raw, attribute, type, count, values),
                  "cudnnBackendSetAttribute");
  }
  template <typename T>
  void set(Attribute attribute, AttributeType type, const T &value) {
    set(attribute, type, 1, &value);
  }
  void set(Attribute attribute, const Descriptor &value) {
    set(attribute, typeDescriptor, 1, &value.raw);
  }
  /// Writes at most `room` values; how many there are.
  int64_t get(Attribute attribute, AttributeType type, int64_t room,
              void *values) const;
  void finalize();

  BackendDescriptor get() const { return raw; }

private:
  const CudnnLibrary &library;
  BackendDescriptor raw = nullptr;
};

} // namespace pprt::cuda

#endif // PPRT_GPU_CUDNN_H
