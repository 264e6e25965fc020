// The mesh that ops on parts of tensors name the axes of.
// For: *
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
EXAMPLE
