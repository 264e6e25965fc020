//===- config.cpp - config.json of any bytes ------------------------------===//
//
// What can be read is a decoder whose numbers hold together: its model can be
// described, and written as text unless that would be long.
//
//===----------------------------------------------------------------------===//
#include "FuzzFiles.h"

#include "Decoder.h"
#include "Json.h"

using namespace pp::fuzz;
using namespace pp::hf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Bytes bytes(data, size);
  ConfigOptions options;
  options.noDropout = bytes.number(1) & 1;
  if (bytes.size() && (*data & 2))
    options.ignoredKeys = {"unknown"};
  Directory &directory = Directory::get();
  const std::string path =
      directory.write("config.json", bytes.take(bytes.size()));
  try {
    const Decoder decoder = readConfig(path, options);
    require(decoder.headSize > 0 && decoder.heads % decoder.keyHeads == 0,
            "heads are shared equally");
    require(!describe(decoder, decoder.positions, true).empty(),
            "what training takes is known");
    if (decoder.layers <= 4)
      require(writeModel(decoder, 1, 1, "m").find("pp.config = {") !=
                  std::string::npos,
              "a model has its configuration");
  } catch (const Failure &failure) {
    require(!failure.messages.empty(), "a failure says why");
  }
  directory.clear();
  return 0;
}
