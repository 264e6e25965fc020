//===- Detail.h - What the generators share ---------------------*- C++ -*-===//

#ifndef PP_LIB_SCHEDULE_GENERATORS_DETAIL_H
#define PP_LIB_SCHEDULE_GENERATORS_DETAIL_H

#include "pp/Schedule/Generators.h"

namespace pp::schedule::detail {

/// Checks the setting and makes a schedule with stage s on rank s and no
/// action yet.
Result<Schedule> emptySchedule(const char *name, const Setting &setting);

/// Appends a stage's actions to its rank's row, micro-batches ascending.
class RowBuilder {
public:
  RowBuilder(std::vector<Action> &row, int32_t stage, const Setting &setting)
      : row(row), stage(stage), split(setting.splitBackward) {}

  void forward() { row.push_back({stage, Kind::Forward, nextForward++}); }
  void backward() {
    if (split) {
      row.push_back({stage, Kind::InputGradient, nextBackward});
      row.push_back({stage, Kind::WeightGradient, nextBackward});
    } else {
      row.push_back({stage, Kind::Backward, nextBackward});
    }
    ++nextBackward;
  }

private:
  std::vector<Action> &row;
  int32_t stage;
  bool split;
  int32_t nextForward = 0;
  int32_t nextBackward = 0;
};

} // namespace pp::schedule::detail

#endif // PP_LIB_SCHEDULE_GENERATORS_DETAIL_H
