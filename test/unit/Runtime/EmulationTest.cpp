#include "Emulation.h"

#include "Clock.h"
#include "Context.h"
#include "HostBackend.h"
#include "StepFunctions.h"
#include "Support.h"

using namespace pprt;

static Program program() {
  Program p;
  p.actions = {{ActionKind::Forward, 0, 0, -1, "f"},
               {ActionKind::Backward, 0, 0, -1, "b"},
               {ActionKind::Update, -1, -1, -1, "w"}};
  return p;
}

static StageTimes times(double forward) {
  StageTimes t;
  t.forward = {forward};
  t.inputGradient = {1e-3};
  t.weightGradient = {2e-3};
  return t;
}

TEST(Emulation, ActionsLastAsPlanned) {
  Emulation emulation(program(), times(2e-3));
  const uint64_t begin = nowNs();
  emulation.finish(0, begin);
  // A sleep is never short; how late it is depends on the machine.
  EXPECT_GE(nowNs() - begin, 2000000u);
  const uint64_t second = nowNs();
  emulation.finish(2, second);
  EXPECT_LT(nowNs() - second, 1000000000u) << "no computation, no sleep";
}

TEST(Emulation, ErrorsDoNotAddUp) {
  Emulation emulation(program(), times(1e-3));
  // The first action is found to have ended 40 ms late: the next ones are
  // shorter by that.
  emulation.finish(0, nowNs() - 41000000);
  const uint64_t begin = nowNs();
  int actions = 0;
  for (; actions < 40; ++actions)
    emulation.finish(0, nowNs());
  EXPECT_LE(begin, nowNs());
  // A rank that waits in between starts anew.
  emulation.finish(0, nowNs() - 1000000000);
  emulation.noteWait(2000000000);
  const uint64_t anew = nowNs();
  emulation.finish(1, anew);
  EXPECT_GE(nowNs() - anew, 2000000u);
}

/// Layers do not run: their collectives are made between parts of the sleep,
/// which is what is left of the action.
TEST(Emulation, CollectivesOfLayersAreMade) {
  Description d;
  d.programs = {program()};
  d.layerCollectives = {
      {"layers", {}, Collective::AllGather, ElementType::Bytes, 1 << 20},
      {"layers", {}, Collective::ReduceScatter, ElementType::F32, 100}};
  d.stageCollectives.resize(1);
  d.stageCollectives[0].byKind[size_t(ActionKind::Forward)] = {0, 1, 0};
  Options options;
  options.emulate = times(5.25);
  options.emulate->forwardCollectives = {5.25 - 2e-3};
  auto bootstrap = createLocalBootstrap();
  Recorder recorder(d.programs[0], false, true);
  recorder.timeCollectives();
  EmulationBackend backend({d, options, *bootstrap, recorder});
  backend.prepare(std::make_shared<Arena>(64));
  recorder.beginStep(0);
  const uint64_t begin = nowNs();
  backend.actionBegin(0);
  backend.actionEnd(0);
  EXPECT_GE(nowNs() - begin, 2000000u);
  backend.actionBegin(2); // an update has none
  backend.actionEnd(2);
  recorder.endStep();
  const StepEvents &step = recorder.lastSteps()[0];
  ASSERT_EQ(step.collectives.size(), 3u);
  uint64_t last = begin;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(step.collectives[i].collective, i == 1 ? 1 : 0);
    EXPECT_EQ(step.collectives[i].action, 0);
    EXPECT_GE(step.collectives[i].begin, last);
    last = step.collectives[i].end;
  }
  EXPECT_GE(step.events[0].end, last);
  backend.teardown(false);
}

/// Nothing that the step says is looked at, and nothing is written.
TEST(Emulation, StepsTouchNoMemory) {
  Description d;
  d.microbatches = 1;
  d.inputs = {{"tokens", Input::Tokens, 1, 4}};
  d.programs = {program()};
  d.parameters = {stepfunctions::parameter("w", /*decays=*/false)};
  d.programs[0].parameters = {{0, 0, true}};
  stepfunctions::describe(d);
  Options options;
  options.emulate = times(0);
  auto bootstrap = createLocalBootstrap();
  Recorder recorder(d.programs[0], false, false);
  const BackendSetup setup{d, options, *bootstrap, recorder};
  EmulationBackend backend(setup);
  backend.prepare(std::make_shared<Arena>(64));
  pprt_context context(setup, backend, stepfunctions::all);
  EXPECT_EQ(static_cast<const pprt_context_head *>(&context)->emulating, 1);
  context.beginStep(0);
  // Addresses that nothing may be read from or written to.
  float *nowhere = reinterpret_cast<float *>(uintptr_t(64));
  EXPECT_NE(pprt_data(&context, 0, 0), nullptr);
  pprt_zero(&context, nowhere, 16);
  EXPECT_EQ(pprt_add_gradient(&context, 0, nowhere, nowhere, 1, nowhere),
            PPRT_OK);
  EXPECT_EQ(pprt_loss(&context, 0, nowhere), PPRT_OK);
  EXPECT_EQ(pprt_square_norm(&context, 0, nowhere, nowhere), PPRT_OK);
  EXPECT_EQ(pprt_all_reduce_report(&context, nowhere), PPRT_OK);
  EXPECT_EQ(pprt_update(&context, 0, nowhere, nowhere, nowhere), PPRT_OK);
  context.endStep();
  // What is wrong is still noticed.
  EXPECT_EQ(pprt_update(&context, 1, nowhere, nowhere, nowhere), PPRT_ERROR);
}
