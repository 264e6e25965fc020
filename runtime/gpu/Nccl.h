//===- Nccl.h - NCCL's functions ------------------------------------------===//
#ifndef PPRT_GPU_NCCL_H
#define PPRT_GPU_NCCL_H

#include "CudaTypes.h"
#include "Error.h"
#include "Library.h"

#include <cstdlib>
#include <string>

#define PPRT_NCCL_FUNCTIONS(F)                                                 \
  F(int, makeId, "ncclGetUniqueId", NcclId *)                                  \
  F(int, create, "ncclCommInitRank", NcclComm *, int, NcclId, int)             \
  F(int, destroy, "ncclCommDestroy", NcclComm)                                 \
  F(int, abort, "ncclCommAbort", NcclComm)                                     \
  F(int, asyncError, "ncclCommGetAsyncError", NcclComm, int *)                 \
  F(const char *, text, "ncclGetErrorString", int)                             \
  F(const char *, lastError, "ncclGetLastError", NcclComm)                     \
  F(int, send, "ncclSend", const void *, size_t, int, int, NcclComm, Stream)   \
  F(int, receive, "ncclRecv", void *, size_t, int, int, NcclComm, Stream)      \
  F(int, allReduce, "ncclAllReduce", const void *, void *, size_t, int, int,   \
    NcclComm, Stream)                                                          \
  F(int, reduceScatter, "ncclReduceScatter", const void *, void *, size_t,     \
    int, int, NcclComm, Stream)                                                \
  F(int, allGather, "ncclAllGather", const void *, void *, size_t, int,        \
    NcclComm, Stream)                                                          \
  F(int, groupStart, "ncclGroupStart", void)                                   \
  F(int, groupEnd, "ncclGroupEnd", void)

namespace pprt::cuda {

/// Opens libnccl.so.2; throws Error.
struct NcclLibrary {
  NcclLibrary() {
    // A transfer holds a multiprocessor for each channel from when it is posted
    // until the peer has come, and shares it with nobody: NCCL would take 16.
    setenv("NCCL_MAX_P2P_NCHANNELS", "4", /*overwrite=*/0);
    // Work in graphs and outside of them never overlaps here, and keeping them
    // apart costs a launch on the host each and can stop graphs of several
    // communicators (NCCL's user guide, "Using NCCL with CUDA Graphs").
    setenv("NCCL_GRAPH_MIXING_SUPPORT", "0", /*overwrite=*/0);
    Library library("NCCL", {"libnccl.so.2"},
                    "install it (Debian and Ubuntu: libnccl2 from NVIDIA's "
                    "repository; pip: nvidia-nccl) and have it in "
                    "LD_LIBRARY_PATH or PPRT_CUDA_PATH, or choose "
                    "--transport=mpi");
    PPRT_NCCL_FUNCTIONS(PPRT_FUNCTION_LOAD)
  }
  PPRT_NCCL_FUNCTIONS(PPRT_FUNCTION_MEMBER)

  void check(int status, const std::string &call) const {
    if (status == ncclOk || status == ncclBusy)
      return;
    const char *detail = lastError(nullptr);
    throw Error("found '" + std::string(text(status)) + "' from " + call +
                (detail && *detail ? " (" + std::string(detail) + ")" : "") +
                ", expected it to succeed: NCCL_DEBUG=WARN says more, "
                "--transport=mpi works without NCCL");
  }
};

} // namespace pprt::cuda

#endif // PPRT_GPU_NCCL_H
