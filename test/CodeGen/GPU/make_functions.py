"""Prints a function for each function of math, on numbers of four sizes.

usage: make_functions.py [bf16]
"""

import sys

element = "bf16" if "bf16" in sys.argv else "f32"
UNARY = """acos acosh asin asinh atan atanh cbrt cos cosh erf erfc exp exp2 expm1 log
log10 log1p log2 rsqrt sin sinh sqrt tan tanh""".split()
# Beside others, denormals; where sines are reduced in integers.
SCALES = ["1.0", "1.0e-39" if element == "f32" else "1.0e-30", "100.0", "3.0e+38"]
kind = f"tensor<45x{element}>"


def function(name, operands):
    # The C library's functions have the names without a prefix.
    print(f"func.func @f_{name}(%x: {kind}, %z: {kind}) -> ({', '.join([kind] * len(SCALES))}) {{")
    for i, scale in enumerate(SCALES):
        print(f"  %c{i} = arith.constant dense<{scale}> : {kind}")
        print(f"  %s{i} = arith.mulf %x, %c{i} : {kind}")
        # Logarithms and roots want positive numbers.
        value = f"%s{i}"
        if name in ("acosh", "log", "log10", "log2", "rsqrt", "sqrt", "powf"):
            print(f"  %a{i} = math.absf %s{i} : {kind}")
            value = f"%a{i}"
        if name == "acosh":
            print(f"  %one{i} = arith.constant dense<1.0> : {kind}")
            print(f"  %m{i} = arith.addf %a{i}, %one{i} : {kind}")
            value = f"%m{i}"
        if name in ("acos", "asin", "atanh", "log1p"):
            value = "%x"
        print(f"  %y{i} = math.{name} {value}{operands} : {kind}")
    values = ", ".join(f"%y{i}" for i in range(len(SCALES)))
    print(f"  return {values} : {', '.join([kind] * len(SCALES))}\n}}")


for name in ("atan2", "powf"):
    function(name, ", %z")
for name in UNARY:
    function(name, "")
print(f"""func.func @f_fpowi(%x: {kind}, %n: tensor<45xi32>) -> {kind} {{
  %y = math.fpowi %x, %n : {kind}, tensor<45xi32>
  return %y : {kind}
}}
func.func @f_classes(%x: {kind}, %z: {kind}) -> ({kind}, tensor<45xi1>, tensor<45xi1>, tensor<45xi1>, tensor<45xi1>) {{
  %y = math.clampf %x to [%z, %z] : {kind}
  %e = math.exp %x : {kind}
  %a = math.isnan %e : {kind}
  %b = math.isinf %e : {kind}
  %c = math.isfinite %e : {kind}
  %d = math.isnormal %e : {kind}
  return %y, %a, %b, %c, %d : {kind}, tensor<45xi1>, tensor<45xi1>, tensor<45xi1>, tensor<45xi1>
}}
func.func @f_absi(%n: tensor<45xi32>) -> tensor<45xi32> {{
  %m = arith.constant dense<-2> : tensor<45xi32>
  %s = arith.addi %n, %m : tensor<45xi32>
  %y = math.absi %s : tensor<45xi32>
  return %y : tensor<45xi32>
}}""")
