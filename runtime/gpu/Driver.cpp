#include "Driver.h"

#include "Error.h"

using namespace pprt;
using namespace pprt::cuda;

Driver::Driver() {
  Library library("NVIDIA driver", {"libcuda.so.1"},
                  "install the driver of the GPU (nvidia-smi shows it), or run "
                  "a program compiled with --target=cpu");
  PPRT_DRIVER_FUNCTIONS(PPRT_FUNCTION_LOAD)
}

std::string Driver::text(Result result) const {
  const char *name = nullptr, *text = nullptr;
  errorName(result, &name);
  errorText(result, &text);
  std::string number = "error " + std::to_string(result);
  return (name ? name : number) + (text ? std::string(" (") + text + ")" : "");
}

void Driver::check(Result result, const char *call) const {
  if (result != success)
    throw Error("found " + text(result) + " from " + call +
                ", expected it to succeed");
}
