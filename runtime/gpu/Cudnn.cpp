#include "Cudnn.h"

using namespace pprt;
using namespace pprt::cuda;

CudnnLibrary::CudnnLibrary() {
  Library library("cuDNN 9", {"libcudnn.so.9"},
                  "install it (Debian and Ubuntu: libcudnn9-cuda-13 from "
                  "NVIDIA's repository; pip: nvidia-cudnn-cu13) and have it in "
                  "LD_LIBRARY_PATH or PPRT_CUDA_PATH, or run with "
                  "--attention=generated",
                  {"libcublasLt.so.13", "libnvrtc.so.13", "libcublasLt.so.12",
                   "libnvrtc.so.12"});
  PPRT_CUDNN_FUNCTIONS(PPRT_FUNCTION_LOAD)
}

void CudnnLibrary::check(int status, const char *call) const {
  if (status == cudnnOk)
    return;
  const char *name = errorString(status);
  char detail[512] = {};
  lastError(detail, sizeof detail - 1);
  throw CudnnError(
      status, "found " + (name ? name : "status " + std::to_string(status)) +
                  (detail[0] ? " (" + std::string(detail) + ")" : "") +
                  " from " + call + ", expected it to succeed");
}

Descriptor::Descriptor(const CudnnLibrary &library, DescriptorType type)
    : library(library) {
  library.check(library.createDescriptor(type, &raw),
                "cudnnBackendCreateDescriptor");
}

Descriptor::~Descriptor() {
  if (raw)
    library.destroyDescriptor(raw);
}

int64_t Descriptor::get(Attribute attribute, AttributeType type, int64_t room,
                        void *values) const {
  int64_t count = 0;
  library.check(
      library.getAttribute(raw, attribute, type, room, &count, values),
      "cudnnBackendGetAttribute");
  return count;
}

void Descriptor::finalize() {
  library.check(library.finalize(raw), "cudnnBackendFinalize");
}
