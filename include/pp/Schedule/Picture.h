//===- Picture.h - Timelines as SVG, text and trace -------------*- C++ -*-===//

#ifndef PP_SCHEDULE_PICTURE_H
#define PP_SCHEDULE_PICTURE_H

#include "pp/Schedule/Simulator.h"

namespace pp::schedule {

/// A transfer on its way, from its posting to its completion.
struct Flight {
  std::string label;
  bool isReceive = false;
  double start = 0;
  double end = 0;
};

/// A timeline under its own heading and with its own rows in a picture.
struct Panel {
  std::string title;
  Timeline timeline;
  std::string notes = {}; ///< behind the title
  /// Of each rank; drawn as a thin lane below its actions if there are any.
  std::vector<std::vector<Flight>> flights = {};
};

struct SvgOptions {
  double width = 0;      ///< pixels, with the labels; 0: as numbers need
  double rowHeight = 24; ///< pixels a rank
  std::string unit;      ///< of time, printed behind the axis' numbers: "ms"
  std::string heading;   ///< of the whole picture
};

/// Pipelines as papers draw them: rows are ranks, time runs to the right, F, B,
/// I and W have colours, the stages of a rank shades of them, numbers are
/// micro-batches where they fit, what is empty is idle. All panels share the
/// scale of the longest, so that measured and predicted lie over each other.
/// Every action has a tooltip with its stage, kind, micro-batch and times, idle
/// time one with its reason. A table below tells where the time of each panel
/// went, as means over the ranks; a tooltip beside each rank does for the rank.
std::string drawSvg(const std::vector<Panel> &panels,
                    const SvgOptions &options = {});

struct AsciiOptions {
  int columns = 120; ///< of the longest row, without the rank's label
};

/// The same for a terminal: a line a rank, `.` is idle. An action shows its
/// kind and as much of its micro-batch as fits: `F0--`.
std::string drawAscii(const Timeline &timeline,
                      const AsciiOptions &options = {});

struct TraceOptions {
  double microseconds = 1000; ///< in a unit of the timeline's time
};

/// The same for chrome://tracing and Perfetto: a process a panel, a thread a
/// rank, its actions and its idle times with their reasons; another one for its
/// collectives of replicas.
std::string drawTrace(const std::vector<Panel> &panels,
                      const TraceOptions &options = {});

} // namespace pp::schedule

#endif // PP_SCHEDULE_PICTURE_H
