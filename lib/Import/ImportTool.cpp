//===- ImportTool.cpp - The command line of pp-import ---------------------===//

#include "Decoder.h"
#include "Json.h"

#include "pp/Import/Import.h"
#include "pp/Support/OutputFile.h"

#include <CLI/CLI.hpp>

#include <cctype>
#include <cstdio>
#include <filesystem>

using namespace pp::hf;

namespace {
struct Options {
  std::string directory, output, name, sequence, batch;
  ConfigOptions config;
  bool fromScratch = false, packsDocuments = false, check = false, json = false;
};
} // namespace

static int64_t readCount(const std::string &option, const std::string &text) {
  constexpr int64_t most = 1 << 24;
  int64_t value = 0;
  bool isNumber = !text.empty() && text.size() <= 8;
  for (char c : text) {
    isNumber &= std::isdigit(static_cast<unsigned char>(c)) != 0;
    value = isNumber ? 10 * value + (c - '0') : 0;
  }
  if (!isNumber || value < 1 || value > most)
    throw Failure{{"found " + option + "=" + text +
                   ", expected a whole number from 1 to 2^24: correct it"},
                  2};
  return value;
}

/// What one option says about another.
static void checkOptions(const Options &o) {
  std::vector<std::string> errors;
  auto needs = [&](const std::string &value, const std::string &option,
                   const std::string &remedy) {
    if (value.empty())
      errors.push_back("found no " + option + ", expected it: write " + remedy);
  };
  auto excludes = [&](bool isGiven, const std::string &option) {
    if (isGiven)
      errors.push_back("found " + option +
                       " with --check, which writes no model: drop one");
  };
  needs(o.directory, "directory", "pp-import DIR ...");
  if (o.check) {
    excludes(!o.output.empty(), "-o");
    excludes(!o.batch.empty(), "--batch");
    excludes(!o.name.empty(), "--name");
    excludes(o.fromScratch, "--from-scratch");
    excludes(o.packsDocuments, "--pack-documents");
  } else {
    needs(o.sequence, "--sequence", "--sequence=S, tokens of a sequence");
    needs(o.batch, "--batch", "--batch=B, sequences of a micro-batch");
    needs(o.output, "-o", "-o model.mlir, or -o - for standard output");
    if (o.json)
      errors.push_back("found --json without --check, expected both: drop it");
  }
  for (char c : o.name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') {
      errors.push_back("found --name=" + o.name +
                       ", expected letters, digits and _: correct it");
      break;
    }
  if (!o.name.empty() && std::isdigit(static_cast<unsigned char>(o.name[0])))
    errors.push_back("found --name=" + o.name +
                     ", expected a letter or _ first: correct it");
  if (!errors.empty())
    throw Failure{errors, 2};
}

static void importModel(const Options &o) {
  checkOptions(o);
  const int64_t sequence =
      o.sequence.empty() ? 0 : readCount("--sequence", o.sequence);
  const int64_t batch = o.batch.empty() ? 0 : readCount("--batch", o.batch);
  const std::filesystem::path directory = o.directory;
  const Decoder decoder =
      readConfig((directory / "config.json").string(), o.config);
  if (o.check) {
    const std::string text =
        describe(decoder, sequence ? sequence : decoder.positions, o.json);
    std::fputs(text.c_str(), stdout);
    return;
  }
  const std::string model = writeModel(
      decoder, {sequence, batch, o.name.empty() ? decoder.modelType : o.name,
                o.packsDocuments});
  if (!o.fromScratch)
    checkWeights(o.directory, decoder);
  if (o.output == "-")
    std::fwrite(model.data(), 1, model.size(), stdout);
  else if (std::string error = pp::writeFile(o.output, model); !error.empty())
    throw Failure{{error}};
}

static int fail(const std::string &message, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "pp-import: error: %s\n", message.c_str());
  return status;
}

int pp::hf::run(int argc, const char *const *argv) {
  CLI::App app(
      "pp-import: a model of Hugging Face, by its config.json, as MLIR "
      "for pp-compile\n\n"
      "Reads gpt2, llama, mistral, qwen2 and qwen3. What it does not "
      "know is an error.",
      "pp-import");
  app.footer(
      "EXAMPLES:\n"
      "  pp-import Llama-3.1-8B --sequence=8192 --batch=1 -o llama.mlir\n"
      "  pp-import --check Llama-3.1-8B");
  Options o;
  app.add_option("DIR", o.directory,
                 "directory with config.json, and with model.safetensors or "
                 "model.safetensors.index.json");
  app.add_option("--sequence", o.sequence, "tokens of a sequence")
      ->type_name("S");
  app.add_option("--batch", o.batch, "sequences of a micro-batch")
      ->type_name("B");
  app.add_option("-o", o.output, "file to write, or - for standard output")
      ->type_name("FILE");
  app.add_option("--name", o.name, "of the model (its model_type)")
      ->type_name("NAME");
  app.add_flag("--from-scratch", o.fromScratch,
               "look for no weights: training starts from initial values, "
               "drawn by initializer_range");
  app.add_flag("--pack-documents", o.packsDocuments,
               "keep the documents of a sequence apart: attention sees its own "
               "document only, and the target behind its end is ignored");
  app.add_flag("--no-dropout", o.config.noDropout,
               "leave out all dropouts of config.json");
  app.add_option("--ignore-key", o.config.ignoredKeys,
                 "accept a key of config.json that the tool does not know; may "
                 "be repeated")
      ->type_name("KEY");
  app.add_flag("--check", o.check,
               "print what would be trained: sizes, FLOPs and bytes, at "
               "--sequence or the longest one");
  app.add_flag("--json", o.json, "with --check: print JSON");
  try {
    app.parse(argc, argv);
    importModel(o);
    if (std::fflush(stdout) != 0)
      return fail("cannot write to standard output", 1);
    return 0;
  } catch (const CLI::CallForHelp &) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError &error) {
    return fail(std::string(error.what()) + "; see pp-import --help", 2);
  } catch (const Failure &failure) {
    for (const std::string &message : failure.messages)
      fail(message, failure.status);
    return failure.status;
  }
}
