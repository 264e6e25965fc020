//===- Support.h - Building nn ops in a test --------------------*- C++ -*-===//

#ifndef PP_TEST_UNIT_DIALECT_NN_IR_SUPPORT_H
#define PP_TEST_UNIT_DIALECT_NN_IR_SUPPORT_H

#include "pp/Dialect/NN/IR/NNOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "gtest/gtest.h"

/// A context with nn, and a block whose arguments are the operands of tests.
class NNTest : public testing::Test {
protected:
  NNTest() : builder(&context) {
    context.loadDialect<pp::nn::NNDialect>();
    module = mlir::ModuleOp::create(loc());
    builder.setInsertionPointToEnd(module->getBody());
  }

  mlir::Location loc() { return mlir::UnknownLoc::get(&context); }

  mlir::RankedTensorType tensor(llvm::ArrayRef<int64_t> shape,
                                mlir::Type element) {
    return mlir::RankedTensorType::get(shape, element);
  }
  mlir::RankedTensorType f32(llvm::ArrayRef<int64_t> shape) {
    return tensor(shape, builder.getF32Type());
  }

  /// A tensor of unknown contents.
  mlir::Value value(mlir::Type type) {
    return module->getBody()->addArgument(type, loc());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::OpBuilder builder;
};

#endif // PP_TEST_UNIT_DIALECT_NN_IR_SUPPORT_H
