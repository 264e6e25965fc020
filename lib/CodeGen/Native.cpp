//===- Native.cpp - The machine that code is made for ---------------------===//

#include "pp/CodeGen/Native.h"

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/StandardInstrumentations.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace llvm;

std::string pp::hostFeatures() {
  SubtargetFeatures features;
  for (const auto &[name, present] : sys::getHostCPUFeatures())
    features.AddFeature(name, present);
  std::vector<std::string> sorted = features.getFeatures();
  llvm::sort(sorted);
  return llvm::join(sorted, ",");
}

std::string pp::featuresOf(StringRef cpu, TargetMachine &machine) {
  std::unique_ptr<MCSubtargetInfo> info(
      machine.getTarget().createMCSubtargetInfo(machine.getTargetTriple(), cpu,
                                                ""));
  SubtargetFeatures features;
  for (const SubtargetFeatureKV &feature : info->getEnabledProcessorFeatures())
    features.AddFeature(feature.Key);
  return features.getString();
}

StringRef pp::findUnknownFeature(StringRef features,
                                 const TargetMachine &machine) {
  if (features.empty())
    return {};
  ArrayRef<SubtargetFeatureKV> known =
      machine.getMCSubtargetInfo()->getAllProcessorFeatures();
  SmallVector<StringRef> list;
  features.split(list, ',');
  for (StringRef feature : list) {
    StringRef name = feature;
    bool isSwitch = name.consume_front("+") || name.consume_front("-");
    if (!isSwitch || llvm::none_of(known, [&](const SubtargetFeatureKV &entry) {
          return name == entry.Key;
        }))
      return feature.empty() ? features : feature;
  }
  return {};
}

std::string pp::checkTarget(StringRef cpu, StringRef features) {
  std::string message;
  std::unique_ptr<TargetMachine> machine =
      createTargetMachine("", "", &message);
  if (!machine)
    return "found no LLVM target for this machine (" + message +
           "), expected LLVM with its target";
  StringRef arch = machine->getTargetTriple().getArchName();
  if (!cpu.empty() && !machine->getMCSubtargetInfo()->isCPUStringValid(cpu))
    return ("found CPU '" + cpu + "', expected one that LLVM knows for " +
            arch + "; llc-22 -mcpu=help lists them")
        .str();
  if (StringRef unknown = findUnknownFeature(features, *machine);
      !unknown.empty())
    return ("found feature '" + unknown +
            "', expected + or - and a feature that LLVM knows for " + arch +
            "; llc-22 -mattr=help lists them")
        .str();
  return "";
}

std::unique_ptr<TargetMachine>
pp::createTargetMachine(StringRef cpu, StringRef features, std::string *error) {
  static bool initialized = [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser();
    return true;
  }();
  (void)initialized;
  Triple triple(sys::getDefaultTargetTriple());
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target) {
    if (error)
      *error = message;
    return nullptr;
  }
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      triple, cpu.empty() ? sys::getHostCPUName() : cpu,
      features.empty() ? hostFeatures() : features.str(), TargetOptions(),
      Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

void pp::optimizeModule(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = true;
  tuning.LoopInterleaving = true;
  // Step and stage functions ask for no optimisation: calls one after the other
  // have nothing to gain, and there is one for each rank. Without this only the
  // code generator would listen.
  PassInstrumentationCallbacks callbacks;
  OptNoneInstrumentation optNone(/*DebugLogging=*/false);
  optNone.registerCallbacks(callbacks);
  PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2)
      .run(module, modules);
}
