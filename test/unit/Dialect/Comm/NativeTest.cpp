//===- NativeTest.cpp - Sharded layers as native code ---------------------===//
//
// The layers of LayersTest and random ones, compiled, on as many threads as the
// mesh has ranks: values and gradients are those of one device. What the
// runtime does between ranks is a table of what all of them give; the runtime's
// own is tested with its communicators.
//
//===----------------------------------------------------------------------===//

#include "Layers.h"
#include "RandomLayer.h"

#include "pp/CodeGen/JIT.h"
#include "pp/CodeGen/Passes.h"
#include "pp/Dialect/Kernel/IR/KernelOps.h"
#include "pp/InitAll.h"
#include "pp/Interfaces/ElementBytes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace pp;
using namespace pp::commtest;
using interpreter::Numbers;
using interpreter::RankNumbers;

namespace {
//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

struct Described {
  std::string kind, type;
  std::vector<std::string> axes;
  size_t elements = 0;
};

/// All ranks come to the same collectives, each with what it gives.
class Ranks {
public:
  Ranks(MeshOpInterface mesh, std::vector<Described> collectives)
      : mesh(mesh), collectives(std::move(collectives)),
        given(interpreter::countRanks(mesh)) {}

  int64_t coordinate(int64_t rank, ArrayRef<std::string> axes) {
    int64_t number = 0;
    for (const std::string &axis : axes)
      number = number * *mesh.getSize(axis) +
               interpreter::getCoordinate(mesh, rank, axis);
    return number;
  }

  void collective(int64_t rank, int32_t number, const char *in, char *out) {
    const Described &one = collectives.at(size_t(number));
    std::vector<int64_t> members;
    for (int64_t other = 0; other < int64_t(given.size()); ++other)
      if (isMember(rank, other, one.axes))
        members.push_back(other);
    const size_t n = members.size(), own = coordinate(rank, one.axes);
    const size_t width = one.type == "f64" ? 8 : one.type == "f32" ? 4 : 1;
    const size_t part = one.elements * width;
    const bool gives = one.kind == "reduce_scatter" || one.kind == "all_to_all";
    given[rank].assign(in, in + part * (gives ? n : 1));
    meet();
    for (size_t i = 0; i < n; ++i) {
      const char *theirs = given[members[i]].data() + (gives ? own * part : 0);
      if (one.type == "bytes")
        std::memcpy(out + i * part, theirs, part);
      else if (width == 8)
        add<double>(out, theirs, one.elements, i == 0);
      else
        add<float>(out, theirs, one.elements, i == 0);
    }
    meet();
  }

private:
  bool isMember(int64_t rank, int64_t other, ArrayRef<std::string> axes) {
    return llvm::all_of(
        mesh.getAxes().getAsRange<StringAttr>(), [&](auto axis) {
          return llvm::is_contained(axes, axis.getValue()) ||
                 interpreter::getCoordinate(mesh, rank, axis) ==
                     interpreter::getCoordinate(mesh, other, axis);
        });
  }

  template <typename T>
  static void add(char *out, const char *in, size_t count, bool isFirst) {
    for (size_t i = 0; i < count; ++i) {
      T sum, value;
      std::memcpy(&sum, out + i * sizeof(T), sizeof(T));
      std::memcpy(&value, in + i * sizeof(T), sizeof(T));
      sum = isFirst ? value : sum + value;
      std::memcpy(out + i * sizeof(T), &sum, sizeof(T));
    }
  }

  void meet() {
    std::unique_lock<std::mutex> lock(mutex);
    const int64_t turn = turns;
    if (++waiting == given.size()) {
      waiting = 0;
      ++turns;
      changed.notify_all();
    }
    changed.wait(lock, [&] { return turns != turn; });
  }

  MeshOpInterface mesh;
  std::vector<Described> collectives;
  std::vector<std::vector<char>> given; ///< by rank
  std::mutex mutex;
  std::condition_variable changed;
  size_t waiting = 0;
  int64_t turns = 0;
};

/// What layers get as the runtime's context.
struct Context {
  Ranks *ranks;
  int64_t rank;
};

void collective(Context *context, int32_t number, const char *in, char *out,
                void *) {
  context->ranks->collective(context->rank, number, in, out);
}

/// Nothing is under way here: the first half does all.
void finish(Context *, int32_t) {}

void coordinate(Context *context, const char *axes, int64_t *result) {
  SmallVector<StringRef> names;
  StringRef(axes).split(names, ',');
  std::vector<std::string> texts;
  for (StringRef name : names)
    texts.push_back(name.str());
  *result = context->ranks->coordinate(context->rank, texts);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

class Buffer {
public:
  explicit Buffer(Type type)
      : type(cast<RankedTensorType>(type)),
        bytes(size_t(this->type.getNumElements() *
                     getElementBytes(this->type.getElementType())) +
              64) {}
  char *data() {
    return bytes.data() + (-reinterpret_cast<uintptr_t>(bytes.data()) & 63);
  }
  void write(const Numbers &numbers) {
    for (size_t i = 0; i < numbers.size(); ++i)
      with(i, [&](auto *place) {
        *place = std::remove_reference_t<decltype(*place)>(numbers[i]);
      });
  }
  Numbers read() {
    Numbers numbers(type.getNumElements());
    for (size_t i = 0; i < numbers.size(); ++i)
      with(i, [&](auto *place) { numbers[i] = double(*place); });
    return numbers;
  }

private:
  template <typename F> void with(size_t i, F visit) {
    Type element = type.getElementType();
    if (element.isF32())
      visit(reinterpret_cast<float *>(data()) + i);
    else if (element.isF64())
      visit(reinterpret_cast<double *>(data()) + i);
    else if (element.isInteger(32))
      visit(reinterpret_cast<int32_t *>(data()) + i);
    else if (element.isInteger(64))
      visit(reinterpret_cast<int64_t *>(data()) + i);
    else
      visit(reinterpret_cast<int8_t *>(data()) + i);
  }

  RankedTensorType type;
  std::vector<char> bytes;
};

/// The functions of a module as native code; the module stays as it is.
class Code {
public:
  explicit Code(ModuleOp source) : lowered(source.clone()) {
    PassManager passes(source.getContext());
    addLowerLayers(passes, LowerLayersOptions());
    if (failed(passes.run(*lowered)))
      return;
    ModuleOp layers = *lowered->getOps<ModuleOp>().begin();
    if (auto known = layers->getAttrOfType<ArrayAttr>(kernel::kCollectives))
      for (auto each : known.getAsRange<DictionaryAttr>()) {
        Described one{each.getAs<StringAttr>("kind").str(),
                      each.getAs<StringAttr>("type").str(),
                      {},
                      size_t(each.getAs<IntegerAttr>("elements").getInt())};
        for (StringRef axis :
             each.getAs<ArrayAttr>("axes").getAsValueRange<StringAttr>())
          one.axes.push_back(axis.str());
        collectives.push_back(std::move(one));
      }
    auto made = createJIT(
        layers,
        {{"pprt_collective", reinterpret_cast<void *>(&collective)},
         {"pprt_collective_start", reinterpret_cast<void *>(&collective)},
         {"pprt_collective_finish", reinterpret_cast<void *>(&finish)},
         {"pprt_coordinate", reinterpret_cast<void *>(&coordinate)}});
    if (made)
      engine = std::move(*made);
    else
      llvm::consumeError(made.takeError());
  }

  llvm::Expected<std::vector<RankNumbers>>
  run(func::FuncOp function, const std::vector<RankNumbers> &arguments) {
    if (!engine)
      return llvm::createStringError("the layer does not lower");
    auto native = engine->lookup(function.getSymName());
    if (!native)
      return native.takeError();
    if (function.getNumArguments() + function.getNumResults() + 1 > 31)
      return llvm::createStringError("the layer has too many operands");
    Ranks ranks(findMesh(function), collectives);
    const int64_t count = interpreter::countRanks(findMesh(function));
    ModuleOp layers = *lowered->getOps<ModuleOp>().begin();
    const int64_t workspace =
        layers.lookupSymbol<LLVM::LLVMFuncOp>(function.getSymName())
            ->getAttrOfType<IntegerAttr>("pp.workspace")
            .getInt();
    std::vector<RankNumbers> results(function.getNumResults(),
                                     RankNumbers(count));
    std::vector<std::thread> threads;
    for (int64_t rank = 0; rank < count; ++rank)
      threads.emplace_back([&, rank] {
        Context context{&ranks, rank};
        std::vector<void *> pointers;
        std::deque<Buffer> buffers;
        auto add = [&](Type type) -> Buffer & {
          pointers.push_back(buffers.emplace_back(type).data());
          return buffers.back();
        };
        for (unsigned i = 0; i < function.getNumArguments(); ++i)
          add(function.getArgumentTypes()[i]).write(arguments[i][rank]);
        for (Type type : function.getResultTypes())
          add(type);
        std::vector<char> scratch(workspace + 64);
        pointers.push_back(scratch.data() +
                           (-reinterpret_cast<uintptr_t>(scratch.data()) & 63));
        callWithContext(*native, &context, pointers);
        for (unsigned i = 0; i < function.getNumResults(); ++i)
          results[i][rank] = buffers[function.getNumArguments() + i].read();
      });
    for (std::thread &thread : threads)
      thread.join();
    return results;
  }

private:
  OwningOpRef<ModuleOp> lowered;
  std::vector<Described> collectives;
  std::unique_ptr<ExecutionEngine> engine;
};

/// Libraries of CPUs have products of f32.
std::string inF32(std::string text) {
  for (size_t at = 0; (at = text.find("f64", at)) != std::string::npos;)
    text.replace(at, 3, "f32");
  return text;
}

void check(Layer layer) {
  SCOPED_TRACE(layer.name);
  layer.whole = inF32(layer.whole);
  layer.sharded = inF32(layer.sharded);
  World world;
  DialectRegistry registry;
  registerAllDialects(registry);
  world.getContext().appendDialectRegistry(registry);
  world.getContext().loadAllAvailableDialects();
  OwningOpRef<ModuleOp> whole = world.parse(layer.whole);
  OwningOpRef<ModuleOp> sharded = world.parse(layer.sharded);
  ASSERT_TRUE(whole && sharded) << world.takeErrors();
  auto derivative = differentiate(*sharded);
  ASSERT_TRUE(succeeded(derivative)) << world.takeErrors();
  Code code(*sharded);
  Reference reference =
      evaluateWhole(whole->lookupSymbol<func::FuncOp>("f"), 1);
  EXPECT_EQ(compare(
                sharded->lookupSymbol<func::FuncOp>("f"), *derivative,
                reference, 2,
                [&](func::FuncOp function,
                    const std::vector<RankNumbers> &arguments) {
                  return code.run(function, arguments);
                },
                /*tolerance=*/1e-3),
            "")
      << world.takeErrors();
}
} // namespace

TEST(NativeLayers, AxesOfTwo) {
  for (const Layer &layer : makeLayers(2))
    check(layer);
}

TEST(NativeLayers, AxesOfFour) {
  for (const Layer &layer : makeLayers(4))
    check(layer);
}

TEST(NativeLayers, Random) {
  for (uint64_t seed = 0; seed < 20; ++seed)
    check(makeRandomLayer(seed, seed % 3 == 2 ? 4 : 2));
}
