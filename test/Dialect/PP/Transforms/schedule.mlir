// RUN: pp-opt %s -pp-schedule="schedule=gpipe microbatches=2" | FileCheck %s --check-prefix=GPIPE
// RUN: pp-opt %s -pp-schedule="schedule=1f1b microbatches=3" | FileCheck %s --check-prefix=OFOB
// RUN: pp-opt %s -pp-schedule="schedule=1f1b microbatches=2 split" | FileCheck %s --check-prefix=SPLIT
// A second schedule replaces the first.
// RUN: pp-opt %s -pp-schedule="schedule=gpipe microbatches=2" -pp-schedule="schedule=1f1b microbatches=3" | FileCheck %s --check-prefix=OFOB
// RUN: echo "1F0,,1B0" > %t.csv
// RUN: echo "0F0,,,0B0" >> %t.csv
// RUN: pp-opt %s -pp-schedule="schedule=%t.csv" | FileCheck %s --check-prefix=FILE

func.func private @f0() -> (tensor<8xf32> {pp.value = "x"})
func.func private @f1(tensor<8xf32> {pp.value = "x"}) -> (tensor<f32> {pp.value = "loss", pp.loss})
pp.stage 0 forward(@f0)
pp.stage 1 forward(@f1)

// GPIPE: pp.schedule "gpipe" microbatches(2) placement [0, 1] rows ["0F0,0F1,0B0,0B1", "1F0,1F1,1B0,1B1"]
// OFOB-NOT: pp.schedule "gpipe"
// OFOB: pp.schedule "1f1b" microbatches(3) placement [0, 1] rows ["0F0,0F1,0B0,0F2,0B1,0B2", "1F0,1B0,1F1,1B1,1F2,1B2"]
// SPLIT: pp.schedule "1f1b" microbatches(2) placement [0, 1] rows ["{{.*}}0I0{{.*}}0W0{{.*}}0I1{{.*}}0W1{{.*}}", "{{.*}}1I1,1W1"]
// Stages may be placed on ranks as the file says.
// FILE: pp.schedule "file" microbatches(1) placement [1, 0] rows ["1F0,1B0", "0F0,0B0"]
