//===- FakeNccl.cpp - Transfers that are none of NCCL's -------------------===//
//
// Messages are files. The functions, the size of an id and the texts of errors
// are those of NCCL 2.28.9 (NcclTest.cpp); what is said of failures at run time
// is by its documentation.
//
//===----------------------------------------------------------------------===//
#include "FakeCuda.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {
struct Id {
  char data[128];
};
struct Communicator {
  std::string name;
  int ranks, rank;
  /// Messages so far, to and from each peer.
  std::map<int, long> sent, received;
  bool isAborted = false;
};

std::string path(const std::string &name) {
  const char *directory = std::getenv("FAKE_NCCL_DIR");
  return std::string(directory ? directory : "/tmp") + "/" + name;
}

/// A message appears whole.
void put(const std::string &name, const void *data, size_t bytes) {
  std::string part = path(name + ".part");
  std::ofstream(part, std::ios::binary)
      .write(static_cast<const char *>(data), std::streamsize(bytes));
  std::rename(part.c_str(), path(name).c_str());
}

bool take(const std::string &name, void *data, size_t bytes) {
  std::ifstream file(path(name), std::ios::binary);
  if (!file)
    return false;
  file.read(static_cast<char *>(data), std::streamsize(bytes));
  if (size_t(file.gcount()) != bytes) {
    std::fprintf(stderr, "fake NCCL: message of %zu bytes, expected %zu\n",
                 size_t(file.gcount()), bytes);
    std::abort();
  }
  return true;
}
} // namespace

#define CALL(NAME)                                                             \
  if (fakeCall(#NAME))                                                         \
  return 2

static int live = 0;

API ncclGetUniqueId(Id *id) {
  CALL(ncclGetUniqueId);
  static int count = 0;
  std::memset(id, 0, sizeof *id);
  std::snprintf(id->data, sizeof id->data, "nccl-%d-%d", int(getpid()),
                count++);
  return 0;
}
API ncclCommInitRank(Communicator **communicator, int ranks, Id id, int rank) {
  CALL(ncclCommInitRank);
  const char *channels = std::getenv("NCCL_MAX_P2P_NCHANNELS");
  fakeCall((std::string("channels: ") + (channels ? channels : "any")).c_str());
  while (std::getenv("FAKE_NCCL_STUCK_INIT"))
    usleep(100000);
  *communicator = new Communicator{id.data, ranks, rank, {}, {}};
  ++live;
  return 0;
}
// Work of a communicator may still look at it: it is never freed.
API ncclCommDestroy(Communicator *) {
  --live;
  return 0;
}
/// Its work ends, without having been done.
API ncclCommAbort(Communicator *communicator) {
  --live;
  communicator->isAborted = true;
  return 0;
}
/// For tests: communicators that are neither destroyed nor aborted.
API fakeNcclLive() { return live; }
API ncclCommGetAsyncError(Communicator *, int *error) {
  *error = fakeCall("ncclCommGetAsyncError") ? 6 : 0;
  return 0;
}
extern "C" __attribute__((visibility("default"))) const char *
ncclGetErrorString(int error) {
  return error == 2   ? "unhandled system error (run with NCCL_DEBUG=INFO for "
                        "details)"
         : error == 6 ? "remote process exited or there was a network error"
                      : "no error";
}
extern "C" __attribute__((visibility("default"))) const char *
ncclGetLastError(Communicator *) {
  return "";
}

static std::string nameOf(const Communicator &c, int from, int to,
                          long number) {
  return c.name + "-" + std::to_string(from) + "-" + std::to_string(to) + "-" +
         std::to_string(number);
}

API ncclSend(const void *data, size_t bytes, int, int peer, Communicator *to,
             void *stream) {
  CALL(ncclSend);
  static const char *stuck = std::getenv("FAKE_NCCL_STUCK");
  static long sends = 0;
  fakeEnqueue(stream, [=] {
    if (to->isAborted)
      return true;
    if (stuck && sends >= std::atol(stuck))
      return false;
    ++sends;
    put(nameOf(*to, to->rank, peer, to->sent[peer]++), data, bytes);
    return true;
  });
  return 0;
}
API ncclRecv(void *data, size_t bytes, int, int peer, Communicator *from,
             void *stream) {
  CALL(ncclRecv);
  fakeEnqueue(stream, [=] {
    if (from->isAborted)
      return true;
    if (!take(nameOf(*from, peer, from->rank, from->received[peer]), data,
              bytes))
      return false;
    ++from->received[peer];
    return true;
  });
  return 0;
}
namespace {
/// Sends each member its part of `in`, and calls `finish` with what has come
/// from all, by rank.
template <typename F>
void exchange(Communicator *c, void *stream, const char *in, size_t bytes,
              bool isCut, F finish) {
  auto partOf = [=](int rank) {
    return in + (isCut ? bytes * size_t(rank) : 0);
  };
  auto isSent = std::make_shared<bool>(false);
  auto arrived = std::make_shared<std::vector<std::vector<char>>>();
  fakeEnqueue(stream, [=] {
    if (c->isAborted)
      return true;
    if (!*isSent) {
      for (int peer = 0; peer < c->ranks; ++peer)
        if (peer != c->rank)
          put(nameOf(*c, c->rank, peer, c->sent[peer]++), partOf(peer), bytes);
      *isSent = true;
    }
    while (int(arrived->size()) < c->ranks) {
      const int peer = int(arrived->size());
      std::vector<char> part(bytes);
      if (peer == c->rank)
        std::memcpy(part.data(), partOf(peer), bytes);
      else if (take(nameOf(*c, peer, c->rank, c->received[peer]), part.data(),
                    bytes))
        ++c->received[peer];
      else
        return false;
      arrived->push_back(std::move(part));
    }
    finish(*arrived);
    // A graph does it again.
    *isSent = false;
    arrived->clear();
    return true;
  });
}

/// Another order than that of the runtime's tree: the last comes first.
template <typename T>
void sumInto(void *out, const std::vector<std::vector<char>> &parts) {
  for (size_t i = 0; i < parts.front().size() / sizeof(T); ++i) {
    T sum = 0;
    for (size_t p = parts.size(); p-- > 0;)
      sum += reinterpret_cast<const T *>(parts[p].data())[i];
    static_cast<T *>(out)[i] = sum;
  }
}

void reduce(Communicator *c, void *stream, const void *in, void *out,
            size_t count, int type, bool isCut) {
  const bool isDouble = type == 8;
  exchange(c, stream, static_cast<const char *>(in), count * (isDouble ? 8 : 4),
           isCut, [=](const std::vector<std::vector<char>> &parts) {
             isDouble ? sumInto<double>(out, parts)
                      : sumInto<float>(out, parts);
           });
}
} // namespace

API ncclAllReduce(const void *in, void *out, size_t count, int type, int,
                  Communicator *c, void *stream) {
  CALL(ncclAllReduce);
  reduce(c, stream, in, out, count, type, /*isCut=*/false);
  return 0;
}
API ncclReduceScatter(const void *in, void *out, size_t count, int type, int,
                      Communicator *c, void *stream) {
  CALL(ncclReduceScatter);
  reduce(c, stream, in, out, count, type, /*isCut=*/true);
  return 0;
}
API ncclAllGather(const void *in, void *out, size_t count, int type,
                  Communicator *c, void *stream) {
  CALL(ncclAllGather);
  const size_t bytes = count * (type == 1 ? 1 : type == 7 ? 4 : 8);
  exchange(c, stream, static_cast<const char *>(in), bytes, /*isCut=*/false,
           [=](const std::vector<std::vector<char>> &parts) {
             for (size_t i = 0; i < parts.size(); ++i)
               std::memcpy(static_cast<char *>(out) + i * bytes,
                           parts[i].data(), bytes);
           });
  return 0;
}

/// Sends of a group come first on their stream here or wait for nothing: no
/// order of a group can stop it.
API ncclGroupStart() {
  CALL(ncclGroupStart);
  return 0;
}
API ncclGroupEnd() {
  CALL(ncclGroupEnd);
  return 0;
}
