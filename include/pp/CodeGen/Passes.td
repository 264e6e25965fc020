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
    // becomes
    func.func private @block(tensor<4xf32>) -> tensor<4xf32>
    module @layers {
      func.func @block(%x: tensor<4xf32>) -> tensor<4xf32> { ... }
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
      llvm.func @block(%x: !llvm.ptr, %y: !llvm.ptr, %w: !llvm.ptr) attributes {pp.workspace = 64 : i64} { ... }
    }
    // the declaration becomes
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
    %e = linalg.generic ... { math.exp }     // one use
    %y = linalg.generic ins(%e) ... { arith.addf }
    // becomes
    %y = linalg.generic ... { math.exp, arith.addf }
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
    %a = linalg.generic {... ["reduction", "parallel"]} ins(%x, %dy) outs(%i) ...
    %b = linalg.generic {... ["reduction", "parallel"]} ins(%dy) outs(%j) ...
    // becomes
    %ab:2 = linalg.generic {... ["reduction", "parallel"]} ins(%x, %dy) outs(%i, %j) ...
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
    %s = linalg.generic ... ins(%x : tensor<8x16xf32>) ...   // row sums: tensor<8xf32>
    %y = linalg.generic ... ins(%x, %s) ...                  // tensor<8x16xf32>
    // becomes
    %y = scf.for %i = %c0 to %c8 step %c1 iter_args(%w = %e) -> (tensor<8x16xf32>) {
      %r = tensor.extract_slice %x[%i, 0] [1, 16] [1, 1] : tensor<8x16xf32> to tensor<16xf32>
      %s = linalg.generic ... ins(%r) ...                    // tensor<f32>
      %v = linalg.generic ... ins(%r, %s) ...                // tensor<16xf32>
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
    // becomes
    func.func @f(%x: tensor<4xf32> {bufferization.writable = false}, %d: tensor<4xf32> {bufferization.writable = true}) {
      %y = linalg.exp ins(%x : tensor<4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
      bufferization.materialize_in_destination %y in %d
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
    func.func @f(%x: tensor<4xf32>, %d: tensor<4xf32>)
    // becomes
    func.func @f(%x: memref<4xf32>, %d: memref<4xf32>)
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
    linalg.generic ... ins(%x : memref<48xf32>) outs(%m : memref<48xi1>) {
      %c = arith.cmpf ogt, %in, %zero : f32
      linalg.yield %c : i1
    }
    // becomes
    linalg.generic ... ins(%x : memref<48xf32>) outs(%m : memref<48xi8>) {
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

    Example: `vector.load %m[%i] : memref<48xi1>, vector<8xi1>` is an error.
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
    %y = arith.truncf %x : f32 to bf16
    // becomes arith.bitcast, arith.shrui, arith.addi ...
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

    Example: `arith.constant dense_resource<two> : tensor<2xf32>` becomes
    `arith.constant dense<[1.0, 2.0]> : tensor<2xf32>`.
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
    %y = llvm.select %c, %a, %b : i1, bf16
    // becomes llvm.select %c, %a, %b : i1, i16
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
    %y = math.exp %x : f32
    // becomes multiplications, math.fma, arith.select ...
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
    %t = memref.alloc() : memref<8x4xf32>
    linalg.exp ins(%x : memref<8x4xf32>) outs(%t : memref<8x4xf32>)
    %s = memref.subview %whole[0, 4] [8, 4] [1, 1] : memref<8x12xf32> to memref<8x4xf32, strided<[12, 1], offset: 4>>
    linalg.copy ins(%t : memref<8x4xf32>) outs(%s : memref<8x4xf32, strided<[12, 1], offset: 4>>)
    // becomes
    %s = memref.subview %whole[0, 4] [8, 4] [1, 1] : memref<8x12xf32> to memref<8x4xf32, strided<[12, 1], offset: 4>>
    linalg.exp ins(%x : memref<8x4xf32>) outs(%s : memref<8x4xf32, strided<[12, 1], offset: 4>>)
    ```
  }];
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
    func.func @f(%x: memref<4xf32>) {
      %t = memref.alloc() : memref<4xf32>
      ...
    // becomes
    func.func @f(%x: memref<4xf32>, %w: memref<64xi8>) attributes {pp.workspace = 64 : i64} {
      %c0 = arith.constant 0 : index
      %t = memref.view %w[%c0][] : memref<64xi8> to memref<4xf32>
      ...
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
    scf.for %i = %c0 to %c4 step %c1 { ... %x ... %y ... }
    // becomes
    func.call @kernel_0(%x, %y) : (memref<4xf32>, memref<4xf32>) -> ()
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

    Example: `target_features = #llvm.target_features<["+avx2", "+fma", ...]>`
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
