//===- Patterns.h - The families of patterns --------------------*- C++ -*-===//

#ifndef PP_LIB_CONVERSION_NNTOLINALG_PATTERNS_H
#define PP_LIB_CONVERSION_NNTOLINALG_PATTERNS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace pp {
void populateElementwisePatterns(mlir::RewritePatternSet &patterns);
void populateUpstreamFunctionPatterns(mlir::RewritePatternSet &patterns);
void populateReductionPatterns(mlir::RewritePatternSet &patterns,
                               bool parallel);
void populateNormalizationPatterns(mlir::RewritePatternSet &patterns);
void populateShapePatterns(mlir::RewritePatternSet &patterns);
void populateLinearAlgebraPatterns(mlir::RewritePatternSet &patterns);
/// `parallel`: without loops in which iterations depend on each other.
void populateEmbeddingPatterns(mlir::RewritePatternSet &patterns,
                               bool parallel);
void populateCollectivePatterns(mlir::RewritePatternSet &patterns);
void populateLossPatterns(mlir::RewritePatternSet &patterns);
void populateAttentionPatterns(mlir::RewritePatternSet &patterns);
void populateRandomPatterns(mlir::RewritePatternSet &patterns, bool parallel);
} // namespace pp

#endif // PP_LIB_CONVERSION_NNTOLINALG_PATTERNS_H
