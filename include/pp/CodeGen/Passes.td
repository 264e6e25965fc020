//===- Passes.td - Layer functions to native code --------------*- tablegen -*-===//

#ifndef PP_CODEGEN_PASSES_TD
#define PP_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def IsolateLayers : Pass<"pp-isolate-layers", "::mlir::ModuleOp"> {
  let summary = "moves layer functions into a module of their own";
  let description = [{
    A layer function is a `func.func` with a body of computations; a stage
    function calls layer functions. Layer functions become LLVM functions on
    pointers long before their callers do, so they move into a nested module
    `@layers`; a declaration stays for the calls. A function with the attribute
    `pp.layer_function` is a layer function whatever its body.

    Example:

    ```mlir
    func.func private @block(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = math.exp %x : tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func private @block(tensor<4xf32>) -> tensor<4xf32>
    module @layers {
      func.func @block(%x: tensor<4xf32>) -> tensor<4xf32> {
        %y = math.exp %x : tensor<4xf32>
        return %y : tensor<4xf32>
      }
    }
    ```
  }];
}

def PublishWorkspaces : Pass<"pp-publish-workspaces", "::mlir::ModuleOp"> {
  let summary = "copies workspace sizes to the declarations of layer functions";
  let description = [{
    After the layers of the nested module have become LLVM functions, the
    declarations that `pp-isolate-layers` left behind get their `pp.workspace`.

    Example:

    ```mlir
    func.func private @block(tensor<4xf32>) -> tensor<4xf32>
    module @layers {
      llvm.func @block(%x: !llvm.ptr, %y: !llvm.ptr, %w: !llvm.ptr) attributes {pp.workspace = 64 : i64} {
        llvm.return
      }
    }
    ```

    becomes

    ```mlir
    func.func private @block(tensor<4xf32>) -> tensor<4xf32> attributes {pp.workspace = 64 : i64}
    ```
  }];
}

def FuseElementwise
    : Pass<"pp-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "fuses elementwise producers into their only consumer";
  let description = [{
    Upstream's fusion of `linalg.generic`, where the producer has one use, so
    that nothing is computed twice; constants and scalars move into bodies.

    Example:

    ```mlir
    #row = affine_map<(i) -> (i)>
    func.func @f(%x: tensor<4xf32>, %b: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
      %p = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = math.exp %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      %y = linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel"]} ins(%p, %b : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%in: f32, %c: f32, %out: f32):
        %v = arith.addf %in, %c : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<4xf32>, %b: tensor<4xf32>, %e: tensor<4xf32>) -> tensor<4xf32> {
      %n = tensor.empty() : tensor<4xf32>
      %y = linalg.generic {...} ins(%x, %b : tensor<4xf32>, tensor<4xf32>) outs(%n : tensor<4xf32>) {
      ^bb0(%in: f32, %c: f32, %out: f32):
        %v = math.exp %in : f32
        %s = arith.addf %v, %c : f32
        linalg.yield %s : f32
      } -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
  let options = [
    Option<"conversions", "conversions", "bool", /*default=*/"false",
           "what is only converted to a wider type is so where it is read, be it "
           "several times: memory holds the narrow type">
  ];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseSums : Pass<"pp-fuse-sums", "::mlir::func::FuncOp"> {
  let summary = "makes sums over the same rows one loop";
  let description = [{
    `linalg.generic`s that sum over their first dimension, have the same loops,
    and read a tensor in the same way become one, where none depends on the
    other. Each sum has its terms in unchanged order.

    Example:

    ```mlir
    #all = affine_map<(i, j) -> (i, j)>
    #column = affine_map<(i, j) -> (j)>
    func.func @f(%x: tensor<8x4xf32>, %dy: tensor<8x4xf32>, %i: tensor<4xf32>, %j: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %a = linalg.generic {indexing_maps = [#all, #all, #column], iterator_types = ["reduction", "parallel"]} ins(%x, %dy : tensor<8x4xf32>, tensor<8x4xf32>) outs(%i : tensor<4xf32>) {
      ^bb0(%u: f32, %v: f32, %s: f32):
        %p = arith.mulf %u, %v : f32
        %t = arith.addf %s, %p : f32
        linalg.yield %t : f32
      } -> tensor<4xf32>
      %b = linalg.generic {indexing_maps = [#all, #column], iterator_types = ["reduction", "parallel"]} ins(%dy : tensor<8x4xf32>) outs(%j : tensor<4xf32>) {
      ^bb0(%v: f32, %s: f32):
        %t = arith.addf %s, %v : f32
        linalg.yield %t : f32
      } -> tensor<4xf32>
      return %a, %b : tensor<4xf32>, tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<8x4xf32>, %dy: tensor<8x4xf32>, %i: tensor<4xf32>, %j: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      %ab:2 = linalg.generic {..., iterator_types = ["reduction", "parallel"]} ins(%x, %dy : ...) outs(%i, %j : ...) {
      ^bb0(%u: f32, %v: f32, %s: f32, %t: f32):
        ...
      } -> (tensor<4xf32>, tensor<4xf32>)
      return %ab#0, %ab#1 : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
}

def FuseRows : Pass<"pp-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "makes chains of row-wise ops one loop over rows";
  let description = [{
    `linalg.generic`s that walk the same rows (their first dimension) and use
    each other's results, or read the same rows, become one `scf.for` over rows.
    Values that only they use shrink to a row; sums over rows are carried by the
    loop, in unchanged order.

    Example:

    ```mlir
    #all = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @f(%x: tensor<8x16xf32>, %z: tensor<8xf32>, %e: tensor<8x16xf32>) -> tensor<8x16xf32> {
      %s = linalg.generic {indexing_maps = [#all, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<8x16xf32>) outs(%z : tensor<8xf32>) {
      ^bb0(%in: f32, %out: f32):
        %v = arith.addf %out, %in : f32
        linalg.yield %v : f32
      } -> tensor<8xf32>
      %y = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%x, %s : tensor<8x16xf32>, tensor<8xf32>) outs(%e : tensor<8x16xf32>) {
      ^bb0(%in: f32, %sum: f32, %out: f32):
        %v = arith.divf %in, %sum : f32
        linalg.yield %v : f32
      } -> tensor<8x16xf32>
      return %y : tensor<8x16xf32>
    }
    ```

    becomes

    ```mlir
    %y = scf.for %i = %c0 to %c8 step %c1 iter_args(%w = %e) -> (tensor<8x16xf32>) {
      ...
      %r = tensor.extract_slice %x[%i, 0] [1, 16] [1, 1] : tensor<8x16xf32> to tensor<16xf32>
      ...
      %s = linalg.generic {...} ins(%r : tensor<16xf32>) outs(%o : tensor<f32>) {...} -> tensor<f32>
      %r2 = tensor.extract_slice %x[%i, 0] [1, 16] [1, 1] : tensor<8x16xf32> to tensor<16xf32>
      ...
      %v = linalg.generic {...} ins(%r2, %s : tensor<16xf32>, tensor<f32>) outs(...) {...} -> tensor<16xf32>
      %n = tensor.insert_slice %v into %w[%i, 0] [1, 16] [1, 1] : tensor<16xf32> into tensor<8x16xf32>
      scf.yield %n : tensor<8x16xf32>
    }
    ```
  }];
  let options = [
    Option<"parallel", "parallel", "bool", /*default=*/"false",
           "rows may be computed at the same time: ops that sum over rows stay "
           "outside, and loops get the attribute pp.rows">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BindDestinations
    : Pass<"pp-bind-destinations", "::mlir::func::FuncOp"> {
  let summary = "makes results arguments that are written";
  let description = [{
    Each result becomes an argument after the others, its destination, except a
    result with `pp.accumulates = k`, whose destination is argument k. The
    `tensor.empty` in which the returned value starts is replaced by the
    destination, through reshapes, so that the value is computed where it
    belongs. Pieces that are concatenated start in their slice of the whole, as
    the pieces before them left it.
    Other arguments are marked read-only for bufferization.

    Example:

    ```mlir
    func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = tensor.empty() : tensor<4xf32>
      %y = linalg.exp ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<4xf32> {bufferization.writable = false}, %d: memref<4xf32>) {
      %t = bufferization.to_tensor %d restrict writable : memref<4xf32> to tensor<4xf32>
      ...
      %y = linalg.exp ins(%x : tensor<4xf32>) outs(%t : tensor<4xf32>) -> tensor<4xf32>
      bufferization.materialize_in_destination %y in writable %d : (tensor<4xf32>, memref<4xf32>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::tensor::TensorDialect"];
}

def Bufferize : Pass<"pp-bufferize", "::mlir::ModuleOp"> {
  let summary = "tensors to memrefs, in place wherever possible";
  let description = [{
    Upstream's one-shot bufferization of functions whose results are bound to
    arguments, with contiguous arguments, and copies as `linalg.copy`, so that
    they become loops like everything else.

    Example:

    ```mlir
    func.func @f(%x: tensor<4xf32> {bufferization.writable = false}, %d: memref<4xf32>) {
      %t = bufferization.to_tensor %d restrict writable : memref<4xf32> to tensor<4xf32>
      %y = linalg.exp ins(%x : tensor<4xf32>) outs(%t : tensor<4xf32>) -> tensor<4xf32>
      bufferization.materialize_in_destination %y in writable %d : (tensor<4xf32>, memref<4xf32>) -> ()
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<4xf32>, %d: memref<4xf32>) {
      linalg.exp ins(%x : memref<4xf32>) outs(%d : memref<4xf32>)
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def StoreWholeBytes : Pass<"pp-store-whole-bytes", "::mlir::ModuleOp"> {
  let summary = "gives elements of odd widths whole bytes in memory";
  let description = [{
    Scalar code stores an i1 as a byte, vector code as a bit: a buffer that one
    kernel writes and another reads, each by its own width, has one layout only
    if its elements have whole bytes. Buffers of i1 become buffers of i8, those
    of other integers buffers of the next width that LLVM allocates, those of
    indices buffers of i64. Values are extended where they are stored, and
    truncated where they are loaded.

    Example:

    ```mlir
    #id = affine_map<(i) -> (i)>
    func.func @mask(%x: memref<48xf32>, %m: memref<48xi1>) {
      %zero = arith.constant 0.0 : f32
      linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<48xf32>) outs(%m : memref<48xi1>) {
      ^bb0(%in: f32, %out: i1):
        %c = arith.cmpf ogt, %in, %zero : f32
        linalg.yield %c : i1
      }
      return
    }
    ```

    becomes

    ```mlir
    linalg.generic {...} ins(%x : memref<48xf32>) outs(%m : memref<48xi8>) {
    ^bb0(%in: f32, %out: i8):
      %c = arith.cmpf ogt, %in, %zero : f32
      %e = arith.extui %c : i1 to i8
      linalg.yield %e : i8
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect"];
}

def VerifyWholeBytes : Pass<"pp-verify-whole-bytes", "::mlir::ModuleOp"> {
  let summary = "checks that elements in memory have whole bytes";
  let description = [{
    Runs where all loops and kernels are made and the next step is LLVM: there,
    loads and stores of elements of odd widths would have a layout that depends
    on how many are moved at once. No buffer may have such elements, and no load
    or store such a type.

    Example:

    ```mlir
    func.func @f(%m: memref<48xi1>, %i: index) -> vector<8xi1> {
      %v = vector.load %m[%i] : memref<48xi1>, vector<8xi1>
      return %v : vector<8xi1>
    }
    ```

    The pass says

    ```
    error: ... found 'memref<48xi1>' in memory, ... expected elements of whole bytes
    ```
  }];
}

def ExpandBFloat16
    : Pass<"pp-expand-bfloat16", "::mlir::ModuleOp"> {
  let summary = "arithmetic on bf16 as arithmetic on f32 and integers";
  let description = [{
    Scalar `arith` and `math` ops on bf16 compute in f32; conversions between
    the two become shifts of integers, rounding to nearest even. No bf16 but
    that of loads, stores and constants reaches LLVM.

    Example:

    ```mlir
    func.func @f(%x: bf16) -> bf16 {
      %y = arith.negf %x : bf16
      return %y : bf16
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: bf16) -> bf16 {
      ...
      %b = arith.bitcast %x : bf16 to i16
      ...
      %n = arith.negf %w : f32
      ...
      %y = arith.bitcast %s : i16 to bf16
      return %y : bf16
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def ReadResources : Pass<"pp-read-resources", "::mlir::ModuleOp"> {
  let summary = "constants that are blobs of the file as numbers";
  let description = [{
    `dense_resource` of `arith.constant` becomes `dense`, which is what passes ask
    for numbers. A blob that is missing or of another size is an error.

    Example:

    ```mlir
    func.func private @layer() -> tensor<2xf32> {
      %c = arith.constant dense_resource<two> : tensor<2xf32>
      return %c : tensor<2xf32>
    }
    {-# dialect_resources: { builtin: { two: "0x040000000000803F00000040" } } #-}
    ```

    becomes

    ```mlir
    %c = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def CarryBFloat16 : Pass<"pp-carry-bfloat16", "::mlir::ModuleOp"> {
  let summary = "bf16 of the LLVM dialect as integers of 16 bits";
  let description = [{
    After all arithmetic on bf16 is gone (`pp-expand-bfloat16`): LLVM would make
    choices between numbers of bf16 roundings of f32, and calls of functions that
    most libraries lack. What is left of such arithmetic is an error.

    Example:

    ```mlir
    llvm.func @choose(%c: i1, %a: bf16, %b: bf16) -> bf16 {
      %y = llvm.select %c, %a, %b : i1, bf16
      llvm.return %y : bf16
    }
    ```

    becomes

    ```mlir
    llvm.func @choose(%c: i1, %a: i16, %b: i16) -> i16 {
      %y = llvm.select %c, %a, %b : i1, i16
      llvm.return %y : i16
    }
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ApproximateMath
    : Pass<"pp-approximate-math", "::mlir::ModuleOp"> {
  let summary = "transcendental functions of f32 as polynomials";
  let description = [{
    Calls of libm do not vectorise; polynomials do, and have the same bits on all
    processors. f64 keeps libm's functions: it is for checking, not for speed.
    Errors are in docs/Rationale.md.

    Example:

    ```mlir
    func.func @f(%x: f32) -> f32 {
      %y = math.exp %x : f32
      return %y : f32
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: f32) -> f32 {
      ...
      %p = math.fma ...
      ...
      %y = arith.mulf ...
      return %y : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def PlacePieces : Pass<"pp-place-pieces", "::mlir::func::FuncOp"> {
  let summary = "computes what is copied into its place there";
  let description = [{
    A temporary that is copied to another buffer, or to a slice of one, becomes
    that buffer, if nothing else touches it between the first use of the
    temporary and the copy. Arguments are taken to be different memory; slices
    of a buffer are compared by their static offsets.

    Example:

    ```mlir
    func.func @f(%x: memref<8x4xf32>, %whole: memref<8x12xf32>) {
      %t = memref.alloc() : memref<8x4xf32>
      linalg.exp ins(%x : memref<8x4xf32>) outs(%t : memref<8x4xf32>)
      %s = memref.subview %whole[0, 4] [8, 4] [1, 1] : memref<8x12xf32> to memref<8x4xf32, strided<[12, 1], offset: 4>>
      linalg.copy ins(%t : memref<8x4xf32>) outs(%s : memref<8x4xf32, strided<[12, 1], offset: 4>>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<8x4xf32>, %whole: memref<8x12xf32>) {
      %s = memref.subview %whole[0, 4] [8, 4] [1, 1] : memref<8x12xf32> to memref<8x4xf32, strided<[12, 1], offset: 4>>
      linalg.exp ins(%x : memref<8x4xf32>) outs(%s : memref<8x4xf32, strided<[12, 1], offset: 4>>)
      return
    }
    ```
  }];
}

def DelayUses : Pass<"pp-delay-uses", "::mlir::func::FuncOp"> {
  let summary = "moves uses of what collectives bring to where they are needed";
  let description = [{
    Ops without sums whose operands a collective brings, or what is made of them,
    move down to their first use: so that pp-overlap-collectives finds work
    between a collective and its end.

    Example:

    ```mlir
    func.func @f(%x: tensor<8xf32>, %all: tensor<2x8xf32>, %w: tensor<1xf32>, %a: tensor<16xf32>, %e: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
      %y:2 = kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (tensor<8xf32>, tensor<2x8xf32>, tensor<1xf32>) -> (tensor<2x8xf32>, tensor<1xf32>)
      %z = tensor.collapse_shape %y#0 [[0, 1]] : tensor<2x8xf32> into tensor<16xf32>
      %b = linalg.exp ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
      return %z, %b : tensor<16xf32>, tensor<16xf32>
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: tensor<8xf32>, %all: tensor<2x8xf32>, %w: tensor<1xf32>, %a: tensor<16xf32>, %e: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>) {
      %y:2 = kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (tensor<8xf32>, tensor<2x8xf32>, tensor<1xf32>) -> (tensor<2x8xf32>, tensor<1xf32>)
      %b = linalg.exp ins(%a : tensor<16xf32>) outs(%e : tensor<16xf32>) -> tensor<16xf32>
      %z = tensor.collapse_shape %y#0 [[0, 1]] : tensor<2x8xf32> into tensor<16xf32>
      return %z, %b : tensor<16xf32>, tensor<16xf32>
    }
    ```
  }];
}

def OverlapCollectives
    : Pass<"pp-overlap-collectives", "::mlir::func::FuncOp"> {
  let summary = "lets collectives of a layer go on beside what does not need them";
  let description = [{
    A collective behind which the layer computes something else, by a call of a
    library, a kernel or a loop, becomes two ops: its start, where it is, and its
    end in front of the first op that touches what it writes or changes what it
    reads. The gather of what a weight gradient needs runs under the weight
    gradient before it. Starts keep their order, so that all ranks come to them
    alike. Of equal ones that are under way at a time, at most `slots`, each has a
    number of its own.

    Example:

    ```mlir
    func.func @f(%x: memref<8xf32>, %all: memref<2x8xf32>, %w: memref<1xf32>, %a: memref<8xf32>, %b: memref<8xf32>, %y: memref<2x8xf32>) {
      kernel.collective all_gather %x into %all, %w over ["tensor"] members(2) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
      linalg.exp ins(%a : memref<8xf32>) outs(%b : memref<8xf32>)
      linalg.exp ins(%all : memref<2x8xf32>) outs(%y : memref<2x8xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<8xf32>, %all: memref<2x8xf32>, %w: memref<1xf32>, %a: memref<8xf32>, %b: memref<8xf32>, %y: memref<2x8xf32>) {
      kernel.collective start all_gather %x into %all, %w over ["tensor"] members(2) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
      linalg.exp ins(%a : memref<8xf32>) outs(%b : memref<8xf32>)
      kernel.collective finish all_gather %x into %all, %w over ["tensor"] members(2) : (memref<8xf32>, memref<2x8xf32>, memref<1xf32>) -> ()
      linalg.exp ins(%all : memref<2x8xf32>) outs(%y : memref<2x8xf32>)
      return
    }
    ```
  }];
  let options = [
    Option<"slots", "slots", "unsigned", "4",
      "equal collectives that may be under way at a time">,
  ];
}

def PlaceTemporaries
    : Pass<"pp-place-temporaries", "::mlir::func::FuncOp"> {
  let summary = "gives temporaries fixed offsets in a workspace argument";
  let description = [{
    Every `memref.alloc` leaves the loops around it and becomes a view of one
    buffer that the caller passes as the last argument; buffers whose lifetimes
    do not meet share bytes. The size stands in the attribute `pp.workspace`.
    After this pass nothing is allocated.

    Example:

    ```mlir
    func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
      %t = memref.alloc() : memref<4xf32>
      linalg.exp ins(%x : memref<4xf32>) outs(%t : memref<4xf32>)
      linalg.exp ins(%t : memref<4xf32>) outs(%y : memref<4xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<4xf32>, %y: memref<4xf32>, %w: memref<64xi8>) attributes {pp.workspace = 64 : i64} {
      %c0 = arith.constant 0 : index
      %t = memref.view %w[%c0][] : memref<64xi8> to memref<4xf32>
      linalg.exp ins(%x : memref<4xf32>) outs(%t : memref<4xf32>)
      linalg.exp ins(%t : memref<4xf32>) outs(%y : memref<4xf32>)
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineKernels : Pass<"pp-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "makes each loop nest a function, equal ones once";
  let description = [{
    Each outermost loop becomes a private function. Its arguments are the whole
    buffers it touches, each once, so that they can be promised not to alias,
    which LLVM makes use of in functions only; views of them are taken inside.
    Nests of equal structure share a function: the time of code generation
    follows what is distinct.

    Example:

    ```mlir
    func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        %v = memref.load %x[%i] : memref<4xf32>
        memref.store %v, %y[%i] : memref<4xf32>
      }
      return
    }
    ```

    becomes

    ```mlir
    func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
      ...
      call @kernel_0(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect"];
}

def AttachHostTarget : Pass<"pp-attach-host-target", "::mlir::ModuleOp"> {
  let summary = "target of the code: triple, data layout, CPU features";
  let description = [{
    Sets the triple and the data layout of the module and the features on
    every function. By default they are those of the machine that compiles, as
    the CPU reports them one by one: its name alone can mislead on virtual
    machines.

    Example, with `cpu=x86-64-v3 features=+avx2,+fma`:

    ```mlir
    llvm.func @f() {
      llvm.return
    }
    ```

    becomes

    ```mlir
    module attributes {...llvm.target_triple = "..."} {
      llvm.func @f() attributes {...target_cpu = "x86-64-v3", target_features = #llvm.target_features<["+avx2", "+fma"]>} {
    ```
  }];
  let options = [
    Option<"cpu", "cpu", "std::string", /*default=*/"",
           "CPU to tune for, by LLVM's name; default: the host">,
    Option<"features", "features", "std::string", /*default=*/"",
           "features, as in +avx2,+fma; default: those of the host">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // PP_CODEGEN_PASSES_TD
