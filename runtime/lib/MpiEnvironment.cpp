#include "MpiEnvironment.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/uio.h>
#include <unistd.h>

bool pprt::singleCopyForbidden() {
  const char *chosen = std::getenv("OMPI_MCA_btl_vader_single_copy_mechanism");
  return chosen &&
         (!std::strcmp(chosen, "none") || !std::strcmp(chosen, "emulated"));
}

bool pprt::singleCopyPossible() {
  if (singleCopyForbidden())
    return false;
  if (FILE *file = std::fopen("/proc/sys/kernel/yama/ptrace_scope", "r")) {
    int scope = std::fgetc(file);
    std::fclose(file);
    if (scope != '0')
      return false;
  }
  // Reading our own memory is always permitted, unless the call itself is
  // filtered away.
  char from = 'x', to = 0;
  iovec local = {&to, 1}, remote = {&from, 1};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}

static void setDefault(const char *name, const char *value) {
  setenv(name, value, /*overwrite=*/0);
}

void pprt::prepareMpiEnvironment(bool singleCopy) {
  setDefault("OMPI_MCA_mpi_yield_when_idle", "1");
  const char *size = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char *local = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  if (!size || !local || std::strcmp(size, local) != 0)
    return;
  setDefault("OMPI_MCA_pml", "ob1");
  setDefault("OMPI_MCA_btl", "self,vader");
  setDefault("OMPI_MCA_osc", "^ucx");
  if (!singleCopy)
    setDefault("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
}

bool pprt::sharedMemoryAllowed() {
  const char *ways = std::getenv("OMPI_MCA_btl");
  if (!ways)
    return true;
  bool named = std::strstr(ways, "vader") || std::strstr(ways, "sm");
  return named != (ways[0] == '^');
}
