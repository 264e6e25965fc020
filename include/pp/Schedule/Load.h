//===- Load.h - Schedules by name or from a file ----------------*- C++ -*-===//

#ifndef PP_SCHEDULE_LOAD_H
#define PP_SCHEDULE_LOAD_H

#include "pp/Schedule/Generators.h"

namespace pp::schedule {

/// The schedule that is called `name`, or, where none is, the one in the file
/// of that name (see parseCSV). Of a file, ranks, micro-batches and stages a
/// rank of the setting are what is expected of it; 0 expects nothing. Errors:
/// those of generate() and parseCSV(); no such name or file; a file for another
/// setting.
Result<Schedule> load(const std::string &name, const Setting &setting);

/// The same where the number of stages is known and that of ranks is not.
Result<Schedule> loadForStages(const std::string &name, int32_t stages,
                               const Setting &setting);

} // namespace pp::schedule

#endif // PP_SCHEDULE_LOAD_H
