//===- RunsTest.cpp - Runs that fail, and one that does not ---------------===//
//
// A hand-made program (fake_program.py) that is linked here runs several times
// on one bootstrap: well, then with the faults of the command line, then well
// again. After each run only the bootstrap is left: as many requests as before,
// nothing on the device, and, once all is warm, as much memory. The last run
// saves what the first one saved.
//
//   pprt-runs-test DATA DIRECTORY FAULTS [OPTION...]
//
// FAULTS are separated by commas, as FAKE_FAULT takes them.
//
//===----------------------------------------------------------------------===//
#include "RunProgram.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <malloc.h>
#include <sstream>

using namespace pprt;

extern "C" void fake_restart(void);

static std::string contentOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What the stand-ins for CUDA's libraries have not been given back.
static int countOnDevice() {
  int count = 0;
  for (auto [file, name] : {std::pair("libcuda.so.1", "fakeCudaLive"),
                            std::pair("libnccl.so.2", "fakeNcclLive")})
    if (void *library = dlopen(file, RTLD_NOW | RTLD_NOLOAD)) {
      count += reinterpret_cast<int (*)()>(dlsym(library, name))();
      dlclose(library);
    }
  return count;
}

// A sanitizer has a heap of its own, and finds leaks itself.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_IS_ANOTHER
#endif
#endif
#ifdef HEAP_IS_ANOTHER
static constexpr bool canMeasure = false;
#else
static constexpr bool canMeasure = true;
#endif

static uint64_t bytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  const std::string data = argv[1], directory = argv[2];
  std::vector<std::string> faults = {""};
  std::istringstream list(argv[3]);
  for (std::string fault; std::getline(list, fault, ',');)
    faults.push_back(fault);
  faults.push_back("");

  const bool alone = !launchedAsRank() || launchedSize() == 1;
  std::unique_ptr<Bootstrap> bootstrap =
      alone ? createLocalBootstrap() : createMpiBootstrap();
  const int requests = bootstrap->messages().countRequests();
  bool good = true;
  auto check = [&](bool condition, const std::string &what, size_t run) {
    if (!condition)
      std::fprintf(stderr, "rank %d: run %zu: %s\n", bootstrap->rank(), run,
                   what.c_str());
    good &= condition;
  };
  uint64_t before = 0;
  for (size_t run = 0; run < faults.size(); ++run) {
    const std::string save = directory + "/save" + std::to_string(run);
    std::vector<const char *> arguments = {argv[0],      "--data", data.c_str(),
                                           "--steps",    "5",      "--save",
                                           save.c_str(), "--quiet"};
    arguments.insert(arguments.end(), argv + 4, argv + argc);
    setenv("FAKE_FAULT", faults[run].c_str(), 1);
    fake_restart();
    int32_t status = 0;
    {
      const CommandLine line =
          readCommandLine(int(arguments.size()), arguments.data());
      status = runProgram(*bootstrap, line);
    }
    check(status == (faults[run].empty() ? 0 : 1),
          "found the status " + std::to_string(status), run);
    check(bootstrap->messages().countRequests() == requests,
          "found requests that were not given back", run);
    check(bootstrap->countKept() == 0, "found memory that was kept", run);
    check(countOnDevice() == 0,
          "found " + std::to_string(countOnDevice()) +
              " things on the device that were not given back",
          run);
    // The first two runs make what later ones use again, such as an error's
    // text of a library.
    const uint64_t now = bytesInUse();
    if (run > 1 && canMeasure)
      check(now < before + (32 << 10),
            "found " + std::to_string(now - before) +
                " more bytes in use than before",
            run);
    before = now;
    std::printf("run %zu: status %d\n", run, status);
  }
  if (bootstrap->rank() == 0) {
    const std::string first = contentOf(directory + "/save0/model.safetensors");
    const std::string last =
        contentOf(directory + "/save" + std::to_string(faults.size() - 1) +
                  "/model.safetensors");
    check(!first.empty() && first == last, "found other weights than before",
          faults.size() - 1);
  }
  bootstrap->finish();
  if (good)
    std::printf("all runs are as they should be\n");
  return good ? 0 : 1;
}
