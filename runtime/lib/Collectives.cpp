#include "Collectives.h"

#include "Diagnostics.h"

#include <algorithm>

using namespace pprt;

void Collectives::sum(double *values, size_t count) {
  int rank = transport.rank(), size = transport.size();
  if (scratch.size() < count)
    scratch.resize(count);
  uint64_t bytes = count * sizeof(double);
  // Towards rank 0: in round `bit`, ranks with that lowest bit set hand over.
  for (int bit = 1; bit < size; bit <<= 1) {
    if (rank & bit) {
      transport.send(rank - bit, values, bytes);
      break;
    }
    if (rank + bit < size) {
      transport.receive(rank + bit, scratch.data(), bytes);
      for (size_t i = 0; i < count; ++i)
        values[i] += scratch[i];
    }
  }
  broadcast(values, bytes);
}

void Collectives::broadcast(void *data, uint64_t bytes, int root) {
  int size = transport.size();
  int place = (transport.rank() - root + size) % size;
  int bit = 1;
  for (; bit < size; bit <<= 1)
    if (place & bit) {
      transport.receive((place - bit + root) % size, data, bytes);
      break;
    }
  for (bit >>= 1; bit > 0; bit >>= 1)
    if (place + bit < size)
      transport.send((place + bit + root) % size, data, bytes);
}

void Collectives::barrier() {
  double nothing = 0;
  sum(&nothing, 1);
}

std::vector<std::string> Collectives::gather(const std::string &mine) {
  std::vector<std::string> all;
  // Pieces bound the transport's copies.
  constexpr uint64_t piece = 4 << 20;
  uint64_t bytes = mine.size();
  if (transport.rank() != 0) {
    transport.send(0, &bytes, sizeof bytes);
    for (uint64_t at = 0; at < bytes; at += piece)
      transport.send(0, mine.data() + at, std::min(piece, bytes - at));
    return all;
  }
  all.resize(transport.size());
  all[0] = mine;
  for (int peer = 1; peer < transport.size(); ++peer) {
    transport.receive(peer, &bytes, sizeof bytes);
    all[peer].resize(bytes);
    for (uint64_t at = 0; at < bytes; at += piece)
      transport.receive(peer, all[peer].data() + at,
                        std::min(piece, bytes - at));
  }
  return all;
}

void Collectives::agree(const std::string &error) {
  double errors = error.empty() ? 0 : 1;
  sum(&errors, 1);
  if (errors == 0)
    return;
  std::vector<std::string> all = gather(error);
  if (transport.rank() == 0)
    printErrors(all);
  throw Disagreement();
}
