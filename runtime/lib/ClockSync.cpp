#include "ClockSync.h"

#include "Clock.h"

using namespace pprt;

static constexpr int rounds = 16;

ClockPoint pprt::compareClocks(Bootstrap &bootstrap, bool always) {
  ClockPoint best;
  best.mine = nowNs();
  if (bootstrap.onOneNode() && !always)
    return best;
  uint64_t token = 0;
  if (bootstrap.rank() == 0) {
    for (int peer = 1; peer < bootstrap.size(); ++peer)
      for (int round = 0; round < rounds; ++round) {
        bootstrap.receive(peer, &token, sizeof token);
        token = nowNs();
        bootstrap.send(peer, &token, sizeof token);
      }
    return best;
  }
  uint64_t fastest = UINT64_MAX;
  for (int round = 0; round < rounds; ++round) {
    uint64_t begin = nowNs();
    bootstrap.send(0, &token, sizeof token);
    bootstrap.receive(0, &token, sizeof token);
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
    for (TimedCollective &timed : step.collectives) {
      move(timed.begin);
      move(timed.end);
    }
  }
}
