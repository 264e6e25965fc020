//===- Passes.td - Layer functions to code for GPUs ------------*- tablegen -*-===//

#ifndef PP_CODEGEN_GPU_PASSES_TD
#define PP_CODEGEN_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def GPUOutlineKernels : Pass<"pp-gpu-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "makes ops on memrefs launches of kernels, equal ones once";
  let description = [{
    Each `linalg` op, each loop with `pp.rows` and each `kernel.scatter_add` of a
    layer function becomes a kernel of the module `@kernels` and its launch:

    - elementwise ops: a thread computes 16 bytes at a time;
    - loops over rows, and sums over contiguous elements: a thread, a warp or a
      block for each row, by its length, which sums by shuffles; what is a
      number of a row stays in registers, a temporary row lies in shared memory;
    - sums over distant elements (columns): each thread walks a column by a
      fixed part of the rows, the parts are added in order; where there are too
      few columns for the device, in two kernels;
    - `kernel.sum_of_squares`: two kernels, sums of blocks and their sum;
    - `kernel.scatter_add`: a block for the first of equal ids adds the rows of
      all of them in order.

    No kernel uses an atomic operation: results have the same bits in each run.
    A kernel takes whole buffers, each once, and a key (an i64) as the address
    of one, with the number that is mixed in, plus one, in the upper 16 bits.

    Example:

    ```mlir
    #id = affine_map<(i) -> (i)>
    module attributes {gpu.container_module} {
      func.func @f(%x: memref<1024xf32>, %y: memref<1024xf32>) {
        linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : memref<1024xf32>) outs(%y : memref<1024xf32>) {
        ^bb0(%in: f32, %out: f32):
          %v = arith.negf %in : f32
          linalg.yield %v : f32
        }
        return
      }
    }
    ```

    becomes

    ```mlir
    gpu.launch_func @kernels::@elementwise_0 blocks in (%bx, %by, %bz) threads in (%tx, %ty, %tz)
        args(%x : memref<1024xf32>, %y : memref<1024xf32>)
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def GPUAddRuntimeKernels : Pass<"pp-gpu-add-runtime-kernels", "::mlir::ModuleOp"> {
  let summary = "adds the kernels that the runtime launches itself";
  let description = [{
    Reports of losses, checks of ids and the epilogues of products that cuBLASLt
    has no plan for: the runtime brings no code for GPUs, each program brings what
    it needs. The kernels are those of
    lib/CodeGen/GPU/RuntimeKernels.mlir; the runtime knows them by name.

    Example:

    ```mlir
    module {
    }
    ```

    becomes

    ```mlir
    gpu.module @kernels {
      ...
      gpu.func @pprt_kernel_check_ids(...) workgroup(...) kernel ... {
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def GPUSizeWorkspaces : Pass<"pp-gpu-size-workspaces", "::mlir::func::FuncOp"> {
  let summary = "gives library calls the workspace that GPU libraries want";
  let description = [{
    Before temporaries are placed: scratch memory of `kernel.gemm` gets the size
    that cuBLASLt is given, that of attention what cuDNN takes for its shape on the
    chips that the code runs on. The largest counts, since calls follow each other.

    Example:

    ```mlir
    func.func @product(%a: memref<8x4xf32>, %b: memref<4x16xf32>, %c: memref<8x16xf32>) {
      %w = memref.alloc() : memref<112xf32>
      kernel.gemm %a, %b into %c, %w : (memref<8x4xf32>, memref<4x16xf32>, memref<8x16xf32>, memref<112xf32>) -> ()
      return
    }
    ```

    becomes

    ```mlir
    %w = memref.alloc() : memref<8388672xf32>
    kernel.gemm %a, %b into %c, %w : (memref<8x4xf32>, memref<4x16xf32>, memref<8x16xf32>, memref<8388672xf32>) -> ()
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_90a\"",
           "the chip that the program is for">,
    Option<"anyOrder", "any-order", "bool", /*default=*/"false",
           "adjoints of attention may sum in any order">,
    Option<"cudnn", "cudnn", "int64_t", /*default=*/"91900",
           "the oldest version of cuDNN that has to do with it, 91900 for 9.19.0">
  ];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def GPUUseInstructions : Pass<"pp-gpu-use-instructions", "::mlir::ModuleOp"> {
  let summary = "roundings to bf16 and powers by instructions of the device";
  let description = [{
    In kernels an f32 is rounded to bf16 by the conversion of the device (since
    sm_80; LLVM has integers for others), and `math.exp` becomes a power of two that
    is approximated (2^-22) where all that is computed from it is rounded to bf16,
    or where it has the flag `afn`. Bits are those of the expansion, but for NaN, in
    the former and may differ in the last of bf16 in the latter.

    Example:

    ```mlir
    gpu.module @kernels {
      gpu.func @f(%x: f32, %m: memref<bf16>) kernel {
        %p = math.exp %x : f32
        %y = arith.truncf %p : f32 to bf16
        memref.store %y, %m[] : memref<bf16>
        gpu.return
      }
    }
    ```

    becomes

    ```mlir
    %s = arith.mulf %x, %log2e : f32
    %p = llvm.call_intrinsic "llvm.exp2.f32"(%s) {fastmathFlags = #llvm.fastmath<afn>} : (f32) -> f32
    %y = llvm.fptrunc %p : f32 to bf16
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def GPUExpandMath : Pass<"pp-gpu-expand-math", "::mlir::ModuleOp"> {
  let summary = "transcendental functions as arithmetic, all of them";
  let description = [{
    A device has no mathematical library (NVIDIA's comes with its toolkit only):
    functions of f32 become the host's polynomials, with its bits, and remainders
    divisions of integers. What is left in a kernel after that (functions of f64)
    is an error.

    Example:

    ```mlir
    gpu.module @kernels {
      gpu.func @f(%x: f32, %m: memref<f32>) kernel {
        %y = math.rsqrt %x : f32
        memref.store %y, %m[] : memref<f32>
        gpu.return
      }
    }
    ```

    becomes

    ```mlir
    %r = math.sqrt %x : f32
    %y = arith.divf %one, %r : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def GPUResolveMath : Pass<"pp-gpu-resolve-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "calls of NVIDIA's mathematical library as instructions";
  let description = [{
    The conversion to NVVM makes a call of libdevice also of what is an
    instruction. These become intrinsics; any other call of it is an error, since
    the library comes with NVIDIA's toolkit only.

    Example:

    ```mlir
    gpu.module @kernels {
      llvm.func @__nv_fmaf(f32, f32, f32) -> f32
      llvm.func @f(%a: f32, %b: f32, %c: f32) -> f32 {
        %y = llvm.call @__nv_fmaf(%a, %b, %c) : (f32, f32, f32) -> f32
        llvm.return %y : f32
      }
    }
    ```

    becomes

    ```mlir
    %y = llvm.intr.fma(%a, %b, %c) : (f32, f32, f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def GPUEmulateKernels : Pass<"pp-gpu-emulate-kernels", "::mlir::ModuleOp"> {
  let summary = "copies kernels to functions of the host, for tests";
  let description = [{
    Registers, barriers and shuffles become calls of `pprt_gpu_host_*`
    (pprt_gpu.h), buffers in shared memory become arguments. Before each access
    that says how it is aligned stands a call that checks it: a device refuses
    what the host's vector instructions take.

    Example:

    ```mlir
    module attributes {gpu.container_module} {
      gpu.module @kernels {
        gpu.func @rows_0(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
          %t = gpu.thread_id x
          %v = vector.load %x[%t] : memref<64xf32>, vector<4xf32>
          vector.store %v, %x[%t] : memref<64xf32>, vector<4xf32>
          gpu.return
        }
      }
    }
    ```

    gets beside it, in the module around,

    ```mlir
    func.func private @rows_0.emulated(%x: memref<64xf32>) attributes {pp.emulates = "rows_0", pp.shared = array<i64>} {
      ...
      %p = llvm.call @pprt_gpu_host_thread() : () -> !llvm.ptr
      ...
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

def GPULowerCalls : Pass<"pp-gpu-lower-calls", "::mlir::ModuleOp"> {
  let summary = "launches and library calls to calls of the runtime";
  let description = [{
    `gpu.launch_func` becomes `pprt_gpu_launch` of the number of the kernel,
    products and attention become `pprt_gpu_matmul` and `pprt_gpu_attention_*`
    with constant shapes. Every public function gets the runtime's context as
    its first argument, which all of these calls take. What is known of the
    kernels is kept in the attribute `pp.gpu_kernels` of the module.

    Example:

    ```mlir
    module attributes {gpu.container_module} {
      gpu.module @kernels {
        gpu.func @rows_0(%x: memref<64xf32>) kernel attributes {known_block_size = array<i32: 32, 8, 1>} {
          gpu.return
        }
      }
      func.func @f(%x: memref<64xf32>) {
        %c1 = arith.constant 1 : index
        %c4 = arith.constant 4 : index
        %c8 = arith.constant 8 : index
        %c32 = arith.constant 32 : index
        gpu.launch_func @kernels::@rows_0 blocks in (%c4, %c1, %c1) threads in (%c32, %c8, %c1) args(%x : memref<64xf32>)
        return
      }
    }
    ```

    becomes

    ```mlir
    llvm.call @pprt_gpu_launch(...)
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def GPUEmbedCode : Pass<"pp-gpu-embed-code", "::mlir::ModuleOp"> {
  let summary = "the code of the kernels and its tables as data of the program";
  let description = [{
    What `gpu-module-to-binary` made becomes constants, beside them a cubin where
    `ptxas` is found; `pprt_gpu_program_code` (pprt_gpu.h) lists them, and the
    kernels in the order of their numbers.

    Example:

    ```mlir
    module attributes {gpu.container_module} {
      gpu.binary @kernels [#gpu.object<#nvvm.target<chip = "sm_90a">, assembly = "code">]
    }
    ```

    becomes

    ```mlir
    llvm.mlir.global external constant @pprt_gpu_program_code()
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"sm_90a\"",
           "the chip that the PTX is for">,
    Option<"ptxas", "ptxas", "std::string", /*default=*/"",
           "ptxas to make a cubin with; none if empty">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // PP_CODEGEN_GPU_PASSES_TD
