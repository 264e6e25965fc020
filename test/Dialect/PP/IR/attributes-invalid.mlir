// RUN: pp-opt %s -split-input-file -verify-diagnostics

// Attributes by which passes hand on what they found out.

// expected-error @+1 {{found pp.layer_function = 3 : i64, expected a unit attribute: write only its name}}
func.func private @f() attributes {pp.layer_function = 3}

// -----

func.func private @g()
func.func private @f() {
  // expected-error @+1 {{found pp.part = "F", expected the number of an apply and F, R, B, I or W}}
  call @g() {pp.part = "F"} : () -> ()
  return
}

// -----

// expected-error @+1 {{expected a dictionary for each apply: a string for 'layer', else i64 that are not negative}}
module attributes {pp.layers = [{layer = "a", flops = 1.0}]} {}

// -----

// expected-error @+1 {{found pp.fingerprint = 3 : i64, expected a string}}
module attributes {pp.fingerprint = 3} {}

// -----

// expected-error @+1 {{expected a dictionary of strings, i64, finite f64, booleans, unit attributes (for null), arrays and dictionaries}}
module attributes {pp.config = {model_type = "llama", layers = 1 : i32}} {}

// -----

// expected-error @+1 {{found pp.config = "llama", expected a dictionary}}
module attributes {pp.config = "llama"} {}

// -----

// expected-error @+1 {{found pp.bound = -1 : i64, expected an i64 that is not negative}}
pp.input @tokens : tensor<4xi32> {pp.bound = -1}

// -----

// expected-error @+1 {{found pp.ignored = 1 : i32, expected an i64}}
pp.input @tokens : tensor<4xi32> {pp.ignored = 1 : i32}

// -----

// expected-error @+1 {{expected a dictionary of arrays of f64}}
pp.schedule "1f1b" microbatches(1) placement [0] rows ["0F0"] {pp.times = {forward = 1.0}}

// -----

// expected-error @+1 {{expected a dictionary of f64}}
pp.program @p pipe(0) attributes {pp.predicted = {makespan = "long"}} {
  pp.return
}

// -----

// expected-error @+1 {{expected an array of dictionaries: a string 'layer', strings 'axes', i64 'ranks', 'count' and 'bytes' that are not negative, f64 'seconds'}}
pp.program @p pipe(0) attributes {pp.layer_collectives = [{layer = "block", axes = ["tensor"], ranks = 2 : i64, count = -1 : i64, bytes = 0 : i64, seconds = 0.0}]} {
  pp.return
}

// -----

// expected-error @+1 {{found pp.workspace = -64 : i64, expected an i64 of bytes, from 0 to 2^60}}
func.func private @f() attributes {pp.workspace = -64 : i64}

// -----

func.func private @f()
pp.program @p pipe(0) {
  // expected-error @+1 {{found pp.workspace_offset = 9223372036854775807 : i64, expected an i64 of bytes, from 0 to 2^60}}
  pp.run F stage(0) mb(0) @f() {pp.workspace_offset = 9223372036854775807 : i64} : () -> ()
  pp.return
}

// -----

func.func private @f()
pp.program @p pipe(0) {
  // expected-error @+1 {{found pp.offsets = array<i64: -2>, expected an array of i64: offsets from 0 to 2^60, or -1 for none}}
  pp.run F stage(0) mb(0) @f() {pp.offsets = array<i64: -2>} : () -> ()
  pp.return
}

// -----

// expected-error @+1 {{expected a dictionary of i64: bytes from 0 to 2^60}}
pp.program @p pipe(0) attributes {pp.memory = {arena = -1 : i64}} {
  pp.return
}

// -----

// expected-error @+1 {{expected a dictionary of i64: offsets from 0 to 2^60}}
pp.program @p pipe(0) attributes {pp.parameters = {w = 1.0}} {
  pp.return
}

// -----

// expected-error @+1 {{expected a dictionary of arrays of i64: offsets from 0 to 2^60, or -1 for none}}
pp.program @p pipe(0) attributes {pp.gradients = {w = 0 : i64}} {
  pp.return
}

// -----

// expected-error @+1 {{found pp.states = {w.m = -1 : i64}, expected a dictionary of i64: offsets from 0 to 2^60}}
pp.program @p pipe(0) attributes {pp.states = {w.m = -1 : i64}} {
  pp.return
}

// -----

// expected-error @+1 {{found pp.role = 3 : i64, expected a string}}
func.func private @f() attributes {pp.role = 3 : i64}

// -----

// expected-error @+1 {{found pp.decays = true, expected a unit attribute: write only its name}}
func.func private @f() attributes {pp.decays = true}

// -----

// expected-error @+1 {{expected for each value the offsets of its slots, from 0 to 2^60, or a dictionary of slots, head, tail and instances}}
pp.program @p pipe(0) attributes {pp.rings = {x = array<i64>}} {
  pp.return
}

// -----

// expected-error @+1 {{expected for each function the offsets of its slots, from 0 to 2^60, or a dictionary of slots, head, tail and instances}}
pp.program @p pipe(0) attributes {pp.workspaces = {f = {head = 4294967295 : i64, instances = 1 : i64, slots = array<i64: 0>, tail = 0 : i64}}} {
  pp.return
}
