#include "DataSet.h"

#include "Error.h"

#include <charconv>
#include <cmath>
#include <sys/stat.h>

using namespace pprt;

DataSource DataSource::parse(const std::string &text) {
  DataSource source{text};
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return source;
  double weight = 0;
  const char *end = text.data() + text.size();
  auto [last, error] = std::from_chars(text.data() + colon + 1, end, weight);
  if (error == std::errc::invalid_argument || last != end)
    return source; // part of the name
  if (error != std::errc() || !std::isfinite(weight) || !(weight > 0))
    throw Error("found --data with the weight '" + text.substr(colon + 1) +
                "' in '" + text +
                "', expected a positive finite number: a file whose name ends "
                "so is given with its weight, as '" +
                text + ":1'");
  source.path.resize(colon);
  source.weight = weight;
  return source;
}

/// A weight may have been part of the name.
static std::string hintOf(const std::string &text, const std::string &path) {
  struct stat info;
  if (text == path || stat(text.c_str(), &info) != 0)
    return "";
  return "; '" + text + "' is a file: give it as '" + text + ":1'";
}

DataSet::DataSet(const DataOptions &options) : windowOrder(options.order) {
  bool readsTokens = false; // to find documents by
  for (const std::string &text : options.files) {
    const DataSource source = DataSource::parse(text);
    try {
      files.push_back(std::make_unique<TokenFile>(source.path, options.format,
                                                  options.documents));
    } catch (const Error &error) {
      throw Error(error.what() + hintOf(text, source.path));
    }
    fileWeights.push_back(source.weight);
    readsTokens |= !files.back()->hasIndex();
  }
  if (!readsTokens &&
      (options.documents.end >= 0 || options.documents.begin >= 0))
    throw Error(
        std::string("found ") +
        (options.documents.end >= 0 ? "--document-end" : "--document-begin") +
        " with files whose index knows documents, expected none of "
        "them: leave the option away");
}

std::vector<uint64_t> DataSet::tokens() const {
  std::vector<uint64_t> result;
  for (const auto &file : files)
    result.push_back(file->tokens());
  return result;
}

void DataSet::checkUnchanged() {
  for (const auto &file : files)
    file->checkUnchanged();
}
