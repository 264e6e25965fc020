#include "IdChecks.h"

using namespace pprt;

void IdChecks::note(const IdRange &range, const void *ids, int64_t count,
                    int64_t stride, int32_t bits) {
  if (!error.empty())
    return;
  if (std::optional<int64_t> id = findIdOutOf(range, ids, count, stride, bits))
    error =
        describeIdOutOf(range, *id,
                        " in step " + std::to_string(step) +
                            describeAction(program, recorder.currentAction()));
}
