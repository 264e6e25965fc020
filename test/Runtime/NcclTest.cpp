//===- NcclTest.cpp - What the real NCCL does without a driver ------------===//
//
// All functions that the runtime calls are there, an id is as large as we pass
// it by value, and statuses mean what we take them for.
//
//===----------------------------------------------------------------------===//
#include "Nccl.h"
#include "Error.h"

#include <cstdio>
#include <cstring>
#include <string>

using namespace pprt;
using namespace pprt::cuda;

int main() {
  int wrong = 0;
  auto expect = [&](bool isRight, const std::string &text) {
    if (!isRight)
      std::printf("WRONG: %s\n", text.c_str());
    wrong += !isRight;
  };
  try {
    NcclLibrary nccl;
    Library library("NCCL", {"libnccl.so.2"}, "");
    auto getVersion =
        reinterpret_cast<int (*)(int *)>(library.symbol("ncclGetVersion"));
    int version = 0;
    expect(getVersion(&version) == ncclOk && version / 10000 == 2,
           "version " + std::to_string(version));
    std::printf("NCCL %d\n", version);

    // Where an id ends: two with other bytes behind them.
    constexpr size_t room = 4 * sizeof(NcclId);
    unsigned char ids[2][room];
    for (int i = 0; i < 2; ++i) {
      std::memset(ids[i], i ? 0x5a : 0xa5, room);
      int status = nccl.makeId(reinterpret_cast<NcclId *>(ids[i]));
      expect(status == ncclOk,
             std::string("ncclGetUniqueId: ") + nccl.text(status));
    }
    size_t bytes = room;
    while (bytes > 0 && ids[0][bytes - 1] == 0xa5 && ids[1][bytes - 1] == 0x5a)
      --bytes;
    expect(bytes == sizeof(NcclId), "an id of " + std::to_string(bytes));

    expect(std::strstr(nccl.text(ncclOk), "no error"), nccl.text(ncclOk));
    expect(std::strstr(nccl.text(ncclBusy), "in progress"),
           nccl.text(ncclBusy));
    // As the stand-in (FakeNccl.cpp) says them.
    std::printf("2: %s\n6: %s\n", nccl.text(2), nccl.text(6));
    expect(nccl.lastError(nullptr), "no text of the last error");
  } catch (const Error &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::printf("%d wrong\n", wrong);
  return wrong != 0;
}
