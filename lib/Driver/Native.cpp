//===- Native.cpp - LLVM IR and object files ------------------------------===//

#include "Native.h"

#include "pp/CodeGen/Native.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pp::driver;

Expected<std::unique_ptr<TargetMachine>>
pp::driver::createMachine(const CompileOptions &options) {
  std::string message;
  bool isNative = options.targetCPU == "native";
  StringRef cpu = isNative ? StringRef() : options.targetCPU;
  std::unique_ptr<TargetMachine> machine =
      pp::createTargetMachine("", "", &message);
  if (!machine)
    return createStringError("found no LLVM target for this machine (" +
                             message + "), expected LLVM with its target");
  if (!isNative &&
      !machine->getMCSubtargetInfo()->isCPUStringValid(options.targetCPU))
    return createStringError(
        "found '--target-cpu=" + options.targetCPU +
        "', expected native or a CPU that LLVM knows for " +
        machine->getTargetTriple().getArchName() +
        "; llc-22 -mcpu=help lists them");
  std::string features =
      isNative ? pp::hostFeatures() : pp::featuresOf(cpu, *machine);
  if (!options.targetFeatures.empty()) {
    StringRef unknown =
        pp::findUnknownFeature(options.targetFeatures, *machine);
    if (!unknown.empty())
      return createStringError(
          "found '" + unknown +
          "' in '--target-features=" + options.targetFeatures +
          "', expected + or - and a feature that LLVM knows for " +
          machine->getTargetTriple().getArchName() +
          "; llc-22 -mattr=help lists them");
    features += "," + options.targetFeatures;
  }
  machine = pp::createTargetMachine(cpu, features, &message);
  machine->setOptLevel(StringSwitch<CodeGenOptLevel>(options.optimization)
                           .Case("0", CodeGenOptLevel::None)
                           .Case("1", CodeGenOptLevel::Less)
                           .Case("2", CodeGenOptLevel::Default)
                           .Default(CodeGenOptLevel::Aggressive));
  return machine;
}

Expected<std::unique_ptr<Module>>
pp::driver::translate(mlir::ModuleOp module, LLVMContext &context,
                      TargetMachine &machine, const CompileOptions &options) {
  std::unique_ptr<Module> result = mlir::translateModuleToLLVMIR(
      module, context, module.getName().value_or("model"));
  if (!result)
    return createStringError("found IR that has no translation to LLVM, "
                             "expected the LLVM dialect only");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  if (options.optimization != "0")
    pp::optimizeModule(*result, machine);
  return result;
}

Error pp::driver::emitObject(Module &module, TargetMachine &machine,
                             raw_pwrite_stream &os) {
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  CodeGenFileType::ObjectFile))
    return createStringError("found a target that cannot write object files, "
                             "expected the host's");
  passes.run(module);
  return Error::success();
}
