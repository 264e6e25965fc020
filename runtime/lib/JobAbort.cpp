//===- JobAbort.cpp - Ending a job whose ranks do not answer --------------===//
//
// mpirun ends all ranks when one leaves without MPI_Finalize. On the way out it
// can deadlock itself (Open MPI 4.1.4 with PMIx 4.2.2: PMIx_server_finalize
// waits for a thread that handles the connections which the dead ranks left),
// and it can crash in its handling of MPI_Abort. So under mpirun a rank just
// leaves, and a child that outlives it ends a launcher which is still there
// when its ranks have long been gone.
//
//===----------------------------------------------------------------------===//
#include "JobAbort.h"

#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace pprt;

/// mpirun gives ranks a second between SIGTERM and SIGKILL.
static constexpr unsigned graceSeconds = 8;

static bool isLauncher(pid_t process) {
  char name[32] = {};
  std::string path = "/proc/" + std::to_string(process) + "/comm";
  if (FILE *file = std::fopen(path.c_str(), "r")) {
    if (!std::fgets(name, sizeof name, file))
      name[0] = 0;
    std::fclose(file);
  }
  return !std::strncmp(name, "mpirun", 6) ||
         !std::strncmp(name, "orterun", 7) || !std::strncmp(name, "mpiexec", 7);
}

void pprt::sleepAwake(unsigned seconds) {
  for (; seconds > 0; --seconds)
    sleep(1);
}

int pprt::openLauncherErrors() {
  const pid_t launcher = getppid();
  if (!isLauncher(launcher))
    return -1;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_getfd)
  if (int process = int(syscall(SYS_pidfd_open, launcher, 0)); process >= 0) {
    const int same = int(syscall(SYS_pidfd_getfd, process, STDERR_FILENO, 0));
    close(process);
    if (same >= 0)
      return same;
  }
#endif
  // Opened again, a file is written at its begin; pipes and terminals have
  // none.
  const std::string path = "/proc/" + std::to_string(launcher) + "/fd/2";
  struct stat status;
  if (stat(path.c_str(), &status) != 0 ||
      !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
    return -1;
  return open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

static void watchLauncher() {
#if defined(SYS_pidfd_open) && defined(SYS_close_range)
  pid_t launcher = getppid();
  if (!isLauncher(launcher))
    return;
  // A descriptor names this very process, whatever happens to its number.
  int descriptor = int(syscall(SYS_pidfd_open, launcher, 0));
  if (descriptor < 0)
    return;
  // Other threads of this process exist: the child may only make system calls.
  if (fork() != 0)
    return;
  setsid();
  dup2(descriptor, 0);
  syscall(SYS_close_range, 1u, ~0u, 0u);
  sleepAwake(graceSeconds);
  syscall(SYS_pidfd_send_signal, 0, SIGKILL, nullptr, 0);
  _exit(0);
#endif
}

void pprt::abortJob() {
  std::fflush(nullptr);
  if (!std::getenv("OMPI_COMM_WORLD_RANK"))
    MPI_Abort(MPI_COMM_WORLD, 1);
  watchLauncher();
  // What was printed has to be through mpirun before it is busy with the end.
  usleep(300000);
  _exit(1);
}
