#include "Safetensors.h"

#include "Json.h"

using namespace pprt;

std::string pprt::safetensorsHeader(const std::vector<TensorEntry> &tensors) {
  Json header;
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const TensorEntry &tensor : tensors) {
    const uint64_t end = offset + tensor.bytes;
    Json entry;
    entry["dtype"] = tensor.dtype;
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {offset, end};
    header[tensor.name] = std::move(entry);
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string result(8, '\0');
  for (int i = 0; i < 8; ++i)
    result[size_t(i)] = char(length >> (8 * i) & 0xff);
  return result + text;
}
