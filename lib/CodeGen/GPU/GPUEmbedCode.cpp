//===- GPUEmbedCode.cpp - The code of the kernels as data -----------------===//

#include "pp/CodeGen/GPU/Chip.h"
#include "pp/CodeGen/GPU/Passes.h"
#include "pp/CodeGen/GPU/Ptxas.h"
#include "pp/Dialect/Kernel/IR/StructLayout.h"

#include "pprt_gpu.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"

namespace pp {
#define GEN_PASS_DEF_GPUEMBEDCODE
#include "pp/CodeGen/GPU/Passes.h.inc"
} // namespace pp

using namespace mlir;

PP_DEFINE_STRUCT_FIELDS(imageFields, pprt_gpu_image, PPRT_GPU_IMAGE_FIELDS)
PP_DEFINE_STRUCT_FIELDS(kernelFields, pprt_gpu_kernel, PPRT_GPU_KERNEL_FIELDS)
PP_DEFINE_STRUCT_FIELDS(codeFields, pprt_gpu_code, PPRT_GPU_CODE_FIELDS)

namespace {
/// Values of the fields are given in their order; types are checked against the
/// structs, as LLVM checks what is inserted.
class Embedding {
public:
  Embedding(ModuleOp module)
      : module(module), builder(OpBuilder::atBlockEnd(module.getBody())),
        loc(module.getLoc()),
        ptr(LLVM::LLVMPointerType::get(module.getContext())),
        i32(builder.getI32Type()), i64(builder.getI64Type()) {}

  void addImage(StringRef chip, bool isPtx, StringRef data) {
    std::string bytes = data.str();
    if (isPtx)
      bytes.push_back('\0');
    images.push_back(
        {chip.str(), isPtx,
         makeString("pp.gpu.image." + std::to_string(images.size()), bytes),
         static_cast<int64_t>(bytes.size())});
  }

  LogicalResult finish() {
    auto kernels = module->getAttrOfType<ArrayAttr>("pp.gpu_kernels");
    LLVM::LLVMStructType imageType = typeOf(imageFields({}));
    LLVM::LLVMStructType kernelType = typeOf(kernelFields({}));
    int64_t numKernels = kernels ? kernels.size() : 0;

    for (auto [i, image] : llvm::enumerate(images))
      image.chip =
          makeString("pp.gpu.chip." + std::to_string(i), image.chip + '\0');
    makeTable("pp.gpu.images", imageType, images.size(), [&](int64_t i) {
      const Image &image = images[i];
      return SmallVector<Value>{address(image.chip), number(image.isPtx, i32),
                                address(image.data), number(image.size, i64)};
    });

    SmallVector<std::string> names, hosts;
    for (int64_t i = 0; i < numKernels; ++i) {
      auto kernel = cast<DictionaryAttr>(kernels[i]);
      StringRef name = kernel.getAs<StringAttr>("name").getValue();
      names.push_back(
          makeString("pp.gpu.name." + std::to_string(i), name.str() + '\0'));
      FailureOr<std::string> host = makeHost(name);
      if (failed(host))
        return failure();
      hosts.push_back(*host);
    }
    makeTable("pp.gpu.kernels", kernelType, numKernels, [&](int64_t i) {
      auto kernel = cast<DictionaryAttr>(kernels[i]);
      auto field = [&](StringRef name) {
        return number(kernel.getAs<IntegerAttr>(name).getInt(), i32);
      };
      int64_t bytes = kernel.getAs<IntegerAttr>("bytes").getInt();
      Value host = hosts[i].empty()
                       ? Value(LLVM::ZeroOp::create(builder, loc, ptr))
                       : address(hosts[i]);
      return SmallVector<Value>{address(names[i]),
                                field("arguments"),
                                field("shared"),
                                field("threads"),
                                host,
                                number(bytes, i64)};
    });

    auto libraries = module->getAttrOfType<IntegerAttr>("pp.gpu_libraries");
    LLVM::LLVMStructType codeType = typeOf(codeFields({}));
    makeGlobal("pprt_gpu_program_code", codeType, LLVM::Linkage::External, [&] {
      return fill(codeType,
                  {number(images.size(), i32), number(numKernels, i32),
                   address("pp.gpu.images"), address("pp.gpu.kernels"),
                   number(libraries ? libraries.getInt() : 0, i32)});
    });
    module->removeAttr("pp.gpu_kernels");
    module->removeAttr("pp.gpu_libraries");
    module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
    return success();
  }

private:
  struct Image {
    std::string chip;
    bool isPtx;
    std::string data;
    int64_t size;
  };

  LLVM::LLVMStructType typeOf(ArrayRef<pp::StructField> fields) {
    return cast<LLVM::LLVMStructType>(
        pp::structTypeOf(builder.getContext(), fields));
  }
  Value number(int64_t value, Type type) {
    return LLVM::ConstantOp::create(builder, loc, type, value);
  }
  Value address(StringRef name) {
    return LLVM::AddressOfOp::create(builder, loc, ptr, name);
  }
  Value fill(Type type, ValueRange values) {
    Value whole = LLVM::UndefOp::create(builder, loc, type);
    for (auto [i, value] : llvm::enumerate(values))
      whole = LLVM::InsertValueOp::create(builder, loc, whole, value, i);
    return whole;
  }

  std::string makeString(std::string name, StringRef bytes) {
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    auto global = LLVM::GlobalOp::create(
        builder, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
        builder.getStringAttr(bytes));
    global.setAlignment(16);
    return name;
  }

  void makeGlobal(StringRef name, Type type, LLVM::Linkage linkage,
                  llvm::function_ref<Value()> value) {
    auto global =
        LLVM::GlobalOp::create(builder, loc, type,
                               /*isConstant=*/true, linkage, name, Attribute());
    OpBuilder::InsertionGuard guard(builder);
    builder.createBlock(&global.getInitializerRegion());
    LLVM::ReturnOp::create(builder, loc, value());
  }

  void makeTable(StringRef name, LLVM::LLVMStructType type, int64_t count,
                 llvm::function_ref<SmallVector<Value>(int64_t)> row) {
    // An empty table still has an address.
    auto array = LLVM::LLVMArrayType::get(type, std::max<int64_t>(count, 1));
    makeGlobal(name, array, LLVM::Linkage::Internal, [&]() -> Value {
      Value whole = LLVM::ZeroOp::create(builder, loc, array);
      for (int64_t i = 0; i < count; ++i)
        whole = LLVM::InsertValueOp::create(builder, loc, whole,
                                            fill(type, row(i)), i);
      return whole;
    });
  }

  /// The function that takes a launch's arguments and calls the emulated
  /// kernel; empty if there is none.
  FailureOr<std::string> makeHost(StringRef kernel) {
    auto callee =
        module.lookupSymbol<LLVM::LLVMFuncOp>((kernel + ".emulated").str());
    if (!callee)
      return std::string();
    std::string name = (kernel + ".host").str();
    auto function = LLVM::LLVMFuncOp::create(
        builder, loc, name,
        LLVM::LLVMFunctionType::get(
            LLVM::LLVMVoidType::get(builder.getContext()), {ptr}),
        LLVM::Linkage::Internal);
    ArrayRef<int64_t> shared =
        callee->getAttrOfType<DenseI64ArrayAttr>("pp.shared").asArrayRef();
    ArrayRef<Type> types = callee.getFunctionType().getParams();
    FailureOr<LLVM::LLVMFuncOp> sharedMemory = LLVM::lookupOrCreateFn(
        builder, module, "pprt_gpu_host_shared", {i32, i64}, ptr);
    if (failed(sharedMemory))
      return failure();
    OpBuilder::InsertionGuard guard(builder);
    Block *entry = function.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    SmallVector<Value> operands;
    for (auto [i, type] : llvm::enumerate(types.drop_back(shared.size()))) {
      Value slot = LLVM::LoadOp::create(
          builder, loc, ptr,
          LLVM::GEPOp::create(builder, loc, ptr, ptr, entry->getArgument(0),
                              ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)}));
      operands.push_back(LLVM::LoadOp::create(builder, loc, type, slot));
    }
    for (auto [i, bytes] : llvm::enumerate(shared))
      operands.push_back(
          LLVM::CallOp::create(builder, loc, *sharedMemory,
                               ValueRange{number(i, i32), number(bytes, i64)})
              .getResult());
    LLVM::CallOp::create(builder, loc, callee, operands);
    LLVM::ReturnOp::create(builder, loc, ValueRange());
    return name;
  }

  ModuleOp module;
  OpBuilder builder;
  Location loc;
  Type ptr, i32, i64;
  SmallVector<Image> images;
};

struct GPUEmbedCode : pp::impl::GPUEmbedCodeBase<GPUEmbedCode> {
  using GPUEmbedCodeBase::GPUEmbedCodeBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (pp::findChip(chip))
      return success();
    return emitError(UnknownLoc::get(context)) << pp::unknownChip(chip);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Embedding embedding(module);
    for (auto binary :
         llvm::make_early_inc_range(module.getOps<gpu::BinaryOp>())) {
      for (Attribute object : binary.getObjects()) {
        StringRef ptx = cast<gpu::ObjectAttr>(object).getObject().getValue();
        // With or without the final zero.
        ptx = ptx.rtrim('\0');
        embedding.addImage(chip, /*isPtx=*/true, ptx);
        if (ptxas.empty())
          continue;
        FailureOr<pp::Assembled> assembled =
            pp::assemble(ptxas, chip, ptx, module.getLoc());
        if (failed(assembled))
          return signalPassFailure();
        embedding.addImage(chip, /*isPtx=*/false, assembled->cubin);
      }
      binary.erase();
    }
    if (failed(embedding.finish()))
      signalPassFailure();
  }
};
} // namespace
