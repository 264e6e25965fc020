//===- ProgramDistributions.h - Distributions in programs -------*- C++ -*-===//
//
// Programs call functions and move values between them. Nothing in a program is
// differentiated, so what is equal on all coordinates has one distribution
// there, `invariant`: forward and backward functions each say what they take,
// and a reduction that is missing between them is missing in one of both.
//
// Distributions do not tell one parameter from another. So each value has an
// origin as well: a parameter, or the gradient of some of its uses. What norms
// and updates take is the gradient of their parameter, of all uses.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_PP_IR_PROGRAMDISTRIBUTIONS_H
#define PP_DIALECT_PP_IR_PROGRAMDISTRIBUTIONS_H

#include "pp/Dialect/Comm/Analysis/DistributionInference.h"
#include "pp/Dialect/PP/IR/PPOps.h"

namespace pp {

class ProgramDistributions : public comm::DistributionInference {
public:
  ProgramDistributions(mlir::ModuleOp module, MeshOpInterface mesh);

  /// Proves that functions declare the same of what they share: parameters, the
  /// accumulators of their gradients, data and, in a module without programs,
  /// values with names. Emits an error for each that is wrong.
  mlir::LogicalResult verifyFunctions();
  /// Proves all programs, each as far as what it receives has been sent.
  /// `verifyFunctions` has succeeded.
  mlir::LogicalResult verifyPrograms(ProgramKind kind);

  mlir::SymbolTableCollection &getSymbols() { return symbols; }
  /// What functions declare of a parameter, and of its gradient. Of one that no
  /// function reads: what its sharding says.
  comm::DistributionAttr getParameter(mlir::StringAttr name);
  comm::DistributionAttr getGradient(mlir::StringAttr name);
  /// Of a replica's piece of a parameter or its gradient.
  comm::DistributionAttr getPiece(mlir::StringAttr name);
  /// What functions declare, and `own` on the axis of replicas, of which they
  /// know nothing.
  comm::DistributionAttr onReplicas(comm::DistributionAttr declared,
                                    comm::Distribution own);

  /// Sets a value to what a function declares.
  void setDeclared(mlir::Value value, comm::DistributionAttr declared);
  /// Sets a value to what another one is.
  void setLike(mlir::Value value, mlir::Value other);
  /// Proves that a value may stand where a function declares `declared`. Emits
  /// an error at `user`, in which `what` is the name of the value.
  mlir::LogicalResult checkDeclared(mlir::Value value,
                                    comm::DistributionAttr declared,
                                    mlir::Operation *user,
                                    const llvm::Twine &what);
  /// Proves that each coordinate has a loss of its own, or all have the same.
  mlir::LogicalResult checkLoss(mlir::Value value, mlir::Operation *user);

  /// What a value in a program is of.
  struct Origin {
    mlir::StringAttr parameter;
    bool isGradient = false;
    llvm::SmallVector<int64_t, 2> uses = {}; ///< of the gradient, ascending
  };
  void setOrigin(mlir::Value value, Origin origin);
  /// Null if it is of no parameter.
  const Origin *getOrigin(mlir::Value value) const;
  /// Proves that a value is (a part of) the parameter. Emits an error at
  /// `user`.
  mlir::LogicalResult checkIsOf(mlir::StringAttr parameter, mlir::Value value,
                                mlir::Operation *user);
  /// Proves that a value is a gradient of the parameter, and of all its uses if
  /// `isWhole`. Emits an error at `user`.
  mlir::LogicalResult checkIsGradientOf(mlir::StringAttr parameter,
                                        mlir::Value value, bool isWhole,
                                        mlir::Operation *user);

  /// What is sent under a name is one thing, and what is received is that.
  mlir::LogicalResult send(mlir::Operation *op,
                           const CommunicationEvent &event);
  mlir::LogicalResult receive(mlir::Value value,
                              const CommunicationEvent &event);

protected:
  std::string getRemedy(comm::Distribution found, comm::Distribution expected,
                        mlir::StringAttr axis) const override;

private:
  /// What a function declares of an argument or a result.
  struct Declaration {
    mlir::FunctionOpInterface function;
    bool isResult = false;
    unsigned number = 0;
    comm::DistributionAttr get() const;
    std::string str() const;
  };
  using Declarations = llvm::SmallVector<Declaration>;

  void collect();
  std::string describe(const Origin *origin) const;
  comm::DistributionAttr getSharding(mlir::StringAttr parameter);
  mlir::LogicalResult expect(const Declaration &found,
                             comm::DistributionAttr expected,
                             const llvm::Twine &why, mlir::Operation *other);
  mlir::LogicalResult verifyParameter(mlir::StringAttr name,
                                      const Declarations &readers);
  mlir::LogicalResult verifyGradients();
  mlir::LogicalResult verifyData();
  mlir::LogicalResult verifyValues();
  bool isReady(mlir::Operation *op) const;

  comm::DistributionAttr replace(comm::DistributionAttr declared,
                                 mlir::StringAttr axis,
                                 comm::Distribution with) const;

  mlir::ModuleOp module;
  MeshOpInterface mesh;
  /// The axis of replicas, on which programs are proven alone; null: none.
  mlir::StringAttr replicas;
  mlir::SymbolTableCollection symbols;
  /// By name: arguments with pp.param, pp.grad, pp.data and pp.value.
  llvm::MapVector<mlir::StringAttr, Declarations> readers, accumulators, data,
      consumers;
  /// Results with pp.value, by name; with pp.accumulates; with pp.loss or
  /// pp.loss_weight.
  llvm::MapVector<mlir::StringAttr, Declarations> producers;
  Declarations sums, losses;
  /// Of gradients of parameters, to which functions add.
  llvm::DenseMap<mlir::StringAttr, llvm::SmallVector<int64_t, 2>> usesOf;
  llvm::DenseMap<mlir::Value, Origin> origins;
  /// By channel and name of the value: the first pp.isend.
  llvm::DenseMap<std::pair<mlir::StringAttr, mlir::StringAttr>,
                 mlir::Operation *>
      sent;
};

/// The proof of models, plans and programs, for comm-verify-distribution.
std::unique_ptr<mlir::DialectInterface>
createDistributionProof(mlir::Dialect *dialect);

} // namespace pp

#endif // PP_DIALECT_PP_IR_PROGRAMDISTRIBUTIONS_H
