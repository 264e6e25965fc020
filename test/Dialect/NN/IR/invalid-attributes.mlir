// RUN: pp-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{(C1) #nn.normal has std = -5.000000e-01, expected 0 or more: drop the sign}}
func.func private @f() attributes {a = #nn.normal<std = -0.5>}

// -----

// expected-error @below {{(C1) #nn.normal has a std that is not finite: write a finite number}}
func.func private @f() attributes {a = #nn.normal<std = 0x7FF0000000000000>}

// -----

// expected-error @below {{(C1) #nn.normal has a mean that is not finite: write a finite number}}
func.func private @f() attributes {a = #nn.normal<std = 1.0, mean = 0x7FF8000000000000>}

// -----

// expected-error @below {{(C1) #nn.uniform has low = 1.000000e+00 above high = 0.000000e+00: exchange them}}
func.func private @f() attributes {a = #nn.uniform<low = 1.0, high = 0.0>}

// -----

// expected-error @below {{(C1) #nn.uniform has a low that is not finite: write a finite number}}
func.func private @f() attributes {a = #nn.uniform<low = 0xFFF0000000000000, high = 0.0>}

// -----

// expected-error @below {{(C1) #nn.uniform has a high that is not finite: write a finite number}}
func.func private @f() attributes {a = #nn.uniform<low = 0.0, high = 0x7FF0000000000000>}

// -----

// expected-error @below {{#nn.zeros takes no numbers: drop <...>, or use #nn.constant<value = ...>}}
func.func private @f() attributes {a = #nn.zeros<1>}

// -----

// expected-error @below {{#nn.ones takes no numbers: drop <...>, or use #nn.constant<value = ...>}}
func.func private @f() attributes {a = #nn.ones<2.0>}

// -----

// expected-error @below {{(C1) #nn.constant has a value that is not finite: write a finite number}}
func.func private @f() attributes {a = #nn.constant<value = 0x7FF8000000000000>}

// -----

// expected-error @below {{(C1) #nn.constant has value = 1.000000e+39, which is infinite in f32, the type of parameters: write a smaller number}}
func.func private @f() attributes {a = #nn.constant<value = 1.0e39>}

// -----

// expected-error @below {{(C1) #nn.uniform has low = -1.000000e+39, which is infinite in f32, the type of parameters: write a smaller number}}
func.func private @f() attributes {a = #nn.uniform<low = -1.0e39, high = 0.0>}

// -----

// expected-error @below {{(C1) #nn.normal has std = 1.000000e-60, which is 0 in f32, the type of parameters: write 0 or a larger number}}
func.func private @f() attributes {a = #nn.normal<std = 1.0e-60>}

// -----

// expected-error @below {{(C1) #nn.normal has std = 1.000000e+38 and mean = 0.000000e+00, whose values are infinite in f32, the type of parameters: write smaller numbers}}
func.func private @f() attributes {a = #nn.normal<std = 1.0e38>}

// -----

// expected-error @below {{(C1) #nn.rotary_scaling has factor = 0.000000e+00, expected a positive number such as 8.0: correct it}}
func.func private @f() attributes {a = #nn.rotary_scaling<factor = 0.0>}

// -----

// expected-error @below {{(C1) #nn.rotary_scaling has factor = 4.940656e-324, expected a positive number such as 8.0: correct it}}
func.func private @f() attributes {a = #nn.rotary_scaling<factor = 4.940656e-324>}

// -----

// expected-error @below {{(C2) #nn.rotary_scaling has low = 4.000000e+00, high = 1.000000e+00 and original = 8.192000e+03, expected 0 <= low < high and 0 < original: write all three, such as 1.0, 4.0 and 8192.0, or none}}
func.func private @f() attributes {a = #nn.rotary_scaling<factor = 8.0, low = 4.0, high = 1.0, original = 8192.0>}

// -----

// expected-error @below {{(C2) #nn.rotary_scaling has low = 1.000000e+00, high = 4.000000e+00 and original = 0.000000e+00, expected 0 <= low < high and 0 < original: write all three, such as 1.0, 4.0 and 8192.0, or none}}
func.func private @f() attributes {a = #nn.rotary_scaling<factor = 8.0, low = 1.0, high = 4.0>}
