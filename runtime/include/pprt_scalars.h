/*===- pprt_scalars.h - Numbers of a step that updates read ---------------===*\
 *
 * The compiler addresses them in the functions that it makes of optimizers and
 * of the end of a step; the runtime fills them in before each step, but for the
 * first two, which the program computes from the losses and norms of all ranks.
 * On a device they lie on the device. A description says how many there are.
 *
\*===----------------------------------------------------------------------===*/

#ifndef PPRT_SCALARS_H
#define PPRT_SCALARS_H

#include <stddef.h>

/* Fields of f32, without padding. */
typedef struct pprt_scalars {
  float gradient_scale; /* the clip factor, by micro-batches or by the
                            sum of the weights of their losses */
  float is_finite;      /* 1, or 0 and nothing is updated */
  float learning_rate;
  float weight_decay;
  float beta1, beta2, epsilon;
  float correction1, correction2; /* 1 - beta^t */
} pprt_scalars;

enum {
  PPRT_NUM_SCALARS = sizeof(pprt_scalars) / sizeof(float),
  /* The first ones, which the end of a step computes. */
  PPRT_NUM_CONCLUDED = offsetof(pprt_scalars, learning_rate) / sizeof(float)
};

/* What the end of a step reads, f64: losses of micro-batches, the weights of
 * these if the program has some, square norms of parameters, then these: the
 * number of ranks with an id out of range, with which nothing is updated, and,
 * for the runtime alone, the votes to end the run, and the ranks that have
 * written their part of a checkpoint, that have given it its name, that have
 * failed in either, and that ask for one. */
enum {
  PPRT_FLAG_IDS,
  PPRT_FLAG_VOTES,
  PPRT_FLAG_WRITTEN,
  PPRT_FLAG_COMMITTED,
  PPRT_FLAG_WRITE_FAILED,
  PPRT_FLAG_CHECKPOINT_DUE,
  PPRT_NUM_FLAGS
};

/* What the end of a step says of it beside: f64. */
enum { PPRT_SUMMARY_LOSS, PPRT_SUMMARY_NORM, PPRT_NUM_SUMMARY };

#endif /* PPRT_SCALARS_H */
