/*===- pprt_collectives.h - Collectives of programs -----------------*- C -*-===*
 *
 * What compiler and runtime have to agree on about collectives: their kinds,
 * how elements are cut into pieces, and the memory that one needs while it is
 * under way, which the compiler plans with the rest of the arena.
 *
 *===----------------------------------------------------------------------===*/

#ifndef PPRT_COLLECTIVES_H
#define PPRT_COLLECTIVES_H

#include <stdint.h>

/* In the description by their names, without "PPRT_" and in small letters. */
enum {
  PPRT_ALL_REDUCE,     /* every member gets the sum of all members' elements */
  PPRT_REDUCE_SCATTER, /* every member gets its piece of that sum */
  PPRT_ALL_GATHER,     /* every member gets all pieces, one behind the other */
  PPRT_ALL_TO_ALL, /* every member gets its piece of all members' elements */
  PPRT_NUM_COLLECTIVES
};

/* Whether it sums elements, of f32 or f64; others move bytes. */
static inline int pprt_is_sum(int32_t kind) {
  return kind == PPRT_ALL_REDUCE || kind == PPRT_REDUCE_SCATTER;
}

enum {
  /* What a member sums lies apart by multiples of so many bytes. */
  PPRT_PIECE_ALIGNMENT = 256,
  /* All-reduces of up to so many bytes from all members together may send all
     to all. */
  PPRT_GATHERED_BYTES = 1 << 20
};

/* Bytes of workspace of a collective over `members` ranks: of an all-reduce of
 * `elements` elements of `width` bytes, else of pieces of at most so many. */
static inline uint64_t pprt_collective_workspace(int32_t kind,
                                                 uint64_t elements,
                                                 uint64_t width,
                                                 uint64_t members) {
  uint64_t piece = elements * width;
  if (!pprt_is_sum(kind) || members == 1)
    return 0;
  if (kind == PPRT_ALL_REDUCE && piece * members > PPRT_GATHERED_BYTES)
    piece = (elements + members - 1) / members * width;
  return (piece + PPRT_PIECE_ALIGNMENT - 1) / PPRT_PIECE_ALIGNMENT *
         PPRT_PIECE_ALIGNMENT * members;
}

#endif /* PPRT_COLLECTIVES_H */
