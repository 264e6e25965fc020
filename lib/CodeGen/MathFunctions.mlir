// Functions of f32 for which MLIR has no approximation, or one that is wrong
// somewhere: sin and cos of large numbers, atan2 of zeros and infinities, log of
// denormals. pp-approximate-math and pp-gpu-expand-math put these bodies in the
// place of the ops, so that all processors give the same bits.
//
// A function @NAME is that of the op math.NAME on f32; the others are parts of
// them. Inside, f64 makes short work of what f32 needs tricks for: arguments are
// exact, denormals are normal numbers, and an error of 1e-10 is far below the
// rounding at the end, which also makes denormals and infinities of the result.
// There are no branches, and no conversions between i64 and f64, which AVX2 does
// not have: adding 1.5 * 2^52 rounds a small f64 to an integer, which then stands
// in its low bits.

module {
  // 2^t for t in [-1000, 1000]; outside, as at the ends. Of t = n + f with
  // |f| <= 1/2, 2^f by its series: the next term is 7e-12.
  func.func private @exp2_wide(%t: f64) -> f64 {
    %low = arith.constant -1000.0 : f64
    %high = arith.constant 1000.0 : f64
    %isLow = arith.cmpf olt, %t, %low : f64
    %isHigh = arith.cmpf ogt, %t, %high : f64
    %notLow = arith.select %isLow, %low, %t : f64
    %x = arith.select %isHigh, %high, %notLow : f64
    %magic = arith.constant 6755399441055744.0 : f64
    %shifted = arith.addf %x, %magic : f64
    %n = arith.subf %shifted, %magic : f64
    %f = arith.subf %x, %n : f64
    %c0 = arith.constant 1.0 : f64
    %c1 = arith.constant 0.6931471805599453 : f64
    %c2 = arith.constant 0.24022650695910072 : f64
    %c3 = arith.constant 0.05550410866482158 : f64
    %c4 = arith.constant 0.009618129107628477 : f64
    %c5 = arith.constant 0.0013333558146428443 : f64
    %c6 = arith.constant 0.0001540353039338161 : f64
    %c7 = arith.constant 1.5252733804059841e-05 : f64
    %c8 = arith.constant 1.321548679014431e-06 : f64
    %c9 = arith.constant 1.01780860092397e-07 : f64
    %p_8 = math.fma %f, %c9, %c8 : f64
    %p_7 = math.fma %f, %p_8, %c7 : f64
    %p_6 = math.fma %f, %p_7, %c6 : f64
    %p_5 = math.fma %f, %p_6, %c5 : f64
    %p_4 = math.fma %f, %p_5, %c4 : f64
    %p_3 = math.fma %f, %p_4, %c3 : f64
    %p_2 = math.fma %f, %p_3, %c2 : f64
    %p_1 = math.fma %f, %p_2, %c1 : f64
    %p = math.fma %f, %p_1, %c0 : f64
    %bits = arith.bitcast %shifted : f64 to i64
    %bias = arith.constant 1023 : i64
    %width = arith.constant 52 : i64
    %exponent = arith.addi %bits, %bias : i64
    %placed = arith.shli %exponent, %width : i64
    %scale = arith.bitcast %placed : i64 to f64
    %r = arith.mulf %p, %scale : f64
    return %r : f64
  }

  // x = m 2^k with m in [sqrt(1/2), sqrt(2)), x positive and normal: k and log m =
  // 2 atanh s, where s = (m - 1) / (m + 1), by its series: the next term is 2e-13 s.
  func.func private @log_parts(%x: f64) -> (f64, f64) {
    %bits = arith.bitcast %x : f64 to i64
    %root = arith.constant 0x3FE6A09E667F3BCD : i64
    %width = arith.constant 52 : i64
    %distance = arith.subi %bits, %root : i64
    %exponent = arith.shrsi %distance, %width : i64
    %placed = arith.shli %exponent, %width : i64
    %mantissa = arith.subi %bits, %placed : i64
    %m = arith.bitcast %mantissa : i64 to f64
    %magic = arith.constant 6755399441055744.0 : f64
    %magicBits = arith.bitcast %magic : f64 to i64
    %shifted = arith.addi %magicBits, %exponent : i64
    %shiftedNumber = arith.bitcast %shifted : i64 to f64
    %k = arith.subf %shiftedNumber, %magic : f64
    %one = arith.constant 1.0 : f64
    %above = arith.subf %m, %one : f64
    %below = arith.addf %m, %one : f64
    %s = arith.divf %above, %below : f64
    %z = arith.mulf %s, %s : f64
    %c0 = arith.constant 2.0 : f64
    %c1 = arith.constant 0.6666666666666666 : f64
    %c2 = arith.constant 0.4 : f64
    %c3 = arith.constant 0.2857142857142857 : f64
    %c4 = arith.constant 0.2222222222222222 : f64
    %c5 = arith.constant 0.18181818181818182 : f64
    %c6 = arith.constant 0.15384615384615385 : f64
    %c7 = arith.constant 0.13333333333333333 : f64
    %p_6 = math.fma %z, %c7, %c6 : f64
    %p_5 = math.fma %z, %p_6, %c5 : f64
    %p_4 = math.fma %z, %p_5, %c4 : f64
    %p_3 = math.fma %z, %p_4, %c3 : f64
    %p_2 = math.fma %z, %p_3, %c2 : f64
    %p_1 = math.fma %z, %p_2, %c1 : f64
    %p = math.fma %z, %p_1, %c0 : f64
    %log = arith.mulf %s, %p : f64
    return %k, %log : f64, f64
  }

  // `log`, which is a logarithm of x, where x is positive and finite.
  func.func private @log_special(%x: f64, %log: f64) -> f64 {
    %zero = arith.constant 0.0 : f64
    %inf = arith.constant 0x7FF0000000000000 : f64
    %minusInf = arith.constant 0xFFF0000000000000 : f64
    %nan = arith.constant 0x7FF8000000000000 : f64
    %isZero = arith.cmpf oeq, %x, %zero : f64
    %isInf = arith.cmpf oeq, %x, %inf : f64
    %isBad = arith.cmpf ult, %x, %zero : f64
    %a = arith.select %isZero, %minusInf, %log : f64
    %b = arith.select %isInf, %inf, %a : f64
    %c = arith.select %isBad, %nan, %b : f64
    return %c : f64
  }

  // log(1 + v) for v >= 0 or -1 <= v. 1 + v is rounded: what is lost counts for small
  // v.
  func.func private @log1p_wide(%v: f64) -> f64 {
    %one = arith.constant 1.0 : f64
    %u = arith.addf %v, %one : f64
    %k, %m = func.call @log_parts(%u) : (f64) -> (f64, f64)
    %ln2 = arith.constant 0.6931471805599453 : f64
    %log = math.fma %k, %ln2, %m : f64
    %kept = arith.subf %u, %one : f64
    %lost = arith.subf %v, %kept : f64
    %share = arith.divf %lost, %u : f64
    %large = arith.constant 1.0e+15 : f64
    %zero = arith.constant 0.0 : f64
    %isLarge = arith.cmpf ogt, %u, %large : f64
    %more = arith.select %isLarge, %zero, %share : f64
    %sum = arith.addf %log, %more : f64
    %r = func.call @log_special(%u, %sum) : (f64, f64) -> f64
    return %r : f64
  }

  func.func @exp2(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %y = func.call @exp2_wide(%wide) : (f64) -> f64
    %r = arith.truncf %y : f64 to f32
    return %r : f32
  }

  func.func @log2(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %k, %m = func.call @log_parts(%wide) : (f64) -> (f64, f64)
    %unit = arith.constant 1.0 : f64
    %factor = arith.constant 1.4426950408889634 : f64
    %whole = arith.mulf %k, %unit : f64
    %y = math.fma %m, %factor, %whole : f64
    %all = func.call @log_special(%wide, %y) : (f64, f64) -> f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  func.func @log10(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %k, %m = func.call @log_parts(%wide) : (f64) -> (f64, f64)
    %unit = arith.constant 0.3010299956639812 : f64
    %factor = arith.constant 0.4342944819032518 : f64
    %whole = arith.mulf %k, %unit : f64
    %y = math.fma %m, %factor, %whole : f64
    %all = func.call @log_special(%wide, %y) : (f64, f64) -> f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  // MLIR's approximation takes denormals for the smallest normal number: they are
  // scaled by 2^23 first.
  func.func @log(%x: f32) -> f32 {
    %least = arith.constant 1.17549435e-38 : f32
    %zero = arith.constant 0.0 : f32
    %scale = arith.constant 8388608.0 : f32
    %shift = arith.constant -15.942385152878742 : f32
    %isSmall = arith.cmpf olt, %x, %least : f32
    %scaled = arith.mulf %x, %scale : f32
    %normal = arith.select %isSmall, %scaled, %x : f32
    %log = math.log %normal : f32
    %lower = arith.addf %log, %shift : f32
    %r = arith.select %isSmall, %lower, %log : f32
    return %r : f32
  }

  // |x|^y = 2^(y log2 |x|). An odd whole y keeps the sign of x; of a negative x
  // others that are not whole make no number. 1^y and x^0 are 1 whatever the other
  // is.
  func.func private @pow_wide(%x: f64, %y: f64) -> f64 {
    %zero = arith.constant 0.0 : f64
    %half = arith.constant 0.5 : f64
    %one = arith.constant 1.0 : f64
    %minusOne = arith.constant -1.0 : f64
    %inf = arith.constant 0x7FF0000000000000 : f64
    %nan = arith.constant 0x7FF8000000000000 : f64
    %base = math.absf %x : f64
    %k, %m = func.call @log_parts(%base) : (f64) -> (f64, f64)
    %factor = arith.constant 1.4426950408889634 : f64
    %log = math.fma %m, %factor, %k : f64
    %allLog = func.call @log_special(%base, %log) : (f64, f64) -> f64
    %t = arith.mulf %y, %allLog : f64
    %power = func.call @exp2_wide(%t) : (f64) -> f64
    %isOneBase = arith.cmpf oeq, %base, %one : f64
    %isNaN = arith.cmpf uno, %y, %y : f64
    %onePower = arith.select %isNaN, %y, %one : f64
    %size = arith.select %isOneBase, %onePower, %power : f64
    // Numbers of f32 from 2^24 on, and infinities, are whole and even.
    %whole = math.floor %y : f64
    %isWhole = arith.cmpf oeq, %whole, %y : f64
    %halved = arith.mulf %y, %half : f64
    %wholeHalf = math.floor %halved : f64
    %isHalved = arith.cmpf one, %wholeHalf, %halved : f64
    %isOdd = arith.andi %isWhole, %isHalved : i1
    %signed = math.copysign %size, %x : f64
    %odd = arith.select %isOdd, %signed, %size : f64
    %isNegative = arith.cmpf olt, %x, %zero : f64
    %isFinite = arith.cmpf olt, %base, %inf : f64
    %isFraction = arith.cmpf one, %whole, %y : f64
    %isRoot = arith.andi %isNegative, %isFraction : i1
    %isBad = arith.andi %isRoot, %isFinite : i1
    %number = arith.select %isBad, %nan, %odd : f64
    %isOne = arith.cmpf oeq, %x, %one : f64
    %isZeroth = arith.cmpf oeq, %y, %zero : f64
    %isUnit = arith.ori %isOne, %isZeroth : i1
    %r = arith.select %isUnit, %one, %number : f64
    return %r : f64
  }

  func.func @powf(%x: f32, %y: f32) -> f32 {
    %base = arith.extf %x : f32 to f64
    %exponent = arith.extf %y : f32 to f64
    %power = func.call @pow_wide(%base, %exponent) : (f64, f64) -> f64
    %r = arith.truncf %power : f64 to f32
    return %r : f32
  }

  func.func @cbrt(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %size = math.absf %wide : f64
    %k, %m = func.call @log_parts(%size) : (f64) -> (f64, f64)
    %factor = arith.constant 1.4426950408889634 : f64
    %third = arith.constant 0.3333333333333333 : f64
    %log = math.fma %m, %factor, %k : f64
    %t = arith.mulf %log, %third : f64
    %root = func.call @exp2_wide(%t) : (f64) -> f64
    %signed = math.copysign %root, %wide : f64
    %narrow = arith.truncf %signed : f64 to f32
    // Zeros, infinities and NaN are their own roots.
    %zero = arith.constant 0.0 : f32
    %isZero = arith.cmpf oeq, %x, %zero : f32
    %twice = arith.addf %x, %x : f32
    %nothing = arith.subf %x, %x : f32
    %isOther = arith.cmpf une, %nothing, %zero : f32
    %own = arith.ori %isZero, %isOther : i1
    %r = arith.select %own, %twice, %narrow : f32
    return %r : f32
  }

  // By the series below 1, where the difference of powers cancels: the next term is
  // 8e-13.
  func.func @sinh(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %square = arith.mulf %wide, %wide : f64
    %c0 = arith.constant 1.0 : f64
    %c1 = arith.constant 0.16666666666666666 : f64
    %c2 = arith.constant 0.008333333333333333 : f64
    %c3 = arith.constant 0.0001984126984126984 : f64
    %c4 = arith.constant 2.7557319223985893e-06 : f64
    %c5 = arith.constant 2.505210838544172e-08 : f64
    %c6 = arith.constant 1.6059043836821613e-10 : f64
    %p_5 = math.fma %square, %c6, %c5 : f64
    %p_4 = math.fma %square, %p_5, %c4 : f64
    %p_3 = math.fma %square, %p_4, %c3 : f64
    %p_2 = math.fma %square, %p_3, %c2 : f64
    %p_1 = math.fma %square, %p_2, %c1 : f64
    %p = math.fma %square, %p_1, %c0 : f64
    %small = arith.mulf %wide, %p : f64
    %size = math.absf %wide : f64
    %factor = arith.constant 1.4426950408889634 : f64
    %t = arith.mulf %size, %factor : f64
    %power = func.call @exp2_wide(%t) : (f64) -> f64
    %one = arith.constant 1.0 : f64
    %half = arith.constant 0.5 : f64
    %inverse = arith.divf %one, %power : f64
    %difference = arith.subf %power, %inverse : f64
    %halved = arith.mulf %difference, %half : f64
    %large = math.copysign %halved, %wide : f64
    %isLarge = arith.cmpf ogt, %size, %one : f64
    %all = arith.select %isLarge, %large, %small : f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  func.func @cosh(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %size = math.absf %wide : f64
    %factor = arith.constant 1.4426950408889634 : f64
    %t = arith.mulf %size, %factor : f64
    %power = func.call @exp2_wide(%t) : (f64) -> f64
    %one = arith.constant 1.0 : f64
    %half = arith.constant 0.5 : f64
    %inverse = arith.divf %one, %power : f64
    %sum = arith.addf %power, %inverse : f64
    %halved = arith.mulf %sum, %half : f64
    %r = arith.truncf %halved : f64 to f32
    return %r : f32
  }

  // log(a + sqrt(a^2 + 1)) of a = |x|, as log1p, and with its sign. a^2 is below 2^257.
  func.func @asinh(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %a = math.absf %wide : f64
    %one = arith.constant 1.0 : f64
    %square = arith.mulf %a, %a : f64
    %next = arith.addf %square, %one : f64
    %root = math.sqrt %next : f64
    %below = arith.addf %root, %one : f64
    %part = arith.divf %square, %below : f64
    %sum = arith.addf %a, %part : f64
    %log = func.call @log1p_wide(%sum) : (f64) -> f64
    %signed = math.copysign %log, %wide : f64
    %number = arith.truncf %signed : f64 to f32
    %zero = arith.constant 0.0 : f32
    %nothing = arith.subf %x, %x : f32
    %isOther = arith.cmpf une, %nothing, %zero : f32
    %r = arith.select %isOther, %x, %number : f32
    return %r : f32
  }

  // log(x + sqrt(x^2 - 1)) = log1p(t + sqrt(t (t + 2))) of t = x - 1.
  func.func @acosh(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %one = arith.constant 1.0 : f64
    %two = arith.constant 2.0 : f64
    %nan = arith.constant 0x7FF8000000000000 : f64
    %t = arith.subf %wide, %one : f64
    %next = arith.addf %t, %two : f64
    %square = arith.mulf %t, %next : f64
    %root = math.sqrt %square : f64
    %sum = arith.addf %t, %root : f64
    %log = func.call @log1p_wide(%sum) : (f64) -> f64
    %isBad = arith.cmpf ult, %wide, %one : f64
    %all = arith.select %isBad, %nan, %log : f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  // log((1 + a) / (1 - a)) / 2 of a = |x|, as log1p, and with its sign.
  func.func @atanh(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %a = math.absf %wide : f64
    %one = arith.constant 1.0 : f64
    %half = arith.constant 0.5 : f64
    %nan = arith.constant 0x7FF8000000000000 : f64
    %twice = arith.addf %a, %a : f64
    %below = arith.subf %one, %a : f64
    %v = arith.divf %twice, %below : f64
    %log = func.call @log1p_wide(%v) : (f64) -> f64
    %halved = arith.mulf %log, %half : f64
    %signed = math.copysign %halved, %wide : f64
    %isBad = arith.cmpf ugt, %a, %one : f64
    %all = arith.select %isBad, %nan, %signed : f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  // atan t for t in [0, 1]: from tan(pi/8) on, pi/4 + atan((t - 1) / (t + 1)). By the
  // series: the next term is 4e-12.
  func.func private @atan_wide(%t: f64) -> f64 {
    %bound = arith.constant 0.41421356237309503 : f64
    %quarter = arith.constant 0.7853981633974483 : f64
    %zero = arith.constant 0.0 : f64
    %one = arith.constant 1.0 : f64
    %isLarge = arith.cmpf ogt, %t, %bound : f64
    %above = arith.subf %t, %one : f64
    %below = arith.addf %t, %one : f64
    %moved = arith.divf %above, %below : f64
    %s = arith.select %isLarge, %moved, %t : f64
    %offset = arith.select %isLarge, %quarter, %zero : f64
    %z = arith.mulf %s, %s : f64
    %c0 = arith.constant 1.0 : f64
    %c1 = arith.constant -0.3333333333333333 : f64
    %c2 = arith.constant 0.2 : f64
    %c3 = arith.constant -0.14285714285714285 : f64
    %c4 = arith.constant 0.1111111111111111 : f64
    %c5 = arith.constant -0.09090909090909091 : f64
    %c6 = arith.constant 0.07692307692307693 : f64
    %c7 = arith.constant -0.06666666666666667 : f64
    %c8 = arith.constant 0.058823529411764705 : f64
    %c9 = arith.constant -0.05263157894736842 : f64
    %c10 = arith.constant 0.047619047619047616 : f64
    %c11 = arith.constant -0.043478260869565216 : f64
    %c12 = arith.constant 0.04 : f64
    %p_11 = math.fma %z, %c12, %c11 : f64
    %p_10 = math.fma %z, %p_11, %c10 : f64
    %p_9 = math.fma %z, %p_10, %c9 : f64
    %p_8 = math.fma %z, %p_9, %c8 : f64
    %p_7 = math.fma %z, %p_8, %c7 : f64
    %p_6 = math.fma %z, %p_7, %c6 : f64
    %p_5 = math.fma %z, %p_6, %c5 : f64
    %p_4 = math.fma %z, %p_5, %c4 : f64
    %p_3 = math.fma %z, %p_4, %c3 : f64
    %p_2 = math.fma %z, %p_3, %c2 : f64
    %p_1 = math.fma %z, %p_2, %c1 : f64
    %p = math.fma %z, %p_1, %c0 : f64
    %r = math.fma %s, %p, %offset : f64
    return %r : f64
  }

  func.func @atan(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %size = math.absf %wide : f64
    %one = arith.constant 1.0 : f64
    %right = arith.constant 1.5707963267948966 : f64
    %inverse = arith.divf %one, %size : f64
    %isLarge = arith.cmpf ogt, %size, %one : f64
    %t = arith.select %isLarge, %inverse, %size : f64
    %angle = func.call @atan_wide(%t) : (f64) -> f64
    %rest = arith.subf %right, %angle : f64
    %all = arith.select %isLarge, %rest, %angle : f64
    %signed = math.copysign %all, %wide : f64
    %r = arith.truncf %signed : f64 to f32
    return %r : f32
  }

  // The angle of the shorter side to the longer one, then turned to the octant.
  func.func @atan2(%y: f32, %x: f32) -> f32 {
    %yWide = arith.extf %y : f32 to f64
    %xWide = arith.extf %x : f32 to f64
    %a = math.absf %yWide : f64
    %b = math.absf %xWide : f64
    %zero = arith.constant 0.0 : f64
    %one = arith.constant 1.0 : f64
    %right = arith.constant 1.5707963267948966 : f64
    %straight = arith.constant 3.141592653589793 : f64
    %isSteep = arith.cmpf ogt, %a, %b : f64
    %short = arith.select %isSteep, %b, %a : f64
    %long = arith.select %isSteep, %a, %b : f64
    %ratio = arith.divf %short, %long : f64
    // 0 / 0 and inf / inf.
    %isEqual = arith.cmpf oeq, %a, %b : f64
    %isZero = arith.cmpf oeq, %long, %zero : f64
    %diagonal = arith.select %isZero, %zero, %one : f64
    %t = arith.select %isEqual, %diagonal, %ratio : f64
    %angle = func.call @atan_wide(%t) : (f64) -> f64
    %rest = arith.subf %right, %angle : f64
    %first = arith.select %isSteep, %rest, %angle : f64
    // Of a zero, too: its sign counts.
    %sign = math.copysign %one, %xWide : f64
    %isLeft = arith.cmpf olt, %sign, %zero : f64
    %behind = arith.subf %straight, %first : f64
    %half = arith.select %isLeft, %behind, %first : f64
    %signed = math.copysign %half, %yWide : f64
    %isNaN = arith.cmpf uno, %yWide, %xWide : f64
    %nothing = arith.addf %yWide, %xWide : f64
    %all = arith.select %isNaN, %nothing, %signed : f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  // Of a = |x|: the angle whose sine is a, and the one whose cosine is a, as those of
  // the sides a and sqrt(1 - a^2), by the ratio of the shorter to the longer one.
  func.func private @angles_wide(%a: f64) -> (f64, f64) {
    %one = arith.constant 1.0 : f64
    %right = arith.constant 1.5707963267948966 : f64
    %rest = arith.subf %one, %a : f64
    %sum = arith.addf %one, %a : f64
    %square = arith.mulf %rest, %sum : f64
    %b = math.sqrt %square : f64
    %isSteep = arith.cmpf ogt, %a, %b : f64
    %short = arith.select %isSteep, %b, %a : f64
    %long = arith.select %isSteep, %a, %b : f64
    %t = arith.divf %short, %long : f64
    %angle = func.call @atan_wide(%t) : (f64) -> f64
    %other = arith.subf %right, %angle : f64
    %sine = arith.select %isSteep, %other, %angle : f64
    %cosine = arith.select %isSteep, %angle, %other : f64
    return %sine, %cosine : f64, f64
  }

  func.func @asin(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %a = math.absf %wide : f64
    %sine, %cosine = func.call @angles_wide(%a) : (f64) -> (f64, f64)
    %signed = math.copysign %sine, %wide : f64
    %r = arith.truncf %signed : f64 to f32
    return %r : f32
  }

  func.func @acos(%x: f32) -> f32 {
    %wide = arith.extf %x : f32 to f64
    %a = math.absf %wide : f64
    %sine, %cosine = func.call @angles_wide(%a) : (f64) -> (f64, f64)
    %zero = arith.constant 0.0 : f64
    %straight = arith.constant 3.141592653589793 : f64
    %isNegative = arith.cmpf olt, %wide, %zero : f64
    %behind = arith.subf %straight, %cosine : f64
    %all = arith.select %isNegative, %behind, %cosine : f64
    %r = arith.truncf %all : f64 to f32
    return %r : f32
  }

  // x = (4 i + q) pi/2 + r with |r| <= pi/4 (a bit more where x 2/pi is rounded): r,
  // and q in the two lowest bits of the second result.
  // Below 2^23 two constants whose sum is pi/2 to 2^-108 are subtracted q times; the
  // first product is exact in the fma. From there on x = M 2^E with whole M and E, and
  // q + r 2/pi is M times (2^E 2/pi mod 4), modulo 4: of 2/pi, the 96 bits from 2^1 on
  // do. %w0 ... %w6 are the bits of (2/pi)/4, so that those wanted start at bit E.
  func.func private @reduce_angle(%x: f32) -> (f64, i64) {
    %wide = arith.extf %x : f32 to f64
    %magic = arith.constant 6755399441055744.0 : f64
    %twoOverPi = arith.constant 0.6366197723675814 : f64
    %minusHigh = arith.constant -1.5707963267948966 : f64
    %minusLow = arith.constant -6.123233995736766e-17 : f64
    %shifted = math.fma %wide, %twoOverPi, %magic : f64
    %n = arith.subf %shifted, %magic : f64
    %rHigh = math.fma %n, %minusHigh, %wide : f64
    %rSmall = math.fma %n, %minusLow, %rHigh : f64
    %qSmall = arith.bitcast %shifted : f64 to i64

    %bits = arith.bitcast %x : f32 to i32
    %mantissaWidth = arith.constant 23 : i32
    %exponentMask = arith.constant 255 : i32
    %bias = arith.constant 150 : i32
    %mantissaMask = arith.constant 0x7FFFFF : i32
    %hidden = arith.constant 0x800000 : i32
    %none = arith.constant 0 : i32
    %exponentPlace = arith.shrui %bits, %mantissaWidth : i32
    %biased = arith.andi %exponentPlace, %exponentMask : i32
    %exponent = arith.subi %biased, %bias : i32
    %e = arith.maxsi %exponent, %none : i32
    %fraction = arith.andi %bits, %mantissaMask : i32
    %m32 = arith.ori %fraction, %hidden : i32
    %m = arith.extui %m32 : i32 to i64
    %w0 = arith.constant 0x28BE60DB : i64
    %w1 = arith.constant 0x9391054A : i64
    %w2 = arith.constant 0x7F09D5F4 : i64
    %w3 = arith.constant 0x7D4D3770 : i64
    %w4 = arith.constant 0x36D8A566 : i64
    %w5 = arith.constant 0x4F10E410 : i64
    %w6 = arith.constant 0x7F9458EA : i64
    // The 128 bits from bit 32 (E / 32) on, as four words.
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %c96 = arith.constant 96 : i32
    %isFrom32 = arith.cmpi sge, %e, %c32 : i32
    %isFrom64 = arith.cmpi sge, %e, %c64 : i32
    %isFrom96 = arith.cmpi sge, %e, %c96 : i32
    %u0_1 = arith.select %isFrom32, %w1, %w0 : i64
    %u0_2 = arith.select %isFrom64, %w2, %u0_1 : i64
    %u0 = arith.select %isFrom96, %w3, %u0_2 : i64
    %u1_1 = arith.select %isFrom32, %w2, %w1 : i64
    %u1_2 = arith.select %isFrom64, %w3, %u1_1 : i64
    %u1 = arith.select %isFrom96, %w4, %u1_2 : i64
    %u2_1 = arith.select %isFrom32, %w3, %w2 : i64
    %u2_2 = arith.select %isFrom64, %w4, %u2_1 : i64
    %u2 = arith.select %isFrom96, %w5, %u2_2 : i64
    %u3_1 = arith.select %isFrom32, %w4, %w3 : i64
    %u3_2 = arith.select %isFrom64, %w5, %u3_1 : i64
    %u3 = arith.select %isFrom96, %w6, %u3_2 : i64
    // Of these the 96 from bit E mod 32 on: `top` has 64, `low` 32.
    %inWord = arith.constant 31 : i32
    %shift32 = arith.andi %e, %inWord : i32
    %shift = arith.extui %shift32 : i32 to i64
    %word = arith.constant 32 : i64
    %back = arith.subi %word, %shift : i64
    %wordMask = arith.constant 0xFFFFFFFF : i64
    %u0High = arith.shli %u0, %word : i64
    %u01 = arith.ori %u0High, %u1 : i64
    %topHigh = arith.shli %u01, %shift : i64
    %topLow = arith.shrui %u2, %back : i64
    %top = arith.ori %topHigh, %topLow : i64
    %u2High = arith.shli %u2, %word : i64
    %u23 = arith.ori %u2High, %u3 : i64
    %u23Shifted = arith.shli %u23, %shift : i64
    %low = arith.shrui %u23Shifted, %word : i64
    // Modulo 4: of 96 bits, two are q, and what is beyond them is dropped.
    %lowProduct = arith.muli %m, %low : i64
    %carry = arith.shrui %lowProduct, %word : i64
    %topProduct = arith.muli %m, %top : i64
    %turn = arith.addi %topProduct, %carry : i64
    %c61 = arith.constant 61 : i64
    %c62 = arith.constant 62 : i64
    %one = arith.constant 1 : i64
    %qBelow = arith.shrui %turn, %c61 : i64
    %qRounded = arith.addi %qBelow, %one : i64
    %qLarge = arith.shrui %qRounded, %one : i64
    %qPlace = arith.shli %qLarge, %c62 : i64
    %rest = arith.subi %turn, %qPlace : i64
    // The signed 64-bit number as two halves: a lower one added to 2^52, an upper
    // one with the sign.
    %restHigh = arith.shrsi %rest, %word : i64
    %restLow = arith.andi %rest, %wordMask : i64
    %lowest = arith.andi %lowProduct, %wordMask : i64
    %magicBits = arith.bitcast %magic : f64 to i64
    %highBits = arith.addi %magicBits, %restHigh : i64
    %highShifted = arith.bitcast %highBits : i64 to f64
    %high = arith.subf %highShifted, %magic : f64
    %middleBits = arith.addi %magicBits, %restLow : i64
    %middleShifted = arith.bitcast %middleBits : i64 to f64
    %middle = arith.subf %middleShifted, %magic : f64
    %lowerBits = arith.addi %magicBits, %lowest : i64
    %lowerShifted = arith.bitcast %lowerBits : i64 to f64
    %lower = arith.subf %lowerShifted, %magic : f64
    %unitHigh = arith.constant 9.313225746154785e-10 : f64
    %unitMiddle = arith.constant 2.168404344971009e-19 : f64
    %unitLower = arith.constant 5.048709793414476e-29 : f64
    %ending = arith.mulf %lower, %unitLower : f64
    %lowerPart = math.fma %middle, %unitMiddle, %ending : f64
    %part = math.fma %high, %unitHigh, %lowerPart : f64
    %right = arith.constant 1.5707963267948966 : f64
    %angle = arith.mulf %part, %right : f64
    // The mantissa has no sign: that of x turns the angle.
    %zero = arith.constant 0.0 : f32
    %nothing = arith.constant 0 : i64
    %isNegative = arith.cmpf olt, %x, %zero : f32
    %minusAngle = arith.negf %angle : f64
    %minusQ = arith.subi %nothing, %qLarge : i64
    %rLarge = arith.select %isNegative, %minusAngle, %angle : f64
    %qSigned = arith.select %isNegative, %minusQ, %qLarge : i64

    %isLarge = arith.cmpi sge, %exponent, %none : i32
    %r = arith.select %isLarge, %rLarge, %rSmall : f64
    %q = arith.select %isLarge, %qSigned, %qSmall : i64
    return %r, %q : f64, i64
  }

  // sin r and cos r for |r| <= 0.79 by their series: the next terms are 7e-12 and
  // 4e-13.
  func.func private @sin_cos_wide(%r: f64) -> (f64, f64) {
    %z = arith.mulf %r, %r : f64
    %s0 = arith.constant 1.0 : f64
    %s1 = arith.constant -0.16666666666666666 : f64
    %s2 = arith.constant 0.008333333333333333 : f64
    %s3 = arith.constant -0.0001984126984126984 : f64
    %s4 = arith.constant 2.7557319223985893e-06 : f64
    %s5 = arith.constant -2.505210838544172e-08 : f64
    %p_4 = math.fma %z, %s5, %s4 : f64
    %p_3 = math.fma %z, %p_4, %s3 : f64
    %p_2 = math.fma %z, %p_3, %s2 : f64
    %p_1 = math.fma %z, %p_2, %s1 : f64
    %p = math.fma %z, %p_1, %s0 : f64
    %sin = arith.mulf %r, %p : f64
    %c0 = arith.constant 1.0 : f64
    %c1 = arith.constant -0.5 : f64
    %c2 = arith.constant 0.041666666666666664 : f64
    %c3 = arith.constant -0.001388888888888889 : f64
    %c4 = arith.constant 2.48015873015873e-05 : f64
    %c5 = arith.constant -2.755731922398589e-07 : f64
    %c6 = arith.constant 2.08767569878681e-09 : f64
    %cos_5 = math.fma %z, %c6, %c5 : f64
    %cos_4 = math.fma %z, %cos_5, %c4 : f64
    %cos_3 = math.fma %z, %cos_4, %c3 : f64
    %cos_2 = math.fma %z, %cos_3, %c2 : f64
    %cos_1 = math.fma %z, %cos_2, %c1 : f64
    %cos = math.fma %z, %cos_1, %c0 : f64
    return %sin, %cos : f64, f64
  }

  // `y`, or NaN for x that has no angle (infinities and NaN).
  func.func private @of_finite(%x: f32, %y: f64) -> f32 {
    %zero = arith.constant 0.0 : f32
    %narrow = arith.truncf %y : f64 to f32
    %nothing = arith.subf %x, %x : f32
    %isFinite = arith.cmpf oeq, %nothing, %zero : f32
    %r = arith.select %isFinite, %narrow, %nothing : f32
    return %r : f32
  }

  // The sine or cosine by quadrant: odd ones exchange the two, the upper bit is the
  // sign.
  func.func private @of_quadrant(%q: i64, %even: f64, %odd: f64) -> f64 {
    %one = arith.constant 1 : i64
    %two = arith.constant 2 : i64
    %none = arith.constant 0 : i64
    %lower = arith.andi %q, %one : i64
    %upper = arith.andi %q, %two : i64
    %isOdd = arith.cmpi ne, %lower, %none : i64
    %isMinus = arith.cmpi ne, %upper, %none : i64
    %y = arith.select %isOdd, %odd, %even : f64
    %minus = arith.negf %y : f64
    %r = arith.select %isMinus, %minus, %y : f64
    return %r : f64
  }

  func.func @sin(%x: f32) -> f32 {
    %r, %q = func.call @reduce_angle(%x) : (f32) -> (f64, i64)
    %sin, %cos = func.call @sin_cos_wide(%r) : (f64) -> (f64, f64)
    %y = func.call @of_quadrant(%q, %sin, %cos) : (i64, f64, f64) -> f64
    %number = func.call @of_finite(%x, %y) : (f32, f64) -> f32
    // Minus zero has lost its sign.
    %zero = arith.constant 0.0 : f32
    %isZero = arith.cmpf oeq, %x, %zero : f32
    %result = arith.select %isZero, %x, %number : f32
    return %result : f32
  }

  // sin(x + pi/2).
  func.func @cos(%x: f32) -> f32 {
    %r, %q = func.call @reduce_angle(%x) : (f32) -> (f64, i64)
    %sin, %cos = func.call @sin_cos_wide(%r) : (f64) -> (f64, f64)
    %minus = arith.negf %sin : f64
    %y = func.call @of_quadrant(%q, %cos, %minus) : (i64, f64, f64) -> f64
    %result = func.call @of_finite(%x, %y) : (f32, f64) -> f32
    return %result : f32
  }

  func.func @tan(%x: f32) -> f32 {
    %r, %q = func.call @reduce_angle(%x) : (f32) -> (f64, i64)
    %sin, %cos = func.call @sin_cos_wide(%r) : (f64) -> (f64, f64)
    %one = arith.constant 1 : i64
    %none = arith.constant 0 : i64
    %lower = arith.andi %q, %one : i64
    %isOdd = arith.cmpi ne, %lower, %none : i64
    %minus = arith.negf %cos : f64
    %above = arith.select %isOdd, %minus, %sin : f64
    %below = arith.select %isOdd, %sin, %cos : f64
    %y = arith.divf %above, %below : f64
    %number = func.call @of_finite(%x, %y) : (f32, f64) -> f32
    %zero = arith.constant 0.0 : f32
    %isZero = arith.cmpf oeq, %x, %zero : f32
    %result = arith.select %isZero, %x, %number : f32
    return %result : f32
  }

  func.func @isnan(%x: f32) -> i1 {
    %r = arith.cmpf uno, %x, %x : f32
    return %r : i1
  }

  func.func @isinf(%x: f32) -> i1 {
    %inf = arith.constant 0x7F800000 : f32
    %size = math.absf %x : f32
    %r = arith.cmpf oeq, %size, %inf : f32
    return %r : i1
  }

  func.func @isfinite(%x: f32) -> i1 {
    %inf = arith.constant 0x7F800000 : f32
    %size = math.absf %x : f32
    %r = arith.cmpf olt, %size, %inf : f32
    return %r : i1
  }

  func.func @isnormal(%x: f32) -> i1 {
    %inf = arith.constant 0x7F800000 : f32
    %least = arith.constant 0x00800000 : f32
    %size = math.absf %x : f32
    %isFinite = arith.cmpf olt, %size, %inf : f32
    %isLarge = arith.cmpf oge, %size, %least : f32
    %r = arith.andi %isFinite, %isLarge : i1
    return %r : i1
  }

  func.func @clampf(%x: f32, %low: f32, %high: f32) -> f32 {
    %above = arith.maximumf %x, %low : f32
    %r = arith.minimumf %above, %high : f32
    return %r : f32
  }
}
