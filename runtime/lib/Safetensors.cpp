#include "Safetensors.h"

#include <nlohmann/json.hpp>

using namespace pprt;

std::string pprt::safetensorsHeader(const std::vector<Parameter> &parameters) {
  nlohmann::ordered_json header;
  // "pt" is what Hugging Face's loaders ask for.
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const Parameter &parameter : parameters) {
    uint64_t end = offset + parameter.wholeElements() * sizeof(float);
    nlohmann::ordered_json entry;
    entry["dtype"] = "F32";
    entry["shape"] = parameter.shape;
    entry["data_offsets"] = {offset, end};
    header[parameter.name] = std::move(entry);
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  uint64_t length = text.size();
  std::string result(8, '\0');
  for (int i = 0; i < 8; ++i)
    result[i] = char(length >> (8 * i) & 0xff);
  return result + text;
}
