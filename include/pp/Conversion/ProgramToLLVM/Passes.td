//===- Passes.td - Rank programs to LLVM -----------------------*- tablegen -*-===//

#ifndef PP_CONVERSION_PROGRAMTOLLVM_PASSES_TD
#define PP_CONVERSION_PROGRAMTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def PPLowerPrograms : Pass<"pp-lower-programs", "::mlir::ModuleOp"> {
  let summary = "lowers stage functions and rank programs to LLVM";
  let description = [{
    Expects layer functions that pp-lower-layers has lowered (module `@layers`)
    and memory that pp-plan-memory has planned. Afterwards the module holds
    LLVM functions and globals only:

    - for each stage function an `llvm.func` that calls layer functions. It
      gets the arena, a table with the arena offsets of its operands and
      results, its workspace, the dropout key and the data of the micro-batch:
      `(ptr arena, ptr offsets, ptr workspace, i64 key, ptr data...)`. A table
      instead of one argument for each value keeps the code of a rank as short
      as its list of actions, however many layers a stage has;
    - for each rank program `i32 @pp.step.<program>(ptr context, ptr arena)`,
      straight code with a runtime call or a stage call for each op. The first
      call that fails ends the step with its status;
    - `@pp_program_steps`, the table of the steps, and
      `@pp_program_description`, what the runtime must know, as JSON
      (docs/Runtime.md).

    Stage and step functions are not optimised: they hold nothing but calls,
    and the time of code generation should follow the distinct layers.

    Then the code is executed, with stand-ins for layers and transfers, and each
    call is compared with the program and the memory plan
    (`pp/TranslationValidation`): what has been proven of programs holds for what
    runs. A call that differs is an error at its op.

    Example, after `--pp-add-optimizer --pp-lower-layers --pp-plan-memory`:

    ```mlir
    module @m {
      pp.input @tokens : tensor<4xi32>
      func.func private @layer() -> tensor<f32> attributes {pp.workspace = 64 : i64}
      module @layers {
        llvm.func @layer(%ctx: !llvm.ptr, %y: !llvm.ptr, %ws: !llvm.ptr) {
          llvm.return
        }
      }
      func.func private @stage0.forward() -> (tensor<f32> {pp.value = "loss", pp.loss}) {
        %l = func.call @layer() : () -> tensor<f32>
        return %l : tensor<f32>
      }
      pp.stage 0 forward(@stage0.forward)
      pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"]
      pp.program @pipe0 pipe(0) {
        %l = pp.run F stage(0) mb(0) @stage0.forward() : () -> tensor<f32>
        pp.loss %l mb(0) : tensor<f32>
        pp.all_reduce_report
        pp.return
      }
    }
    ```

    becomes

    ```mlir
    llvm.func ... @pp.step.pipe0(%ctx: !llvm.ptr, %arena: !llvm.ptr) -> i32 ... {
      ...
      llvm.call @stage0.forward(...
      %status = llvm.call @pprt_all_reduce_report(%ctx, ...) : (!llvm.ptr, !llvm.ptr) -> i32
    ```
  }];
  let options = [
    Option<"validate", "validate", "bool", /*default=*/"true",
           "execute the native code and compare it with the programs">,
    Option<"fault", "fault", "std::string", /*default=*/"\"\"",
           "for tests of the validation: lower wrongly; `share-places` lets "
           "stage calls share tables whose other entries differ">,
    Option<"mutations", "mutations", "unsigned", /*default=*/"0",
           "for tests of the validation: change so many numbers of the code, "
           "one at a time, and say which changes it does not refuse">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // PP_CONVERSION_PROGRAMTOLLVM_PASSES_TD
