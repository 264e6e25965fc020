//===- PPMeshOps.cpp - The mesh of ranks ----------------------------------===//
//
// The mesh, and tensors that are cut over it. Sizes come from files, so no
// product of them is formed before it is known to fit.
//
//===----------------------------------------------------------------------===//

#include "Sharding.h"

#include "pp/Limits.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace pp;

//===----------------------------------------------------------------------===//
// pp.mesh
//===----------------------------------------------------------------------===//

/// axes ::= `[` (string `=` integer),* `]`
static ParseResult parseMeshAxes(OpAsmParser &parser, ArrayAttr &axes,
                                 DenseI64ArrayAttr &sizes) {
  SmallVector<Attribute> names;
  SmallVector<int64_t> numbers;
  auto parseAxis = [&]() -> ParseResult {
    std::string name;
    if (parser.parseString(&name) || parser.parseEqual() ||
        parser.parseInteger(numbers.emplace_back()))
      return failure();
    names.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseAxis))
    return failure();
  axes = parser.getBuilder().getArrayAttr(names);
  sizes = parser.getBuilder().getDenseI64ArrayAttr(numbers);
  return success();
}

static void printMeshAxes(OpAsmPrinter &printer, Operation *, ArrayAttr axes,
                          DenseI64ArrayAttr sizes) {
  printer << "[";
  llvm::interleaveComma(
      llvm::zip_first(axes, sizes.asArrayRef()), printer, [&](auto axis) {
        printer << std::get<0>(axis) << " = " << std::get<1>(axis);
      });
  printer << "]";
}

static bool isIdentifier(StringRef name) {
  return !name.empty() && llvm::isAlpha(name.front()) &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

LogicalResult MeshOp::verify() {
  if (getAxes().size() != getSizes().size())
    return emitOpError("(C1) found ")
           << getAxes().size() << " axes and " << getSizes().size()
           << " sizes, expected one size an axis";
  if (getAxes().empty())
    return emitOpError("(C1) found no axes, expected at least one: write "
                       "[\"pipe\" = 1]");
  llvm::SmallSet<StringRef, 4> seen;
  int64_t ranks = 1;
  for (auto [axis, size] :
       llvm::zip_equal(getAxes().getAsRange<StringAttr>(), getSizes())) {
    if (!isIdentifier(axis))
      return emitOpError("(C2) found an axis named ")
             << axis
             << ", expected an identifier: a letter, then letters, digits "
                "and _";
    if (!seen.insert(axis).second)
      return emitOpError("(C2) found axis ")
             << axis << " twice, expected each once: rename one";
    if (size < 1)
      return emitOpError("(C3) found axis ")
             << axis << " of size " << size
             << ", expected at least 1: an axis that is not used has size 1";
    if (size > limits::kMeshRanks / ranks)
      return emitOpError("(C3) found more than 2^20 ranks up to axis ")
             << axis << " of size " << size
             << ", expected fewer: correct the size";
    ranks *= size;
  }
  if (auto replicas = getReplicas();
      replicas && (*replicas != kReplicas || !seen.contains(*replicas)))
    return emitOpError("(C5) found replicas on '")
           << *replicas << "' of the axes " << getAxes() << ", expected '"
           << kReplicas << "', an axis of the mesh: correct the name";
  if (auto shared = getPerProcess();
      shared &&
      (*shared < 1 || getSizes().back() % *shared != 0 ||
       cast<StringAttr>(getAxes().getValue().back()).getValue() != kTensors))
    return emitOpError("(C6) found ")
           << *shared << " ranks a process, expected a divisor of the size of '"
           << kTensors << "', the last axis: found "
           << getAxes().getValue().back() << " of size " << getSizes().back();
  for (Operation &op : *(*this)->getBlock()) {
    if (&op == getOperation() || !isa<MeshOpInterface>(op))
      continue;
    // The second of two is the one too many.
    if (!op.isBeforeInBlock(getOperation()))
      continue;
    InFlightDiagnostic error = emitOpError(
        "(C4) found a second mesh in the module, expected one: drop it");
    error.attachNote(op.getLoc()) << "the first is here";
    return error;
  }
  return success();
}

bool MeshOp::isSpmd(StringRef axis) {
  return axis != kStages && axis != getReplicas().value_or("");
}

//===----------------------------------------------------------------------===//
// #pp.sharding
//===----------------------------------------------------------------------===//

/// `<` `[` (`{` string,* `}` (`blocks` `(` integer `)` | `padded`)?),* `]` `>`
Attribute ShardingAttr::parse(AsmParser &parser, Type) {
  SmallVector<ArrayAttr> dims;
  SmallVector<int64_t> blocks;
  SmallVector<bool> padded;
  auto parseDim = [&]() -> ParseResult {
    SmallVector<Attribute> axes;
    auto parseAxis = [&]() -> ParseResult {
      std::string axis;
      if (parser.parseString(&axis))
        return failure();
      axes.push_back(parser.getBuilder().getStringAttr(axis));
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, parseAxis))
      return failure();
    dims.push_back(parser.getBuilder().getArrayAttr(axes));
    blocks.push_back(1);
    padded.push_back(succeeded(parser.parseOptionalKeyword("padded")));
    if (failed(parser.parseOptionalKeyword("blocks")))
      return success();
    return failure(parser.parseLParen() || parser.parseInteger(blocks.back()) ||
                   parser.parseRParen());
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseDim) ||
      parser.parseGreater())
    return {};
  return parser.getChecked<ShardingAttr>(loc, parser.getContext(), dims, blocks,
                                         padded);
}

void ShardingAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(llvm::zip_equal(getDims(), getBlocks(), getPadded()),
                        printer, [&](auto dim) {
                          printer << "{";
                          llvm::interleaveComma(std::get<0>(dim), printer);
                          printer << "}";
                          if (std::get<1>(dim) != 1)
                            printer << " blocks(" << std::get<1>(dim) << ")";
                          if (std::get<2>(dim))
                            printer << " padded";
                        });
  printer << "]>";
}

LogicalResult
ShardingAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     ArrayRef<ArrayAttr> dims, ArrayRef<int64_t> blocks,
                     ArrayRef<bool> padded) {
  llvm::SmallSet<StringRef, 4> seen;
  if (blocks.size() != dims.size() || padded.size() != dims.size())
    return emitError() << "(C5) found " << blocks.size()
                       << " numbers of blocks, expected one for each of "
                       << dims.size() << " dimensions";
  for (auto [axes, number, isPadded] : llvm::zip_equal(dims, blocks, padded)) {
    if (isPadded && (axes.empty() || number != 1))
      return emitError() << "(C5) found padded on " << axes << " in " << number
                         << " blocks, expected a dimension that axes cut, in "
                            "one";
    if (number < 1 || (axes.empty() && number != 1))
      return emitError() << "(C5) found blocks(" << number << ") on " << axes
                         << ", expected at least 1, and 1 where no axis cuts";
    for (Attribute attribute : axes) {
      auto axis = dyn_cast<StringAttr>(attribute);
      if (!axis || axis.empty())
        return emitError() << "(C1) found " << attribute
                           << " as an axis, expected the name of one";
      if (!seen.insert(axis).second)
        return emitError() << "(C1) found axis " << axis
                           << " twice, expected each once: a coordinate has "
                              "one part of a tensor";
    }
  }
  return success();
}

LogicalResult
ShardingAttr::verifyFor(llvm::function_ref<InFlightDiagnostic()> emitError,
                        RankedTensorType type, MeshOpInterface mesh) const {
  if (static_cast<int64_t>(getDims().size()) != type.getRank())
    return emitError() << "(C2) found a sharding of " << getDims().size()
                       << " dimensions for " << type << ", expected "
                       << type.getRank() << ": write {} for one that is whole";
  if (!mesh)
    return success();
  for (auto [dim, axes, blocks] : llvm::enumerate(getDims(), getBlocks())) {
    int64_t parts = blocks;
    for (auto axis : axes.getAsRange<StringAttr>()) {
      std::optional<int64_t> size = mesh.getSize(axis);
      if (!size) {
        InFlightDiagnostic error =
            emitError() << "(C3) found axis " << axis
                        << ", expected one of the mesh, " << mesh.getAxes()
                        << ": correct the name or add the axis";
        error.attachNote(mesh.getLoc()) << "the mesh is here";
        return error;
      }
      parts *= *size;
    }
    int64_t size = type.getDimSize(dim);
    if (ShapedType::isDynamic(size))
      return emitError() << "(C4) found a dynamic dimension " << dim
                         << ", expected a static size";
    if (size > 0 && (size % parts == 0 || getPadded()[dim]))
      continue;
    InFlightDiagnostic error =
        emitError() << "(C4) found dimension " << dim << " of size " << size
                    << " in " << parts << " parts, expected a multiple of "
                    << parts << ": the nearest ";
    if (size < parts)
      return error << "is " << parts;
    return error << "are " << size / parts * parts << " and "
                 << (size / parts + 1) * parts;
  }
  return success();
}

LogicalResult pp::detail::verifySharding(Operation *op, ShardingAttr sharding,
                                         RankedTensorType type) {
  if (!sharding)
    return success();
  auto emitError = [&] { return op->emitOpError(); };
  for (ArrayAttr axes : sharding.getDims())
    if (llvm::is_contained(axes.getAsValueRange<StringAttr>(), MeshOp::kStages))
      return emitError() << "found a sharding over the axis \"pipe\", expected "
                            "other axes: stages are placed on that one, each "
                            "with its own parameters";
  MeshOpInterface mesh = findMesh(op);
  if (failed(sharding.verifyFor(emitError, type, mesh)))
    return failure();
  for (ArrayAttr axes : sharding.getDims()) {
    auto number = [&](Attribute axis) {
      return mesh ? mesh.findAxis(cast<StringAttr>(axis)) : std::nullopt;
    };
    if (!llvm::is_sorted(axes, [&](Attribute a, Attribute b) {
          return number(a) < number(b);
        }))
      return emitError() << "found a dimension in parts over " << axes
                         << ", expected axes in the order of the mesh, "
                         << mesh.getAxes()
                         << ", the slowest first, as collectives join parts";
  }
  return success();
}

RankedTensorType pp::detail::getLocalType(Operation *op, ShardingAttr sharding,
                                          RankedTensorType type) {
  MeshOpInterface mesh = sharding ? findMesh(op) : MeshOpInterface();
  // A sharding that does not fit is an error of its own.
  if (!mesh ||
      static_cast<int64_t>(sharding.getDims().size()) != type.getRank())
    return type;
  return sharding.getLocalType(type, mesh);
}

int64_t ShardingAttr::getParts(unsigned dim, MeshOpInterface mesh) const {
  return mesh.getGroupSize(getDims()[dim]).value_or(1);
}

RankedTensorType ShardingAttr::getLocalType(RankedTensorType global,
                                            MeshOpInterface mesh) const {
  SmallVector<int64_t> shape(global.getShape());
  for (auto [dim, size] : llvm::enumerate(shape))
    size = llvm::divideCeil(size, getParts(dim, mesh));
  return global.clone(shape);
}

RankedTensorType ShardingAttr::getGlobalType(RankedTensorType local,
                                             MeshOpInterface mesh) const {
  SmallVector<int64_t> shape(local.getShape());
  for (auto [dim, size] : llvm::enumerate(shape))
    size *= getParts(dim, mesh);
  return local.clone(shape);
}
