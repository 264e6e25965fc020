//===- AsciiPicture.cpp - Timelines in a terminal -------------------------===//
//
// Time is mapped to columns by rounding starts and ends, so that actions that
// touch in time touch in the picture.
//
//===----------------------------------------------------------------------===//

#include "Scale.h"
#include "pp/Schedule/Picture.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace pp::schedule;

std::string pp::schedule::drawAscii(const Timeline &timeline,
                                    const AsciiOptions &options) {
  const int columns = std::max(options.columns, 1);
  const double scale = scaleOf(columns, timeline.makespan);
  const size_t labelWidth = std::to_string(timeline.ranks.size()).size();
  std::string text;
  for (size_t rank = 0; rank < timeline.ranks.size(); ++rank) {
    std::string row(columns, '.');
    for (const TimedAction &timed : timeline.ranks[rank]) {
      int begin = static_cast<int>(std::lround(timed.start * scale));
      int end = static_cast<int>(std::lround(timed.end * scale));
      begin = std::clamp(begin, 0, columns);
      end = std::clamp(end, begin, columns);
      std::string cell(1, static_cast<char>(timed.action.kind));
      cell += std::to_string(timed.action.microbatch);
      cell.resize(static_cast<size_t>(end - begin), '-');
      row.replace(begin, cell.size(), cell);
    }
    std::string label = std::to_string(rank);
    text += "rank " + std::string(labelWidth - label.size(), ' ') + label +
            " |" + row + "|";
    if (rank < timeline.bubble.size()) {
      char idle[32];
      std::snprintf(idle, sizeof idle, " %5.1f %% idle",
                    100 * timeline.bubble[rank]);
      text += idle;
    }
    text += '\n';
  }
  return text;
}
