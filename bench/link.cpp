//===- link.cpp - A link of a latency and a bandwidth ---------------------===//
//
// Joins two network namespaces as a cable does, for kernels without the
// queueing discipline `netem`: packets that leave one through its tun device
// come into the other through its own. A packet leaves when those before it
// have left, at so many bytes a second, and arrives a latency later. One thread
// a direction; what has not left waits in a queue of 64 MB, behind which
// packets are dropped.
//
//   link NAMESPACE NAMESPACE DEVICE LATENCY-IN-SECONDS BYTES-A-SECOND
//
// Prints "ready" when both devices are there, and goes on until it is killed.
//
//===----------------------------------------------------------------------===//

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>
#include <vector>

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

static void require(bool isFine, const std::string &what) {
  if (isFine)
    return;
  std::perror(what.c_str());
  std::exit(1);
}

/// A tun device of a namespace, into which the process moves.
static int openDevice(const char *space, const char *device) {
  int into = open((std::string("/run/netns/") + space).c_str(), O_RDONLY);
  require(into >= 0 && setns(into, CLONE_NEWNET) == 0, space);
  int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  require(file >= 0, "/dev/net/tun");
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  require(ioctl(file, TUNSETIFF, &request) == 0, device);
  return file;
}

namespace {
struct Packet {
  std::vector<char> bytes;
  Clock::time_point arrival;
};
} // namespace

static void forward(int from, int to, double latency, double bandwidth) {
  prctl(PR_SET_TIMERSLACK, 1000);
  constexpr size_t kQueue = 64 << 20;
  std::deque<Packet> queue;
  size_t queued = 0;
  std::vector<char> buffer(1 << 16);
  Clock::time_point free = Clock::now(); // when the last packet has left
  while (true) {
    const Clock::time_point now = Clock::now();
    while (!queue.empty() && queue.front().arrival <= now) {
      const std::vector<char> &bytes = queue.front().bytes;
      (void)!write(to, bytes.data(), bytes.size());
      queued -= bytes.size();
      queue.pop_front();
    }
    while (true) {
      const ssize_t size = read(from, buffer.data(), buffer.size());
      if (size <= 0)
        break;
      if (queued + size_t(size) > kQueue)
        continue;
      queued += size_t(size);
      free = std::max(free, Clock::now()) +
             std::chrono::duration_cast<Clock::duration>(
                 Seconds(double(size) / bandwidth));
      queue.push_back({{buffer.data(), buffer.data() + size},
                       free + std::chrono::duration_cast<Clock::duration>(
                                  Seconds(latency))});
    }
    timespec wait = {10, 0};
    if (!queue.empty()) {
      const auto left =
          std::max<int64_t>(0, (queue.front().arrival - Clock::now()) /
                                   std::chrono::nanoseconds(1));
      wait = {left / 1000000000, left % 1000000000};
    }
    pollfd ready = {from, POLLIN, 0};
    ppoll(&ready, 1, &wait, nullptr);
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    std::fprintf(stderr,
                 "link NAMESPACE NAMESPACE DEVICE SECONDS BYTES-A-SECOND\n");
    return 2;
  }
  const int first = openDevice(argv[1], argv[3]);
  const int second = openDevice(argv[2], argv[3]);
  const double latency = std::atof(argv[4]), bandwidth = std::atof(argv[5]);
  std::puts("ready");
  std::fflush(stdout);
  std::thread back(forward, second, first, latency, bandwidth);
  forward(first, second, latency, bandwidth);
}
