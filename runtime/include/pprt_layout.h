/*===- pprt_layout.h - Structs that the compiler fills --------------*- C
 *-*-===*
 *
 * Constants of programs are structs of the runtime. Their fields stand once, as
 * a list of FIELD(type, name) and ARRAY(type, name, size): the runtime declares
 * the struct by it, the compiler visits it, so that neither knows an order of
 * its own.
 *
 *===----------------------------------------------------------------------===*/

#ifndef PPRT_LAYOUT_H
#define PPRT_LAYOUT_H

#define PPRT_DECLARE_FIELD(type, name) type name;
#define PPRT_DECLARE_ARRAY(type, name, size) type name[size];

/* The struct `NAME` of the fields `FIELDS`. */
#define PPRT_STRUCT(NAME, FIELDS)                                              \
  typedef struct NAME {                                                        \
    FIELDS(PPRT_DECLARE_FIELD, PPRT_DECLARE_ARRAY)                             \
  } NAME

#endif /* PPRT_LAYOUT_H */
