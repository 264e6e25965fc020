//===- CallBuilder.cpp - Operands of library calls ------------------------===//
//
// All shapes and strides are static here: a call is pointers and constants. A
// matrix whose columns, not rows, are contiguous is the transpose of one whose
// rows are, so it costs a flag and no copy.
//
//===----------------------------------------------------------------------===//

#include "pp/Dialect/Kernel/IR/CallBuilder.h"

#include "pprt_gpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace pp;

void pp::addContexts(ModuleOp module) {
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPublic() && !function.isExternal()) {
      LogicalResult inserted = function.insertArgument(
          0, pointer, DictionaryAttr(), function.getLoc());
      assert(succeeded(inserted) && "an argument can stand in front");
      (void)inserted;
    }
}

FailureOr<Value> CallBuilder::context() {
  auto function = op->getParentOfType<func::FuncOp>();
  // Buffers are memrefs still: no other argument is a pointer.
  if (function && function.getNumArguments() > 0 &&
      isa<LLVM::LLVMPointerType>(function.getArgument(0).getType()))
    return Value(function.getArgument(0));
  return op->emitOpError("found in a private function, expected a public one, "
                         "which has the runtime's context as an argument");
}

Value CallBuilder::i32(int64_t value) {
  return LLVM::ConstantOp::create(builder, op->getLoc(), builder.getI32Type(),
                                  value);
}

Value CallBuilder::i64(int64_t value) {
  return LLVM::ConstantOp::create(builder, op->getLoc(), builder.getI64Type(),
                                  value);
}

Value CallBuilder::f32(double value) {
  return LLVM::ConstantOp::create(builder, op->getLoc(),
                                  builder.getF32FloatAttr(value));
}

FailureOr<Value> CallBuilder::base(Value buffer) {
  Location loc = op->getLoc();
  Value address = arith::IndexCastOp::create(
      builder, loc, builder.getI64Type(),
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer));
  auto pointerType = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::IntToPtrOp::create(builder, loc, pointerType, address)
      .getResult();
}

FailureOr<Value> CallBuilder::pointer(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(offset))
    return op->emitOpError("found operand of type ")
           << type << ", expected a static offset";
  FailureOr<Value> result = base(buffer);
  if (succeeded(result) && offset != 0)
    result =
        LLVM::GEPOp::create(
            builder, op->getLoc(), result->getType(), type.getElementType(),
            *result, ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)})
            .getResult();
  return result;
}

FailureOr<Matrix> CallBuilder::matrix(Value buffer, bool mayTranspose) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) ||
      llvm::is_contained(strides, ShapedType::kDynamic))
    return op->emitOpError("found operand of type ")
           << type << ", expected static strides";
  Matrix matrix;
  int64_t rank = type.getRank();
  int64_t rows = type.getDimSize(rank - 2), columns = type.getDimSize(rank - 1);
  int64_t rowStride = strides[rank - 2], columnStride = strides[rank - 1];
  // The stride of a dimension of size 1 means nothing.
  if (columnStride == 1 || columns == 1) {
    // A column of distant elements is a matrix of rows of one element.
    matrix.leading = rows == 1 ? columns : rowStride;
  } else if (mayTranspose && (rowStride == 1 || rows == 1)) {
    matrix.leading = columnStride;
    matrix.transposed = true;
  } else {
    return op->emitOpError("found operand of type ")
           << type << ", expected contiguous rows; copy it first";
  }
  if (rank == 3)
    matrix.stride = strides[0];
  FailureOr<Value> address = pointer(buffer);
  if (failed(address))
    return failure();
  matrix.pointer = *address;
  return matrix;
}

Type pp::structTypeOf(MLIRContext *context, ArrayRef<StructField> fields) {
  SmallVector<Type> types;
  for (const StructField &field : fields) {
    switch (field.kind) {
    case StructField::Int32:
      types.push_back(IntegerType::get(context, 32));
      break;
    case StructField::Int64:
      types.push_back(IntegerType::get(context, 64));
      break;
    case StructField::Float32:
      types.push_back(Float32Type::get(context));
      break;
    case StructField::Address:
      types.push_back(LLVM::LLVMPointerType::get(context));
      break;
    }
  }
  return LLVM::LLVMStructType::getLiteral(context, types);
}

Value CallBuilder::structOnStack(ArrayRef<StructField> fields) {
  Location loc = op->getLoc();
  Type type = structTypeOf(builder.getContext(), fields);
  SmallVector<Value> values;
  for (const StructField &field : fields)
    values.push_back(field.kind == StructField::Float32 ? f32(field.number)
                     : field.kind == StructField::Int64 ? i64(field.integer)
                                                        : i32(field.integer));
  auto pointerType = LLVM::LLVMPointerType::get(builder.getContext());
  Value address = LLVM::AllocaOp::create(builder, loc, pointerType, type,
                                         i64(1), /*alignment=*/8);
  for (auto [i, value] : llvm::enumerate(values)) {
    Value place =
        LLVM::GEPOp::create(builder, loc, pointerType, type, address,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    LLVM::StoreOp::create(builder, loc, value, place);
  }
  return address;
}

Value CallBuilder::null() {
  return LLVM::ZeroOp::create(builder, op->getLoc(),
                              LLVM::LLVMPointerType::get(builder.getContext()));
}

FailureOr<int32_t> DeviceCallBuilder::typeOf(Value buffer) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  if (element.isF32())
    return PPRT_GPU_F32;
  if (element.isBF16())
    return PPRT_GPU_BF16;
  if (element.isF64())
    return PPRT_GPU_F64;
  return op->emitOpError("found elements of type ")
         << element << ", expected f32, bf16 or f64";
}

DictionaryAttr DeviceCallBuilder::cost(const Twine &name, StringRef kind,
                                       int64_t bytes, int64_t least,
                                       double operations, StringRef element) {
  NamedAttrList fields(
      {builder.getNamedAttr("name", builder.getStringAttr(name)),
       builder.getNamedAttr("kind", builder.getStringAttr(kind)),
       builder.getNamedAttr("bytes", builder.getI64IntegerAttr(bytes)),
       builder.getNamedAttr("least", builder.getI64IntegerAttr(least)),
       builder.getNamedAttr("operations",
                            builder.getF64FloatAttr(operations))});
  if (!element.empty())
    fields.append("element", builder.getStringAttr(element));
  return fields.getDictionary(builder.getContext());
}

Value CallBuilder::text(StringRef text) {
  auto module = op->getParentOfType<ModuleOp>();
  std::string name = ("pp.text." + Twine(llvm::xxh3_64bits(text))).str();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    OpBuilder atStart = OpBuilder::atBlockBegin(module.getBody());
    std::string bytes = text.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
    global =
        LLVM::GlobalOp::create(atStart, op->getLoc(), type,
                               /*isConstant=*/true, LLVM::Linkage::Internal,
                               name, builder.getStringAttr(bytes));
  }
  return LLVM::AddressOfOp::create(builder, op->getLoc(), global);
}

LogicalResult CallBuilder::callWithContext(StringRef name,
                                           ValueRange operands) {
  FailureOr<Value> first = context();
  if (failed(first))
    return failure();
  SmallVector<Value> all{*first};
  llvm::append_range(all, operands);
  return call(name, all);
}

LogicalResult CallBuilder::call(StringRef name, ValueRange operands) {
  auto module = op->getParentOfType<ModuleOp>();
  SmallVector<Type> types(operands.getTypes());
  FailureOr<LLVM::LLVMFuncOp> callee =
      LLVM::lookupOrCreateFn(builder, module, name, types,
                             LLVM::LLVMVoidType::get(builder.getContext()));
  if (failed(callee))
    return failure();
  LLVM::CallOp::create(builder, op->getLoc(), *callee, operands);
  op->erase();
  return success();
}
