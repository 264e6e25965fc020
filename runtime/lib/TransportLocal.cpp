//===- TransportLocal.cpp - One rank without MPI --------------------------===//
//
// A program of one rank has nobody to talk to, and MPI's singleton start needs
// daemons and shared memory that a container may not offer: so it is not used.
//
//===----------------------------------------------------------------------===//
#include "Diagnostics.h"
#include "Error.h"
#include "Transport.h"

#include <cstdlib>

using namespace pprt;

static const char *const launcherRankVariables[] = {
    "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "PMI_ID"};

bool pprt::launchedAsRank() {
  for (const char *name : launcherRankVariables)
    if (std::getenv(name))
      return true;
  return false;
}

int pprt::launchedRank() {
  for (const char *name : launcherRankVariables)
    if (const char *value = std::getenv(name))
      return std::atoi(value);
  return 0;
}

int pprt::launchedSize() {
  for (const char *name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char *value = std::getenv(name))
      return std::atoi(value);
  return 0;
}

namespace {
class LocalTransport final : public Transport {
public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  bool onOneNode() const override { return true; }
  void reserve(int) override {}
  int nodeRank() const override { return 0; }
  int nodeRanks() const override { return 1; }
  void setTimeout(double seconds) override { limit = seconds; }
  double timeout() const override { return limit; }
  void checkStopped() override {}
  void isend(int, int, int, const void *, uint64_t) override { nobody(); }
  void irecv(int, int, int, void *, uint64_t) override { nobody(); }
  TransferTimes wait(int) override { nobody(); }
  void send(int, const void *, uint64_t) override { nobody(); }
  void receive(int, void *, uint64_t) override { nobody(); }
  void fail(const std::string &error) override { printErrors({error}); }
  void finish() override {}

private:
  double limit = 300;

  [[noreturn]] static void nobody() {
    throw Error("found a transfer in a program of one rank, expected none: "
                "compile the program again");
  }
};
} // namespace

std::unique_ptr<Transport> pprt::createLocalTransport() {
  return std::make_unique<LocalTransport>();
}
