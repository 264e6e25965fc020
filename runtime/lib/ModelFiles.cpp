//===- ModelFiles.cpp - What stands beside the weights of a model ---------===//

#include "ModelFiles.h"

#include "AtomicFile.h"
#include "Error.h"
#include "InputFile.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <vector>

using namespace pprt;
namespace fs = std::filesystem;

/// What transformers, its tokenizers and sentencepiece save of a tokenizer.
static const std::vector<std::string> tokenizerNames = {
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tekken.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt"};
static const char *const generationName = "generation_config.json";

static bool isThere(const std::string &directory, const std::string &name) {
  std::error_code error;
  return fs::exists(fs::path(directory) / name, error);
}

static std::string readModelFile(const std::string &directory,
                                 const std::string &name) {
  constexpr uint64_t most = uint64_t(1) << 28;
  const std::string path = (fs::path(directory) / name).string();
  const std::string remedy = "it is saved beside the weights; remove it, or "
                             "give a directory where it can be read";
  InputFile file(path, "file of the model", remedy);
  if (file.size() > most)
    throw Error("found '" + path + "' of " + std::to_string(file.size()) +
                " bytes, expected at most 2^28: " + remedy);
  std::string text(file.size(), '\0');
  file.read(0, text.data(), text.size());
  return text;
}

static nlohmann::json parseConfig(const std::string &text,
                                  const std::string &path) {
  // Nested deeper than any, it would be too deep to be written, too.
  bool isDeep = false;
  auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json &) {
    isDeep |= depth > 100;
    return depth <= 100;
  };
  nlohmann::json object =
      nlohmann::json::parse(text, watch, /*allow_exceptions=*/false);
  if (!object.is_object() || isDeep)
    throw Error("found '" + path +
                "', which is not JSON, expected an object, { ... }: correct "
                "it, or remove it to save weights without one");
  return object;
}

ModelFiles::ModelFiles(const std::string &program, const std::string &load,
                       const std::string &tokenizer)
    : config(program) {
  if (config.empty() && !load.empty() && isThere(load, "config.json")) {
    config = readModelFile(load, "config.json");
    parseConfig(config, (fs::path(load) / "config.json").string());
  }
  const std::string &from = tokenizer.empty() ? load : tokenizer;
  if (!from.empty())
    for (const std::string &name : tokenizerNames)
      if (isThere(from, name))
        carried[name] = readModelFile(from, name);
  if (!tokenizer.empty() && carried.empty())
    throw Error("found no file of a tokenizer in --tokenizer " + tokenizer +
                ", expected tokenizer.json, tokenizer.model, vocab.json or "
                "others: give the directory that holds them");
  for (const std::string &directory : {tokenizer, load})
    if (!directory.empty() && !carried.count(generationName) &&
        isThere(directory, generationName))
      carried[generationName] = readModelFile(directory, generationName);
}

std::map<std::string, std::string> ModelFiles::filesFor(ValueType type) const {
  std::map<std::string, std::string> files = carried;
  if (config.empty())
    return files;
  nlohmann::json object = parseConfig(config, "config.json");
  // The old key is the one that all versions read.
  if (object.contains("dtype"))
    object["dtype"] = torchNameOf(type);
  if (object.contains("torch_dtype") || !object.contains("dtype"))
    object["torch_dtype"] = torchNameOf(type);
  // Keys ascend, as save_pretrained has them.
  files["config.json"] = object.dump(2, ' ', /*ensure_ascii=*/true) + "\n";
  return files;
}

void ModelFiles::write(const std::string &folder, ValueType type) const {
  for (const auto &[name, text] : filesFor(type)) {
    AtomicFile file((fs::path(folder) / name).string());
    file.write(text);
    file.commit();
  }
}
