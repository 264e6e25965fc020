//===- Emit.cpp - Checks as a program -------------------------------------===//
//
// Two object files, of which one has the functions for the device, the other
// the same for the host with a table of both (runtime/check/CheckMain.cpp reads
// it). Their functions get a prefix each: names of a file may be those of C.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

#include "pp/CodeGen/Native.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

static int64_t workspaceOf(pp::LoweredModule module, StringRef name) {
  auto function = module.lowered.lookupSymbol<LLVM::LLVMFuncOp>(name);
  return function->getAttrOfType<IntegerAttr>("pp.workspace").getInt();
}

/// The text that CheckMain.cpp reads.
static std::string tableOf(pp::LoweredModule device,
                           pp::LoweredModule reference) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto function : device.source.getOps<func::FuncOp>()) {
    StringRef name = function.getName();
    auto wide = reference.source.lookupSymbol<func::FuncOp>(name);
    // With its length before it: a name may have spaces and ends of lines.
    os << "function " << workspaceOf(device, name) << " "
       << workspaceOf(reference, name) << " " << name.size() << " " << name
       << "\n";
    auto value = [&](StringRef kind, Type narrowType, Type wideType) {
      auto narrow = cast<RankedTensorType>(narrowType);
      os << kind << " " << narrow.getElementType() << " "
         << cast<RankedTensorType>(wideType).getElementType() << " "
         << narrow.getNumElements();
    };
    for (auto [a, b] :
         llvm::zip_equal(function.getArgumentTypes(), wide.getArgumentTypes()))
      if (isa<RankedTensorType>(a)) {
        value("argument", a, b);
        os << "\n";
      } else {
        os << "key\n";
      }
    for (auto [i, a, b] :
         llvm::enumerate(function.getResultTypes(), wide.getResultTypes())) {
      value("result", a, b);
      auto into =
          function.getResultAttrOfType<IntegerAttr>(i, "pp.accumulates");
      os << " " << (into ? into.getInt() : -1) << "\n";
    }
  }
  return text;
}

/// The module in LLVM IR; what functions it defines gets `prefix`.
static std::unique_ptr<llvm::Module> translate(ModuleOp module,
                                               llvm::LLVMContext &context,
                                               StringRef prefix,
                                               llvm::TargetMachine &machine) {
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, prefix);
  if (!result)
    return nullptr;
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *result)
    if (!function.isDeclaration() && !function.hasLocalLinkage())
      function.setName(prefix + function.getName());
  return result;
}

/// pprt_check_table and pprt_check_functions.
static void addTable(llvm::Module &module, StringRef text, ModuleOp source) {
  auto add = [&](StringRef name, llvm::Constant *data) {
    new llvm::GlobalVariable(module, data->getType(), /*isConstant=*/true,
                             llvm::GlobalValue::ExternalLinkage, data, name);
  };
  llvm::LLVMContext &context = module.getContext();
  add("pprt_check_table", llvm::ConstantDataArray::getString(context, text));
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), false);
  SmallVector<llvm::Constant *> addresses;
  for (auto function : source.getOps<func::FuncOp>())
    for (StringRef prefix : {"device.", "reference."})
      addresses.push_back(cast<llvm::Constant>(
          module.getOrInsertFunction((prefix + function.getName()).str(), type)
              .getCallee()));
  auto *array = llvm::ArrayType::get(llvm::PointerType::get(context, 0),
                                     addresses.size());
  add("pprt_check_functions", llvm::ConstantArray::get(array, addresses));
}

static llvm::Error writeObject(const Twine &path, llvm::Module &module,
                               llvm::TargetMachine &machine) {
  pp::optimizeModule(module, machine);
  std::error_code code;
  llvm::raw_fd_ostream os(path.str(), code);
  if (code)
    return llvm::createStringError("cannot write '" + path +
                                   "': " + code.message());
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("found a target that cannot write object "
                                   "files, expected the host's");
  passes.run(module);
  return llvm::Error::success();
}

llvm::Error pp::emitCheck(StringRef prefix, LoweredModule device,
                          LoweredModule reference, StringRef cpu,
                          StringRef features) {
  registerBuiltinDialectTranslation(*device.lowered.getContext());
  registerLLVMDialectTranslation(*device.lowered.getContext());
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine =
      createTargetMachine(cpu, features, &error);
  if (!machine)
    return llvm::createStringError(error);
  llvm::LLVMContext context;
  auto first = translate(device.lowered, context, "device.", *machine);
  auto second = translate(reference.lowered, context, "reference.", *machine);
  if (!first || !second)
    return llvm::createStringError("the input has no translation to LLVM");
  addTable(*second, tableOf(device, reference), device.source);
  if (llvm::Error failed = writeObject(prefix + ".device.o", *first, *machine))
    return failed;
  return writeObject(prefix + ".reference.o", *second, *machine);
}
