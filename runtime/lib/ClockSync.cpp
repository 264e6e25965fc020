#include "ClockSync.h"

#include "Clock.h"

using namespace pprt;

static constexpr int rounds = 16;

ClockPoint pprt::compareClocks(Transport &transport, bool always) {
  ClockPoint best;
  best.mine = nowNs();
  if (transport.onOneNode() && !always)
    return best;
  uint64_t token = 0;
  if (transport.rank() == 0) {
    for (int peer = 1; peer < transport.size(); ++peer)
      for (int round = 0; round < rounds; ++round) {
        transport.receive(peer, &token, sizeof token);
        token = nowNs();
        transport.send(peer, &token, sizeof token);
      }
    return best;
  }
  uint64_t fastest = UINT64_MAX;
  for (int round = 0; round < rounds; ++round) {
    uint64_t begin = nowNs();
    transport.send(0, &token, sizeof token);
    transport.receive(0, &token, sizeof token);
    uint64_t end = nowNs();
    if (end - begin < fastest) {
      fastest = end - begin;
      best.mine = begin + fastest / 2;
      best.toRank0 = int64_t(token) - int64_t(best.mine);
    }
  }
  return best;
}

void pprt::alignSteps(std::vector<StepEvents> &steps, ClockPoint begin,
                      ClockPoint end) {
  double slope = end.mine > begin.mine ? double(end.toRank0 - begin.toRank0) /
                                             double(end.mine - begin.mine)
                                       : 0;
  auto move = [&](uint64_t &time) {
    double drift = slope * (double(time) - double(begin.mine));
    time = uint64_t(int64_t(time) + begin.toRank0 + int64_t(drift));
  };
  for (StepEvents &step : steps) {
    move(step.begin);
    move(step.end);
    for (Event &event : step.events) {
      move(event.begin);
      move(event.end);
    }
  }
}
