//===- RankNotes.h - What ranks have to say, each thing once ----*- C++ -*-===//
#ifndef PPRT_RANKNOTES_H
#define PPRT_RANKNOTES_H

#include <set>
#include <string>
#include <vector>

namespace pprt {

class Bootstrap;

/// "rank 3", "ranks 0 and 2", "ranks 0 to 7", "ranks 0, 2 and 5"; of ranks in
/// order.
std::string listRanks(const std::vector<int> &ranks);

/// On standard error.
void printNote(const std::string &text);

/// Notes of one rank. Each is said once, by rank 0, with the ranks that have it
/// unless all do.
class RankNotes {
public:
  void add(const std::string &text) {
    if (known.insert(text).second)
      waiting.push_back(text);
  }
  /// Says what was added since the last time. All ranks come here.
  void say(Bootstrap &bootstrap, int rank);

private:
  std::set<std::string> known;
  std::vector<std::string> waiting;
};

} // namespace pprt

#endif // PPRT_RANKNOTES_H
