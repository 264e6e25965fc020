//===- PipelineOptions.cpp - Options of the pipelines as text -------------===//
//
// All that is known of a single option stands in Options.td; here is how values
// are read, checked and written.
//
//===----------------------------------------------------------------------===//

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/Communication/Semantics.h"
#include "pp/Pipelines/Pipelines.h"
#include "pp/Pipelines/Targets.h"
#include "pp/Schedule/Load.h"

#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/StringSaver.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace pp;

/// "a, b or c".
static std::string listNames(ArrayRef<StringRef> names) {
  std::string text = llvm::join(names.drop_back(), ", ");
  return text + (names.size() > 1 ? " or " : "") + names.back().str();
}

std::string pp::describeOption(StringRef text) {
  const std::vector<std::string> &schedules = schedule::names();
  std::vector<StringRef> scheduleNames(schedules.begin(), schedules.end());
  const std::pair<StringRef, std::string> known[] = {
      {"{schedules}", listNames(scheduleNames)},
      {"{semantics}", communication::listSemantics()},
      {"{targets}", listNames(targetNames())},
      {"{chip}", kUsualChip.str()}};
  std::string described = text.str();
  for (const auto &[placeholder, words] : known)
    if (size_t at = described.find(placeholder.str()); at != std::string::npos)
      described.replace(at, placeholder.size(), words);
  return described;
}

/// Lives as long as options that are declared with it.
static StringRef describe(StringRef text) {
  static llvm::BumpPtrAllocator allocator;
  static llvm::UniqueStringSaver saver(allocator);
  return saver.save(describeOption(text));
}

static LogicalResult fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs()) << message << "\n";
  return failure();
}

static LogicalResult checkNumber(StringRef name, int64_t value, int64_t least,
                                 int64_t most) {
  if (value >= least && value <= most)
    return success();
  return fail("found " + name + "=" + Twine(value) + ", expected " +
              Twine(least) + " to " + Twine(most));
}

/// What stands at first need not be a name: empty is none.
static LogicalResult checkName(StringRef name, StringRef value,
                               StringRef initial, ArrayRef<StringRef> names) {
  if (value == initial || llvm::is_contained(names, value))
    return success();
  return fail("found " + name + "=" + value + ", expected " + listNames(names));
}

static void addText(std::string &text, StringRef name, StringRef value) {
  bool quotes = value.find_first_of(" '\"{}") != StringRef::npos;
  text += (text.empty() ? "" : " ") + name.str() + "=" + (quotes ? "{" : "") +
          value.str() + (quotes ? "}" : "");
}
static void addText(std::string &text, StringRef name, bool value) {
  addText(text, name, StringRef(value ? "true" : "false"));
}
static void addText(std::string &text, StringRef name, int64_t value) {
  addText(text, name, StringRef(std::to_string(value)));
}
static void addText(std::string &text, StringRef name, uint64_t value) {
  addText(text, name, StringRef(std::to_string(value)));
}

#include "pp/Pipelines/PipelineOptions.cpp.inc"

FailureOr<PipelineOptions> pp::parsePipelineOptions(StringRef text) {
  Declared declared;
  if (failed(declared.parseFromString(text)))
    return failure();
  PipelineOptions options = valuesOf(declared);
  if (failed(checkValues(options)))
    return failure();
  return options;
}

void pp::visitPipelineOptions(
    llvm::function_ref<void(const mlir::detail::PassOptions &)> visit) {
  visit(Declared());
}
