func.func @vector(%m: memref<48xi1>, %i: index) -> vector<8xi1> {
  %v = vector.load %m[%i] : memref<48xi1>, vector<8xi1>
  return %v : vector<8xi1>
}
