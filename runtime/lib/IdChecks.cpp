#include "IdChecks.h"

#include "pprt_ids.h"

using namespace pprt;

void IdChecks::note(const char *reader, const void *ids, int64_t count,
                    int64_t stride, int32_t bits, int64_t size,
                    int64_t ignored) {
  if (!error.empty())
    return;
  IdRange range{reader, size, ignored};
  if (std::optional<int64_t> id = findIdOutOf(range, ids, count, stride, bits))
    error =
        describeIdOutOf(range, *id,
                        " in step " + std::to_string(step) +
                            describeAction(program, recorder.currentAction()));
}
