//===- PPLowerPrograms.cpp - Stage functions and programs to LLVM ---------===//
//
// Everything native is made while the plan and rank levels are still there to
// be asked; then these are erased and the layer functions move in.
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"
#include "pp/Conversion/ProgramToLLVM/Passes.h"
#include "pp/TranslationValidation/TranslationValidation.h"

namespace pp {
#define GEN_PASS_DEF_PPLOWERPROGRAMS
#include "pp/Conversion/ProgramToLLVM/Passes.h.inc"
} // namespace pp

using namespace mlir;
using namespace pp;

SymbolIndices::SymbolIndices(ModuleOp module) {
  DenseMap<StringAttr, int64_t> counts;
  for (Operation &op : *module.getBody())
    if (auto name = SymbolTable::getSymbolName(&op)) {
      StringAttr kind = op.getName().getIdentifier();
      indices[{kind, name}] = counts[kind]++;
    }
}

/// @pp_program_description: the text, NUL terminated.
static void makeDescription(ModuleOp module, StringRef text) {
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  std::string terminated = text.str();
  terminated.push_back('\0');
  LLVM::GlobalOp::create(
      builder, module.getLoc(),
      LLVM::LLVMArrayType::get(builder.getI8Type(), terminated.size()),
      /*isConstant=*/true, LLVM::Linkage::External, "pp_program_description",
      builder.getStringAttr(terminated));
}

/// A table of functions that the runtime calls.
static void makeTable(ModuleOp module, StringRef name,
                      ArrayRef<StringRef> functions) {
  OpBuilder builder(module.getBodyRegion());
  builder.setInsertionPointToEnd(module.getBody());
  Location loc = module.getLoc();
  Type ptr = LLVM::LLVMPointerType::get(module.getContext());
  Type type = LLVM::LLVMArrayType::get(ptr, functions.size());
  auto global =
      LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                             LLVM::Linkage::External, name, Attribute());
  builder.createBlock(&global.getInitializerRegion());
  Value table = LLVM::UndefOp::create(builder, loc, type);
  for (auto [index, function] : llvm::enumerate(functions)) {
    Value address = LLVM::AddressOfOp::create(builder, loc, ptr, function);
    table = LLVM::InsertValueOp::create(builder, loc, table, address,
                                        ArrayRef<int64_t>{int64_t(index)});
  }
  LLVM::ReturnOp::create(builder, loc, table);
}

/// A function of the context that takes the addresses of its operands from an
/// array: those of arguments, of results that are not accumulated, and of the
/// workspace.
static StringRef makeEntry(func::FuncOp function) {
  OpBuilder builder(function);
  Location loc = function.getLoc();
  MLIRContext *context = builder.getContext();
  Type ptr = LLVM::LLVMPointerType::get(context);
  auto entry = LLVM::LLVMFuncOp::create(
      builder, loc, ("pp.entry." + function.getSymName()).str(),
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {ptr, ptr}),
      LLVM::Linkage::Internal);
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  int32_t count = function.getNumArguments() + 1;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    count += !function.getResultAttr(i, attr::kAccumulates);
  SmallVector<Value> operands = {entry.getArgument(0)};
  for (int32_t i = 0; i < count; ++i)
    operands.push_back(LLVM::LoadOp::create(
        builder, loc, ptr,
        LLVM::GEPOp::create(builder, loc, ptr, ptr, entry.getArgument(1),
                            ArrayRef<LLVM::GEPArg>{i})));
  LLVM::CallOp::create(builder, loc, TypeRange(), function.getSymName(),
                       operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return entry.getSymName();
}

/// Moves what pp-lower-layers made from its module into the outer one. Runtime
/// functions may be declared in both.
static LogicalResult spliceLayers(ModuleOp module) {
  DenseMap<StringAttr, Operation *> known;
  for (Operation &op : *module.getBody())
    if (auto name = SymbolTable::getSymbolName(&op))
      known[name] = &op;
  for (ModuleOp layers :
       llvm::make_early_inc_range(module.getOps<ModuleOp>())) {
    for (Operation &op : llvm::make_early_inc_range(*layers.getBody())) {
      if (auto name = SymbolTable::getSymbolName(&op)) {
        Operation *&other = known[name];
        if (other) {
          auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
          auto otherFunction = dyn_cast<LLVM::LLVMFuncOp>(other);
          if (function && otherFunction && function.isExternal() &&
              function.getFunctionType() == otherFunction.getFunctionType())
            continue;
          return op.emitOpError("found a second symbol '")
                 << name.getValue()
                 << "' in the module of the layers, expected it once";
        }
        other = &op;
      }
      op.moveBefore(module.getBody(), module.getBody()->end());
    }
    for (StringRef name : {LLVM::LLVMDialect::getTargetTripleAttrName(),
                           LLVM::LLVMDialect::getDataLayoutAttrName()})
      if (Attribute value = layers->getAttr(name))
        module->setAttr(name, value);
    layers.erase();
  }
  SymbolTable table(module);
  WalkResult walk = module.walk([&](LLVM::CallOp call) {
    if (!call.getCallee() || table.lookup(*call.getCallee()))
      return WalkResult::advance();
    call.emitError("found no code of '")
        << *call.getCallee()
        << "', expected an llvm.func in a nested module: run pp-lower-layers "
           "while layer functions have bodies";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

static LogicalResult verifyParameters(ModuleOp module) {
  for (ParameterOp parameter : module.getOps<ParameterOp>()) {
    auto type = cast<RankedTensorType>(parameter.getType());
    if (!type.getElementType().isF32() && !type.getElementType().isBF16())
      return parameter.emitOpError("found type ")
             << type
             << ", expected elements of f32, in which the runtime keeps "
                "parameters, or bf16 with a master in f32; cast in the layer";
  }
  return success();
}

/// Programs in the order of their coordinates, of which each has one; or none
/// at all.
static LogicalResult sortByPipe(SmallVectorImpl<ProgramOp> &programs,
                                size_t pipes) {
  llvm::sort(programs, [](ProgramOp a, ProgramOp b) {
    return a.getPipe() < b.getPipe();
  });
  for (auto [pipe, program] : llvm::enumerate(programs))
    if (uint64_t(program.getPipe()) != pipe)
      return program.emitOpError("found pipe coordinate ")
             << program.getPipe() << ", expected " << pipe
             << ": one program for each coordinate from 0 to " << pipes - 1;
  if (!programs.empty() && programs.size() != pipes)
    return programs.back().emitOpError("found programs that evaluate on ")
           << programs.size() << " pipe coordinates, expected one for each of "
           << pipes;
  return success();
}

namespace {
struct LowerPrograms : pp::impl::PPLowerProgramsBase<LowerPrograms> {
  using PPLowerProgramsBase::PPLowerProgramsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!fault.empty() && fault != "share-places") {
      module.emitError("found fault=")
          << fault << ", expected none or share-places";
      return signalPassFailure();
    }
    SymbolTableCollection symbols;
    SmallVector<Operation *> planned;
    for (Operation &op : *module.getBody())
      if (isa<func::FuncOp>(op) || isa_and_nonnull<PPDialect>(op.getDialect()))
        planned.push_back(&op);

    SmallVector<ProgramOp> programs = getPrograms(module, ProgramKind::Step);
    if (programs.empty()) {
      module.emitError(
          "found no pp.program, expected one for each pipe coordinate; run "
          "pp-project-ranks and pp-plan-memory first");
      return signalPassFailure();
    }
    SmallVector<ProgramOp> evaluations =
        getPrograms(module, ProgramKind::Evaluation);
    if (failed(sortByPipe(programs, programs.size())) ||
        failed(sortByPipe(evaluations, programs.size())))
      return signalPassFailure();

    // First: ops of programs would report it without the parameter's location.
    if (failed(verifyParameters(module)))
      return signalPassFailure();
    // What is lowered is what has been proven, whoever wrote it.
    if (failed(verifyMemory(module)))
      return signalPassFailure();

    // Programs look stage functions up by name: the symbol table is that of
    // before, in which they are func.funcs.
    CallTarget target(module);
    NativeStages stages;
    for (func::FuncOp stage : getStageFunctions(module, symbols))
      if (failed(stages.lower(stage, symbols, target)))
        return signalPassFailure();
    SymbolIndices indices(module);
    const StepFunctions functions(module);
    // What a step has comes first: an evaluation goes on behind it.
    SmallVector<LoweredProgram> lowered, loweredEvaluations;
    for (ProgramKind kind : {ProgramKind::Step, ProgramKind::Evaluation}) {
      const bool isStep = kind == ProgramKind::Step;
      for (ProgramOp program : isStep ? programs : evaluations) {
        FailureOr<LoweredProgram> one =
            lowerProgram(program, stages, indices, symbols, functions, target,
                         isStep ? nullptr : &lowered[program.getPipe()],
                         /*sharePlaces=*/fault == "share-places");
        if (failed(one))
          return signalPassFailure();
        (isStep ? lowered : loweredEvaluations).push_back(std::move(*one));
      }
    }
    FailureOr<std::string> description = describePrograms(
        module, lowered, loweredEvaluations, symbols, functions);
    if (failed(description))
      return signalPassFailure();
    // While both are there.
    if (validate && failed(validateLowering(module, *description)))
      return signalPassFailure();
    if (mutations > 0)
      reportMutations(module, *description);
    makeDescription(module, *description);
    SmallVector<StringRef> steps, entries;
    for (LoweredProgram &each :
         llvm::concat<LoweredProgram>(lowered, loweredEvaluations))
      steps.push_back(each.step.getSymName());
    for (func::FuncOp function : functions.getAll())
      entries.push_back(makeEntry(function));
    makeTable(module, "pp_program_steps", steps);
    makeTable(module, "pp_program_functions", entries);
    for (Operation *op : llvm::reverse(planned))
      op->erase();
    if (failed(spliceLayers(module)))
      signalPassFailure();
  }

  void reportMutations(ModuleOp module, StringRef description) {
    MutationCount count = countRefusedMutations(module, description, mutations);
    InFlightDiagnostic remark = module.emitRemark("refused ")
                                << count.refused << " of " << count.tried
                                << " changes";
    for (const std::string &missed : count.missed)
      remark.attachNote() << "not refused: " << missed;
  }
};
} // namespace
