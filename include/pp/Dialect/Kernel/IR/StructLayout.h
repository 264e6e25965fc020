//===- StructLayout.h - Structs of the runtime as values --------*- C++ -*-===//
//
// A struct that generated code fills is declared by a list of fields that the
// runtime and the compiler share (pprt_layout.h). Here a value of such a
// struct, or its type alone, becomes a list of fields in the struct's own
// order.
//
//===----------------------------------------------------------------------===//

#ifndef PP_DIALECT_KERNEL_IR_STRUCTLAYOUT_H
#define PP_DIALECT_KERNEL_IR_STRUCTLAYOUT_H

#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <type_traits>

namespace pp {

/// A field of a struct of the runtime. Addresses have no value.
struct StructField {
  enum Kind { Int32, Int64, Float32, Address } kind;
  int64_t integer = 0;
  float number = 0;
};

template <typename T> constexpr StructField::Kind structFieldKind() {
  if constexpr (std::is_pointer_v<T>)
    return StructField::Address;
  else if constexpr (std::is_same_v<T, float>)
    return StructField::Float32;
  else
    return sizeof(T) == 8 ? StructField::Int64 : StructField::Int32;
}

template <typename T> StructField structField(T value) {
  // LLVM aligns a number to its size, and so has to C.
  static_assert(alignof(T) == sizeof(T),
                "a field that LLVM lays out as C does");
  StructField field{structFieldKind<T>()};
  if constexpr (std::is_same_v<T, float>)
    field.number = value;
  else if constexpr (!std::is_pointer_v<T>)
    field.integer = static_cast<int64_t>(value);
  return field;
}

template <typename T>
void addStructFields(llvm::SmallVectorImpl<StructField> &fields,
                     const T &value) {
  if constexpr (std::is_array_v<T>)
    for (const auto &element : value)
      fields.push_back(structField(element));
  else
    fields.push_back(structField(value));
}

/// The literal struct type of these fields.
mlir::Type structTypeOf(mlir::MLIRContext *context,
                        llvm::ArrayRef<StructField> fields);

} // namespace pp

/// `FUNCTION(value)`: the fields of a struct `TYPE` with the list `FIELDS`. The
/// list is the whole struct: what is in no field is no more than padding.
#define PP_DEFINE_STRUCT_FIELDS(FUNCTION, TYPE, FIELDS)                        \
  static llvm::SmallVector<pp::StructField> FUNCTION(const TYPE &value) {      \
    constexpr size_t bytes = 0 FIELDS(PP_ADD_FIELD_BYTES, PP_ADD_ARRAY_BYTES); \
    static_assert(bytes <= sizeof(TYPE) &&                                     \
                      sizeof(TYPE) - bytes < alignof(TYPE),                    \
                  "fields stand in an order without gaps but at the end");     \
    llvm::SmallVector<pp::StructField> fields;                                 \
    FIELDS(PP_ADD_FIELD, PP_ADD_ARRAY)                                         \
    return fields;                                                             \
  }
#define PP_ADD_FIELD_BYTES(type, name) +sizeof(type)
#define PP_ADD_ARRAY_BYTES(type, name, size) +sizeof(type) * size
#define PP_ADD_FIELD(type, name) pp::addStructFields(fields, value.name);
#define PP_ADD_ARRAY(type, name, size) pp::addStructFields(fields, value.name);

#endif // PP_DIALECT_KERNEL_IR_STRUCTLAYOUT_H
