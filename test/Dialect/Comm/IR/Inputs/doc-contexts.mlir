What the op examples of docs/Comm.md stand in.
// For: *
pp.mesh @mesh <["data" = 2, "tensor" = 2]>
EXAMPLE
