//===- JIT.cpp - Layer functions in this process --------------------------===//

#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Native.h"

#include "pprt_ids.h"
#include "pprt_kernels.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ExecutionEngine/JITSymbol.h"
#include "llvm/ExecutionEngine/Orc/CoreContainers.h"
#include "llvm/ExecutionEngine/Orc/Mangling.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

template <typename Function>
static void addSymbol(llvm::orc::SymbolMap &symbols,
                      llvm::orc::MangleAndInterner &intern, StringRef name,
                      Function *function) {
  symbols[intern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function),
                           llvm::JITSymbolFlags::Exported};
}

void pp::callWithContext(void *function, void *context,
                         ArrayRef<void *> arguments) {
  assert(arguments.size() < 32 && "more arguments than a call takes");
  void *a[32] = {context};
  llvm::copy(arguments, a + 1);
  // Surplus arguments lie on the stack and hurt nobody in the C convention.
#define A8(n)                                                                  \
  a[n], a[n + 1], a[n + 2], a[n + 3], a[n + 4], a[n + 5], a[n + 6], a[n + 7]
  using P = void *;
  using Function = void (*)(P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P,
                            P, P, P, P, P, P, P, P, P, P, P, P, P, P, P);
  reinterpret_cast<Function>(function)(A8(0), A8(8), A8(16), A8(24));
#undef A8
}

void pp::checkIdsOrExit(void *, const char *reader, const void *ids,
                        int64_t count, int64_t stride, int32_t bits,
                        int64_t size, int64_t ignored) {
  pprt::IdRange range{reader, size, ignored};
  if (auto id = pprt::findIdOutOf(range, ids, count, stride, bits)) {
    llvm::errs() << "error: " << pprt::describeIdOutOf(range, *id, "") << "\n";
    std::exit(1);
  }
}

llvm::Expected<std::unique_ptr<ExecutionEngine>>
pp::createJIT(ModuleOp module,
              llvm::ArrayRef<std::pair<llvm::StringRef, void *>> more) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  if (const char *error = pprt_kernels_error())
    return llvm::createStringError(error);
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine =
      createTargetMachine("", "", &error);
  if (!machine)
    return llvm::createStringError(error);
  llvm::TargetMachine *target = machine.get();
  ExecutionEngineOptions options;
  auto optimize = [target](llvm::Module *llvmModule) {
    optimizeModule(*llvmModule, *target);
    return llvm::Error::success();
  };
  options.transformer = optimize;
  auto engine = ExecutionEngine::create(module, options, std::move(machine));
  if (!engine)
    return engine.takeError();
  (*engine)->registerSymbols([&](llvm::orc::MangleAndInterner intern) {
    llvm::orc::SymbolMap symbols;
#define PP_KERNEL(name) addSymbol(symbols, intern, #name, &name)
    PP_KERNEL(pprt_sgemm);
    PP_KERNEL(pprt_sgemm_batched);
    PP_KERNEL(pprt_attention_forward_f32);
    PP_KERNEL(pprt_attention_backward_f32);
    PP_KERNEL(pprt_gemm_bf16);
    PP_KERNEL(pprt_gemm_bf16_batched);
    PP_KERNEL(pprt_attention_forward_bf16);
    PP_KERNEL(pprt_attention_backward_bf16);
#undef PP_KERNEL
    addSymbol(symbols, intern, "pprt_check_ids", &checkIdsOrExit);
    for (auto [name, address] : more)
      addSymbol(symbols, intern, name, address);
    return symbols;
  });
  return engine;
}
