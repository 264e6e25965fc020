//===- Weights.cpp - Are all weights there? -------------------------------===//

#include "Decoder.h"
#include "Json.h"

#include "pp/Safetensors/Safetensors.h"

using namespace pp::hf;

void pp::hf::checkWeights(const std::string &directory,
                          const Decoder &decoder) {
  std::vector<safetensors::Expected> expected;
  for (const Parameter &parameter : allParameters(decoder))
    expected.push_back({parameter.name, parameter.shape});
  try {
    safetensors::match(
        safetensors::readDirectory(directory,
                                   "download them, or write --from-scratch to "
                                   "start from initial values"),
        expected);
  } catch (const safetensors::Error &error) {
    throw Failure{{error.what()}};
  }
}
