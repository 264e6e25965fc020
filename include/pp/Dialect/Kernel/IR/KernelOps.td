//===- KernelOps.td - Calls of library kernels -----------------*- tablegen -*-===//

#ifndef PP_DIALECT_KERNEL_IR_KERNELOPS_TD
#define PP_DIALECT_KERNEL_IR_KERNELOPS_TD

include "pp/Dialect/Kernel/IR/KernelDialect.td"
include "pp/Dialect/Kernel/IR/LibraryCallOpInterface.td"
include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_Operand : AnyTypeOf<[
    StaticShapeTensorOf<[F32, F64, BF16]>, StridedMemRefOf<[F32, F64, BF16]>],
    "static tensor or strided memref of floats">;

def Kernel_Ids : AnyTypeOf<[StaticShapeTensorOf<[I32]>, StridedMemRefOf<[I32]>],
    "static tensor or strided memref of i32">;

/// A call; `asked` are the methods of the interface that it has answers of its
/// own to.
class Kernel_Call<string mnemonic, list<string> asked, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, !listconcat([
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        DeclareOpInterfaceMethods<LibraryCallOpInterface, asked>,
        DeclareOpInterfaceMethods<BufferizableOpInterface, [
          "bufferizesToMemoryRead", "bufferizesToMemoryWrite",
          "getAliasingValues", "bufferize"]>], traits)> {
  let hasVerifier = 1;
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::MemoryEffects::EffectInstance>
            &effects) {
      detail::addEffects(*this, effects);
    }
    bool $cppClass::bufferizesToMemoryRead(
        ::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      return detail::readsMemory(*this, operand);
    }
    bool $cppClass::bufferizesToMemoryWrite(
        ::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      return detail::writesMemory(*this, operand);
    }
    ::mlir::bufferization::AliasingValueList $cppClass::getAliasingValues(
        ::mlir::OpOperand &operand,
        const ::mlir::bufferization::AnalysisState &) {
      return detail::aliasingValues(*this, operand);
    }
    ::llvm::LogicalResult $cppClass::bufferize(
        ::mlir::RewriterBase &rewriter,
        const ::mlir::bufferization::BufferizationOptions &options,
        ::mlir::bufferization::BufferizationState &state) {
      return detail::bufferize(*this, rewriter, options, state);
    }
  }];
}

/// One with destinations, which are results on tensors.
class Kernel_Op<string mnemonic, list<string> asked, list<Trait> traits = []>
    : Kernel_Call<mnemonic, asked,
                  !listconcat([DestinationStyleOpInterface], traits)> {
  let results = (outs Variadic<AnyRankedTensor>:$results);
}

/// With scratch memory.
defvar Kernel_Workspace = ["getWorkspaceOperand", "getWorkspaceBytes"];

def Kernel_GemmOp : Kernel_Op<"gemm",
    Kernel_Workspace # ["getReadDestination", "lowerToHostCall", "lowerToDeviceCall"]> {
  let summary = "matrix product into, or added to, a destination";
  let description = [{
    `out = lhs rhs`, or `out += lhs rhs` with `accumulate`; `transpose_a` and
    `transpose_b` exchange the last two dimensions of an operand first. Operands
    of rank 3 are batches of matrices.

    Constraints:

    - (C1) All operands have rank 2, or all have rank 3 and the same first
      dimension.
    - (C2) The dimensions agree.
    - (C3) `lhs` and `rhs` have the same elements, f32 or bf16; those of `out` are
      the same, or f32 for bf16: sums are taken in f32, and rounded once if
      `out` holds bf16.
    - (C4) `workspace`, scratch memory of f32 whose contents mean nothing before and
      after, has at least as many elements as the kernel says it needs.

    Example:

    ```mlir
    %c:2 = kernel.gemm %a, %b into %init, %ws {transpose_b}
        : (tensor<64x96xf32>, tensor<48x96xf32>, tensor<64x48xf32>, tensor<22016xf32>)
        -> (tensor<64x48xf32>, tensor<22016xf32>)
    ```
  }];
  let arguments = (ins Kernel_Operand:$lhs, Kernel_Operand:$rhs,
                   Kernel_Operand:$out, Kernel_Operand:$workspace,
                   UnitAttr:$transpose_a, UnitAttr:$transpose_b,
                   UnitAttr:$accumulate);
  let assemblyFormat = [{
    $lhs `,` $rhs `into` $out `,` $workspace attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 2, 2);
    }
  }];
}

def Kernel_Epilogue : I32EnumAttr<"Epilogue", "what is done to a product", [
    I32EnumAttrCase<"Bias", 1, "bias">, I32EnumAttrCase<"Gelu", 2, "gelu">,
    I32EnumAttrCase<"GeluGrad", 3, "gelu_grad">,
    I32EnumAttrCase<"LhsSums", 4, "lhs_sums">,
    I32EnumAttrCase<"RhsSums", 5, "rhs_sums">,
    I32EnumAttrCase<"Add", 6, "add">]> {
  let cppNamespace = "::pp::kernel";
}

def Kernel_FusedGemmOp : Kernel_Op<"fused_gemm",
    Kernel_Workspace # ["getReadDestination", "lowerToDeviceCall"],
    [AttrSizedOperandSegments]> {
  let summary = "matrix product with what a library does beside it";
  let description = [{
    Only libraries for GPUs have it. `p` is `lhs rhs`, plus `out` as it was with
    `accumulate`; `transpose_a` and `transpose_b` exchange the dimensions of an
    operand first. By `epilogue`

    - `bias`: `out = p + bias`, a row that is added to each row;
    - `add`: `out = p + input`, or `p + bias + input`;
    - `gelu`: `aux = p`, or `p + bias`, and `out = gelu(aux)`, by tanh;
    - `gelu_grad`: `out = p * gelu'(input)`, by tanh;
    - `lhs_sums`: `out = p`, and `sums[m]` is the sum of row m of the (transposed)
      `lhs`;
    - `rhs_sums`: `out = p`, and `sums[n]` is the sum of column n of the
      (transposed) `rhs`.

    Constraints:

    - (C1) All matrices have rank 2.
    - (C2) The dimensions agree.
    - (C3) `lhs` and `rhs` have the same elements, f32 or bf16; those of `out` are
      the same, or f32 for bf16.
    - (C4) There are the operands that the epilogue has, and no others.
    - (C5) `bias` and `sums` are vectors, `aux` and `input` matrices like `out`, all
      with its elements. The elements of a vector are neighbours.
    - (C6) The columns of `aux`, and of `input` with `gelu_grad`, are a multiple
      of 8.
    - (C7) `sums` holds f32.
    - (C8) `workspace` is a vector of f32, of any size.
    - (C9) With `add` there is no `accumulate`.

    Example:

    ```mlir
    %c:3 = kernel.fused_gemm gelu %a, %b bias(%bias) into %init aux(%saved), %ws
        : (tensor<64x96xf32>, tensor<96x48xf32>, tensor<48xf32>, tensor<64x48xf32>, tensor<64x48xf32>, tensor<1xf32>)
        -> (tensor<64x48xf32>, tensor<64x48xf32>, tensor<1xf32>)
    %d:3 = kernel.fused_gemm rhs_sums %x, %dy into %dw sums(%s), %ws {transpose_a, accumulate}
        : (tensor<64x96xbf16>, tensor<64x48xbf16>, tensor<96x48xf32>, tensor<48xf32>, tensor<1xf32>)
        -> (tensor<96x48xf32>, tensor<48xf32>, tensor<1xf32>)
    ```
  }];
  let arguments = (ins Kernel_Epilogue:$epilogue, Kernel_Operand:$lhs,
                   Kernel_Operand:$rhs, Optional<Kernel_Operand>:$bias,
                   Optional<Kernel_Operand>:$input, Kernel_Operand:$out,
                   Optional<Kernel_Operand>:$aux,
                   Optional<Kernel_Operand>:$sums, Kernel_Operand:$workspace,
                   UnitAttr:$transpose_a, UnitAttr:$transpose_b,
                   UnitAttr:$accumulate);
  let assemblyFormat = [{
    $epilogue $lhs `,` $rhs (`bias` `(` $bias^ `)`)?
    (`input` `(` $input^ `)`)? `into` $out (`aux` `(` $aux^ `)`)?
    (`sums` `(` $sums^ `)`)? `,` $workspace attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      unsigned count = 2 + (getAux() ? 1 : 0) + (getSums() ? 1 : 0);
      return ::mlir::MutableOperandRange(
          getOperation(), getOperation()->getNumOperands() - count, count);
    }
  }];
}

def Kernel_ScatterAddOp : Kernel_Op<"scatter_add", ["getReadDestination"]> {
  let summary = "rows added to the rows of a table that ids name";
  let description = [{
    `table[ids[i], :] += rows[i, :]` for each i in ascending order, so that the
    sums have the same bits however the work is divided.

    Constraints:

    - (C1) `rows` has as many rows as there are `ids`, and the columns of
      `table`.
    - (C2) `rows` has the element type of `table`, or one of fewer bits, which is
      converted where it is read.

    Example:

    ```mlir
    %t = kernel.scatter_add %ids, %rows into %table
        : (tensor<128xi32>, tensor<128x64xf32>, tensor<1000x64xf32>) -> tensor<1000x64xf32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[
      1DTensorOf<[AnyInteger]>, MemRefRankOf<[AnyInteger], [1]>]>:$ids,
                   Kernel_Operand:$rows, Kernel_Operand:$table);
  let assemblyFormat = [{
    $ids `,` $rows `into` $table attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 2, 1);
    }
  }];
}

def Kernel_SumOfSquaresOp : Kernel_Op<"sum_of_squares", []> {
  let summary = "sum of the squares of a vector, in double precision";
  let description = [{
    Threads, and what they sum, follow from the number of elements alone, so that
    no device gives other bits: up to 1,024 blocks of 256 threads, of which each
    takes every element that lies as many elements behind the one before as
    there are threads; then halves of the threads of a block, and of the sums of
    blocks in `partials`.

    Constraints:

    - (C1) `input` has rank 1 and elements of f32, `sum` has rank 0 and f64.
    - (C2) `partials`, scratch memory of f64, has an element for each block.

    Example:

    ```mlir
    %s:2 = kernel.sum_of_squares %x into %sum, %partials
        : (tensor<4096xf32>, tensor<f64>, tensor<4xf64>) -> (tensor<f64>, tensor<4xf64>)
    ```
  }];
  let arguments = (ins Kernel_Operand:$input, Kernel_Operand:$sum,
                   Kernel_Operand:$partials);
  let assemblyFormat = [{
    $input `into` $sum `,` $partials attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    static constexpr int64_t kThreads = 256;
    /// Of a vector of so many elements.
    static int64_t countBlocks(int64_t elements);
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 1, 2);
    }
  }];
}

def Kernel_CheckIdsOp : Kernel_Call<"check_ids",
    ["actsBeyondBuffers", "lowerToHostCall", "lowerToDeviceCall"]> {
  let summary = "ends the step with an error if an id is out of range";
  let description = [{
    Tells the runtime of the first id that is neither in `[0, size)` nor
    `ignored`, in the name of `reader`. What reads the ids goes on meanwhile, so
    it has to leave such an id alone.

    Constraints:

    - (C1) `size` is positive.

    Example:

    ```mlir
    kernel.check_ids %ids {ignored = -100 : i64, reader = "nn.cross_entropy at model.mlir:7:3", size = 256 : i64} : tensor<128xi32>
    ```
  }];
  let arguments = (ins AnyTypeOf<[
      1DTensorOf<[I32, I64]>, MemRefRankOf<[I32, I64], [1]>]>:$ids,
                   I64Attr:$size, OptionalAttr<I64Attr>:$ignored,
                   StrAttr:$reader);
  let assemblyFormat = "$ids attr-dict `:` type($ids)";
}

// The numbers are those of pprt_collectives.h.
def Kernel_CollectiveKind : I32EnumAttr<"CollectiveKind", "kind of a collective", [
    I32EnumAttrCase<"AllReduce", 0, "all_reduce">,
    I32EnumAttrCase<"ReduceScatter", 1, "reduce_scatter">,
    I32EnumAttrCase<"AllGather", 2, "all_gather">,
    I32EnumAttrCase<"AllToAll", 3, "all_to_all">]> {
  let cppNamespace = "::pp::kernel";
}

def Kernel_CollectivePhase : I32EnumAttr<"CollectivePhase", "half of a collective", [
    I32EnumAttrCase<"Start", 0, "start">,
    I32EnumAttrCase<"Finish", 1, "finish">]> {
  let cppNamespace = "::pp::kernel";
}

def Kernel_CollectiveOp : Kernel_Op<"collective",
    Kernel_Workspace # ["wantsContiguousOperands", "lowerToHostCall", "lowerToDeviceCall"]> {
  let summary = "a collective with the other coordinates of axes";
  let description = [{
    All ranks that differ in their coordinates on `axes` only, `members` of them,
    run the same layer and so come to the same collectives in one order. Parts of
    a gather and of a scatter lie one behind the other, along a first dimension
    that counts members; those of an all-to-all on both sides. Sums are of the
    runtime's fixed order.

    It goes on to its end, or is two ops on the same buffers: `start`, behind which
    nothing but the collective uses them, and `finish` (pp-overlap-collectives).
    Of equal ones that are under way at a time each has a `slot` of its own.

    `number` is that of the collective among those of the program's layers, which
    the runtime prepares; it is given when calls are made.

    Constraints:

    - (C1) `axes` has at least one name; there is a member at least.
    - (C2) `input` and `out` have the same elements; sums have those of f32 or
      f64.
    - (C3) `out` has the elements of `input` in an `all_reduce` and an
      `all_to_all`, `members` times as many in an `all_gather`, and as many times
      fewer in a `reduce_scatter`; the first dimension of the side with the parts
      is `members`.
    - (C4) `workspace`, scratch memory of f32, is as large as the runtime says.
    - (C5) Halves are of buffers, not of tensors.

    Example:

    ```mlir
    %y:2 = kernel.collective all_gather %x into %out, %ws over ["tensor"] members(4)
        : (tensor<8x16xf32>, tensor<4x8x16xf32>, tensor<1xf32>) -> (tensor<4x8x16xf32>, tensor<1xf32>)
    ```
  }];
  let arguments = (ins OptionalAttr<Kernel_CollectivePhase>:$phase,
                   Kernel_CollectiveKind:$kind,
                   AnyTypeOf<[AnyStaticShapeTensor, AnyStridedMemRef]>:$input,
                   AnyTypeOf<[AnyStaticShapeTensor, AnyStridedMemRef]>:$out,
                   Kernel_Operand:$workspace, StrArrayAttr:$axes,
                   I64Attr:$members, OptionalAttr<I32Attr>:$slot,
                   OptionalAttr<I32Attr>:$number);
  let assemblyFormat = [{
    ($phase^)? $kind $input `into` $out `,` $workspace `over` $axes
    `members` `(` $members `)` (`slot` `(` $slot^ `)`)? (`number` `(` $number^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Elements that a member gives or gets; of an all-reduce all.
    int64_t getPartElements();
    bool isSum();
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 1, 2);
    }
  }];
}

def Kernel_CoordinateOp : Kernel_Op<"coordinate", ["lowerToHostCall", "lowerToDeviceCall"]> {
  let summary = "which coordinate on axes the rank has";
  let description = [{
    The number of the rank among those that differ from it in their coordinates
    on `axes` only; of several axes the first counts slowest.

    Constraints:

    - (C1) `axes` has at least one name.
    - (C2) `out` has rank 0 and elements of i64.

    Example:

    ```mlir
    %i = kernel.coordinate into %out over ["tensor"] : (tensor<i64>) -> tensor<i64>
    ```
  }];
  let arguments = (ins AnyTypeOf<[0DTensorOf<[I64]>, MemRefRankOf<[I64], [0]>]>:$out,
                   StrArrayAttr:$axes);
  let assemblyFormat = [{
    `into` $out `over` $axes attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 0, 1);
    }
  }];
}

class Kernel_AttentionBase<string mnemonic, list<string> asked = []>
    : Kernel_Op<mnemonic,
        Kernel_Workspace # ["wantsContiguousRows", "lowerToHostCall",
                            "lowerToDeviceCall"] # asked> {
  code shapes = [{
    Matrices have a row for each of `batch` times T (or S) positions and the
    heads side by side: query and outputs `heads` times D columns, key and value
    `kv_heads` times D; `lse` is `[batch, heads, T]`. `workspace` is scratch
    memory: its contents mean nothing before and after. With `documents`, a number
    for each position of each batch entry, a position sees those of its own
    document only.

    Constraints:

    - (C1) Rows and columns agree as described, `kv_heads` divides `heads`.
    - (C2) Matrices have the same elements, f32 or bf16; `lse` and `workspace` have
      f32.
    - (C3) `workspace` has at least as many elements as the kernel says it needs.
    - (C4) `scale` is finite in f32, in which the kernel computes.
    - (C5) `documents` has rank 1 and `batch` times S elements, and T is S.
  }];
}

def Kernel_AttentionOp : Kernel_AttentionBase<"attention"> {
  let summary = "attention by blocks of rows";
  let description = shapes # [{
    Example:

    ```mlir
    %o:3 = kernel.attention %q, %k, %v into %out, %lse, %ws {batch = 4 : i64, heads = 12 : i64, kv_heads = 12 : i64, scale = 0.125 : f64, causal}
        : (tensor<1024x768xf32>, tensor<1024x768xf32>, tensor<1024x768xf32>, tensor<1024x768xf32>, tensor<4x12x256xf32>, tensor<172160xf32>)
        -> (tensor<1024x768xf32>, tensor<4x12x256xf32>, tensor<172160xf32>)
    ```
  }];
  let arguments = (ins Kernel_Operand:$query, Kernel_Operand:$key,
                   Kernel_Operand:$value, Kernel_Operand:$out,
                   Kernel_Operand:$lse, Kernel_Operand:$workspace,
                   Optional<Kernel_Ids>:$documents,
                   I64Attr:$batch, I64Attr:$heads, I64Attr:$kv_heads,
                   F64Attr:$scale, UnitAttr:$causal);
  let assemblyFormat = [{
    $query `,` $key `,` $value `into` $out `,` $lse `,` $workspace
    (`documents` `(` $documents^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 3, 3);
    }
  }];
}

def Kernel_AttentionGradOp
    : Kernel_AttentionBase<"attention_grad", ["hasChoiceOfOrder"]> {
  let summary = "adjoint of attention by blocks of rows";
  let description = shapes # [{
    Example:

    ```mlir
    %d:4 = kernel.attention_grad %q, %k, %v, %out, %lse, %dout into %dq, %dk, %dv, %ws {batch = 1 : i64, heads = 2 : i64, kv_heads = 1 : i64, scale = 0.5 : f64}
        : (tensor<8x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x8xf32>, tensor<1x2x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<188480xf32>)
        -> (tensor<8x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<188480xf32>)
    ```
  }];
  let arguments = (ins Kernel_Operand:$query, Kernel_Operand:$key,
                   Kernel_Operand:$value, Kernel_Operand:$out,
                   Kernel_Operand:$lse, Kernel_Operand:$dout,
                   Kernel_Operand:$dquery, Kernel_Operand:$dkey,
                   Kernel_Operand:$dvalue, Kernel_Operand:$workspace,
                   Optional<Kernel_Ids>:$documents,
                   I64Attr:$batch, I64Attr:$heads, I64Attr:$kv_heads,
                   F64Attr:$scale, UnitAttr:$causal);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $out `,` $lse `,` $dout `into` $dquery `,`
    $dkey `,` $dvalue `,` $workspace (`documents` `(` $documents^ `)`)? attr-dict `:`
    functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return ::mlir::MutableOperandRange(getOperation(), 6, 4);
    }
  }];
}

#endif // PP_DIALECT_KERNEL_IR_KERNELOPS_TD
