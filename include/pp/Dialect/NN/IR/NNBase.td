//===- NNBase.td - Types, traits and classes of nn's ops -------*- tablegen -*-===//

#ifndef PP_DIALECT_NN_IR_NNBASE_TD
#define PP_DIALECT_NN_IR_NNBASE_TD

include "pp/Dialect/NN/IR/NNDialect.td"
include "pp/Interfaces/AccumulatingOpInterface.td"
include "pp/Interfaces/CostOpInterface.td"
include "pp/Interfaces/DifferentiableOpInterface.td"
include "pp/Interfaces/ElementwiseOpInterface.td"
include "pp/Interfaces/ShardableOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Types. Dimensions are checked by the NN_WellFormed trait, whose messages
// can name the dimension that is wrong; a type constraint can not.
//===----------------------------------------------------------------------===//

class NN_TensorOf<list<Type> elements, string description>
    : Type<And<[IsRankedTensorTypePred,
                SubstLeaves<"$_self",
                  "::llvm::cast<::mlir::RankedTensorType>($_self)"
                  ".getElementType()", AnyTypeOf<elements>.predicate>]>,
           description, "::mlir::RankedTensorType">;

def NN_FloatTensor : NN_TensorOf<[BF16, F32, F64],
    "ranked tensor of bf16, f32 or f64 (convert with nn.cast)">;
def NN_IdTensor : NN_TensorOf<[I32, I64],
    "ranked tensor of i32 or i64 ids (convert with nn.cast)">;
def NN_AnyTensor : NN_TensorOf<[BF16, F32, F64, I32, I64],
    "ranked tensor of bf16, f32, f64, i32 or i64">;

//===----------------------------------------------------------------------===//
// Traits
//===----------------------------------------------------------------------===//

// Every tensor among operands and results has a static shape of rank at most 8
// without empty dimensions, and attributes are those of the op or of a dialect.
def NN_WellFormed : NativeOpTrait<"WellFormed"> {
  let cppNamespace = "::pp::nn";
}

// Sums many elements into few: computed in f32, from f32, where the rest of a
// layer is lowered to bf16.
def NN_SumsInFullPrecision : NativeOpTrait<"SumsInFullPrecision"> {
  let cppNamespace = "::pp::nn";
}

// The results are elements of the first operand, which can be read in place.
def NN_IsView : NativeOpTrait<"IsView"> {
  let cppNamespace = "::pp::nn";
}

// The types of the results are the inferred ones. Listed before
// InferTypeOpInterface, whose own check has no room for a remedy.
def NN_InferredResults : NativeOpTrait<"InferredResults"> {
  let cppNamespace = "::pp::nn";
}

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic,
         !listconcat([Pure, NN_WellFormed,
                      DeclareOpInterfaceMethods<CostOpInterface>,
                      DeclareOpInterfaceMethods<ShardableOpInterface>],
                     traits)> {
  // The bodies of some costs, for `extraClassDefinition`.
  code noFlops = "uint64_t $cppClass::getFlops() { return 0; }";
  code elementwiseFlops = [{
    uint64_t $cppClass::getFlops() {
      return getFlopsPerElement() * getType().getNumElements();
    }
  }];
}

// An op that counts a dimension may be given the numbers of a part of it.
defvar numbersDeclaration = [{
  /// ShardableOpInterface.
  std::optional<::pp::ShardingRule> getRuleOfWhole();
  std::optional<unsigned> getCountedLoop();
  void setNumbers(::mlir::Value numbers, int64_t count);
}];

// Where an elementwise op is linear, for `extraClassDefinition`: the terms of
// its sharding rule, as C++ has them.
class NN_Linear<string terms> {
  code rule = [{
    ::pp::ShardingRule $cppClass::getShardingRule() {
      return ::pp::elementwiseRule(*this, }] # terms # [{);
    }
  }];
}

// An op whose operands and attributes determine the types of its results.
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic,
            !listconcat([NN_InferredResults, InferTypeOpAdaptor], traits)>;

// The same two for ops with an adjoint (`buildAdjoint` in NNAdjoints*.cpp).
class NN_DifferentiableOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic,
            !listconcat([DeclareOpInterfaceMethods<DifferentiableOpInterface>],
                        traits)>;
class NN_InferredDifferentiableOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic,
        !listconcat([DeclareOpInterfaceMethods<DifferentiableOpInterface>],
                    traits)>;

#endif // PP_DIALECT_NN_IR_NNBASE_TD
