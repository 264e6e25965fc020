//===- Evaluate.cpp - Differentiated functions on numbers ----------------===//
//
// The derivative goes the way of a layer's in a compiled program: engine,
// pp-lower-layers, native code. Only the calls are made from here.
//
//===----------------------------------------------------------------------===//

#include "Evaluate.h"

#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"

#include <cstring>

using namespace mlir;
using namespace pp::gradcheck;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static Type convertType(Type type, unsigned width) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isF32() && !element.isF64())
    return type;
  Type other = width == 64 ? Type(Float64Type::get(type.getContext()))
                           : Type(Float32Type::get(type.getContext()));
  if (auto shaped = dyn_cast<ShapedType>(type))
    return shaped.clone(other);
  return other;
}

/// Makes all f32 and f64 of `function` floats of `width` bits.
static void convertFloats(func::FuncOp function, unsigned width) {
  SmallVector<Type> arguments, results;
  for (Type type : function.getArgumentTypes())
    arguments.push_back(convertType(type, width));
  for (Type type : function.getResultTypes())
    results.push_back(convertType(type, width));
  function.setFunctionType(
      FunctionType::get(function.getContext(), arguments, results));
  for (BlockArgument argument : function.getArguments())
    argument.setType(convertType(argument.getType(), width));
  function.getBody().walk([&](Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto type = dyn_cast<RankedTensorType>(
          convertType(constant.getType(), width));
      auto elements = dyn_cast<DenseFPElementsAttr>(constant.getValue());
      if (type && elements && type != constant.getType()) {
        auto semantics =
            &cast<FloatType>(type.getElementType()).getFloatSemantics();
        constant.setValueAttr(elements.mapValues(
            type.getElementType(), [&](const APFloat &value) {
              APFloat converted = value;
              bool losesInfo;
              converted.convert(*semantics, APFloat::rmNearestTiesToEven,
                                &losesInfo);
              return converted.bitcastToAPInt();
            }));
      }
    }
    for (Value result : op->getResults())
      result.setType(convertType(result.getType(), width));
  });
}

static int64_t elementsOf(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? shaped.getNumElements() : 1;
}

template <typename T>
static void write(char *bytes, const Numbers &numbers) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    T value = T(numbers[i]);
    std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
  }
}

template <typename T>
static void read(const char *bytes, Numbers &numbers) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    T value;
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    numbers[i] = double(value);
  }
}

/// Calls `action<T>` with the C++ type of the elements of `type`.
template <typename Action>
static void dispatch(Type type, Action action) {
  Type element = getElementTypeOrSelf(type);
  if (element.isF64())
    action(double());
  else if (element.isF32())
    action(float());
  else if (element.isInteger(64))
    action(int64_t());
  else if (element.isInteger(32))
    action(int32_t());
  else
    action(int8_t());
}

static size_t bytesOf(Type type) {
  size_t size = 0;
  dispatch(type, [&](auto zero) { size = sizeof(zero) * elementsOf(type); });
  return size;
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static llvm::Error error(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

Compiled::Entry Compiled::describe(func::FuncOp function) {
  Entry entry;
  entry.name = function.getSymName();
  entry.arguments.assign(function.getArgumentTypes().begin(),
                         function.getArgumentTypes().end());
  entry.results.assign(function.getResultTypes().begin(),
                       function.getResultTypes().end());
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto number =
        function.getResultAttrOfType<IntegerAttr>(i, "pp.accumulates");
    entry.inPlace.push_back(number ? number.getInt() : -1);
  }
  return entry;
}

llvm::Expected<std::unique_ptr<Compiled>>
Compiled::create(func::FuncOp original, unsigned width) {
  auto compiled = std::make_unique<Compiled>();
  compiled->module = ModuleOp::create(original.getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(compiled->module->getBody());
  auto function = cast<func::FuncOp>(builder.clone(*original));
  convertFloats(function, width);
  compiled->argumentTypes.assign(function.getArgumentTypes().begin(),
                                 function.getArgumentTypes().end());
  compiled->resultTypes.assign(function.getResultTypes().begin(),
                               function.getResultTypes().end());

  pp::nn::DifferentiationRequest request;
  request.forwardName = "forward";
  request.backwardName = "backward";
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    bool accumulated = bool(function.getArgAttr(i, "nn.accumulate"));
    request.accumulated.push_back(accumulated);
    request.wanted.push_back(!accumulated &&
                             !function.getArgAttr(i, "nn.constant"));
  }
  compiled->accumulated = request.accumulated;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    request.seeded.push_back(!function.getResultAttr(i, "nn.constant"));
  auto functions = pp::nn::differentiate(function, request);
  function.erase();
  if (failed(functions))
    return error("no derivative");
  compiled->functions = *functions;
  func::FuncOp backward = functions->backward;
  for (unsigned i = 0; i < functions->accumulators.size(); ++i)
    backward.setResultAttr(
        functions->firstSum() + i, "pp.accumulates",
        builder.getI64IntegerAttr(functions->firstAccumulator() + i));
  compiled->forward = describe(functions->forward);
  compiled->backward = describe(backward);
  functions->forward.setPublic();
  backward.setPublic();

  PassManager manager(original.getContext());
  pp::LowerLayersOptions options;
  pp::buildLowerLayersPipeline(manager, options);
  if (failed(manager.run(*compiled->module)))
    return error("lowering to native code failed");
  for (Entry *entry : {&compiled->forward, &compiled->backward}) {
    auto lowered =
        compiled->module->lookupSymbol<LLVM::LLVMFuncOp>(entry->name);
    if (!lowered)
      return error("lowering left no function " + entry->name);
    if (auto bytes = lowered->getAttrOfType<IntegerAttr>("pp.workspace"))
      entry->workspace = bytes.getInt();
  }
  auto engine = pp::createJIT(*compiled->module);
  if (!engine)
    return engine.takeError();
  compiled->engine = std::move(*engine);
  return compiled;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// 64-byte aligned bytes.
namespace {
class Buffer {
public:
  explicit Buffer(size_t size) : storage(size + 64) {}
  char *data() {
    uintptr_t start = reinterpret_cast<uintptr_t>(storage.data());
    return storage.data() + (64 - start % 64) % 64;
  }

private:
  std::vector<char> storage;
};
} // namespace

llvm::Expected<std::vector<Numbers>>
Compiled::call(const Entry &entry, const std::vector<Numbers> &arguments) {
  std::vector<Buffer> buffers, scalars;
  // Every pointer that is passed has an address, which the wrapper takes.
  std::vector<void *> pointers;
  std::vector<bool> isScalar;
  auto pass = [&](Type type) -> char * {
    buffers.emplace_back(bytesOf(type));
    pointers.push_back(buffers.back().data());
    isScalar.push_back(!isa<ShapedType>(type));
    return buffers.back().data();
  };
  buffers.reserve(entry.arguments.size() + entry.results.size() + 1);
  for (auto [type, numbers] : llvm::zip_equal(entry.arguments, arguments)) {
    char *bytes = pass(type);
    dispatch(type, [&, &numbers = numbers](auto zero) {
      write<decltype(zero)>(bytes, numbers);
    });
  }
  std::vector<char *> resultBytes;
  for (auto [type, inPlace] : llvm::zip_equal(entry.results, entry.inPlace))
    resultBytes.push_back(inPlace >= 0 ? static_cast<char *>(pointers[inPlace])
                                       : pass(type));
  buffers.emplace_back(entry.workspace);
  pointers.push_back(buffers.back().data());
  isScalar.push_back(false);

  // Host code for layers asks nothing of its context but to check ids.
  void *context = nullptr;
  SmallVector<void *> packed{&context};
  for (size_t i = 0; i < pointers.size(); ++i)
    packed.push_back(isScalar[i] ? pointers[i] : &pointers[i]);
  if (llvm::Error failure = engine->invokePacked(entry.name, packed))
    return std::move(failure);

  std::vector<Numbers> results;
  for (auto [type, bytes] : llvm::zip_equal(entry.results, resultBytes)) {
    Numbers numbers(elementsOf(type));
    dispatch(type, [&, bytes = bytes](auto zero) {
      read<decltype(zero)>(bytes, numbers);
    });
    results.push_back(std::move(numbers));
  }
  return results;
}

llvm::Expected<std::vector<Numbers>>
Compiled::evaluate(const std::vector<Numbers> &arguments) {
  auto results = call(forward, arguments);
  if (results)
    results->resize(functions.numOutputs);
  return results;
}

llvm::Expected<std::vector<Numbers>>
Compiled::differentiate(const std::vector<Numbers> &arguments,
                        const std::vector<Numbers> &cotangents,
                        const std::vector<Numbers> &accumulators) {
  auto values = call(forward, arguments);
  if (!values)
    return values;
  std::vector<Numbers> operands;
  for (const nn::SavedValue &saved : functions.saved)
    switch (saved.kind) {
    case nn::SavedValue::Kind::Argument:
      operands.push_back(arguments[saved.index]);
      break;
    case nn::SavedValue::Kind::Output:
      operands.push_back((*values)[saved.index]);
      break;
    case nn::SavedValue::Kind::Residual:
      operands.push_back((*values)[functions.numOutputs + saved.index]);
      break;
    }
  for (unsigned seed : functions.seeds)
    operands.push_back(cotangents[seed]);
  for (unsigned argument : functions.accumulators)
    operands.push_back(accumulators[argument]);
  auto results = call(backward, operands);
  if (!results)
    return results;
  std::vector<Numbers> gradients(arguments.size());
  for (auto [i, argument] : llvm::enumerate(functions.cotangents))
    gradients[argument] = (*results)[i];
  for (auto [i, argument] : llvm::enumerate(functions.accumulators))
    gradients[argument] = (*results)[functions.firstSum() + i];
  return gradients;
}
