//===- FakeCudnn.h - Descriptors of the stand-in for cuDNN ----------------===//
#ifndef FAKECUDNN_H
#define FAKECUDNN_H

#include "CudnnTypes.h"

#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fake {
using namespace pprt::cuda;

struct Desc {
  int type;
  bool isFinal = false;
  int engine = -1;       ///< of engines, their configurations and plans
  Desc *graph = nullptr; ///< of configurations and plans
  std::map<int, std::string> values;

  bool has(int attribute) const { return values.count(attribute); }
  template <typename T> std::vector<T> all(int attribute) const {
    const std::string &bytes = values.at(attribute);
    std::vector<T> result(bytes.size() / sizeof(T));
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }
  template <typename T> T one(int attribute) const {
    T result;
    std::memcpy(&result, values.at(attribute).data(), sizeof result);
    return result;
  }
  bool flag(int attribute) const {
    return has(attribute) && one<bool>(attribute);
  }
};

/// For cudnnGetLastErrorString.
extern std::string reason;
/// Keeps and logs why something is refused; returns the status.
int refuse(int status, const std::string &text);

bool isOperation(const Desc &desc);
int checkTensor(const Desc &tensor);
int checkOperation(const Desc &operation);
int checkGraph(const Desc &graph);
/// Status of the question whether engines know the graph.
int explain(const Desc &graph);
bool isBackward(const Desc &graph);
/// Whether f32 sums of dq are in memory.
bool hasDqSums(const Desc &graph);
/// What an execution does; empty, with a reason, where tensors are missing.
std::function<void()> prepare(const Desc &graph,
                              const std::map<int64_t, void *> &addresses,
                              bool isNoisy);
} // namespace fake

#endif // FAKECUDNN_H
