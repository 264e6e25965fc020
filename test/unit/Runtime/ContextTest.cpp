#include "Context.h"
#include "HostBackend.h"

#include "StepFunctions.h"
#include "Support.h"

#include <cmath>
#include <limits>
#include <set>

using namespace pprt;

/// One rank with two micro-batches and two parameters of four elements.
class ContextTest : public testing::Test {
protected:
  ContextTest()
      : data(optionsOf(directory.write("data", std::string(100, 'a')))) {
    d.microbatches = 2;
    d.sequence = 4;
    d.vocabulary = d.targetClasses = 256;
    d.inputs = {{"tokens", Input::Tokens, 1, 4},
                {"targets", Input::Targets, 1, 4}};
    d.parameters = {stepfunctions::parameter("w", /*decays=*/true),
                    stepfunctions::parameter("b", /*decays=*/false)};
    stepfunctions::describe(d);
    d.programs.resize(1);
    d.programs[0].requests = 1;
    d.programs[0].parameters = {{0, 0, true}, {1, 64, true}};
    d.programs[0].actions = {{ActionKind::Forward, 0, 0, -1, "f"}};
    options.optimizer = "sgd";
    options.learningRate = 0.5;
    options.minLearningRate = 0.05;
    options.decay = 0;
    options.clip = 0;
    options.weightDecay = 0;
    bootstrap = createLocalBootstrap();
    batches = std::make_unique<Batches>(data, d, 1);
    recorder = std::make_unique<Recorder>(d.programs[0], false, false);
    make();
  }
  static DataOptions optionsOf(const std::string &path) {
    DataOptions options;
    options.files = {path};
    return options;
  }
  void make(const pprt_function *functions = stepfunctions::all) {
    const BackendSetup setup{d, options, *bootstrap, *recorder};
    backend = std::make_unique<HostBackend>(setup);
    backend->prepare(arena);
    backend->useData(*batches);
    context = std::make_unique<pprt_context>(setup, *backend, functions);
    context->beginStep(0);
  }
  /// Everything a step reports, up to the report.
  int32_t report(float loss0, float loss1, float gradient) {
    float g[4] = {gradient, 0, 0, 0}, zero[4] = {};
    pprt_context *ctx = context.get();
    EXPECT_EQ(pprt_loss(ctx, 1, &loss1), PPRT_OK);
    EXPECT_EQ(pprt_loss(ctx, 0, &loss0), PPRT_OK);
    EXPECT_EQ(pprt_square_norm(ctx, 0, g, nullptr), PPRT_OK);
    EXPECT_EQ(pprt_square_norm(ctx, 1, zero, nullptr), PPRT_OK);
    return pprt_all_reduce_report(ctx, nullptr);
  }
  std::string failure() {
    return errorOf([&] {
      if (context->failure)
        std::rethrow_exception(context->failure);
    });
  }
  void expectFailure(const char *part) {
    EXPECT_NE(failure().find(part), std::string::npos) << failure();
  }

  TemporaryDirectory directory;
  DataSet data;
  Description d;
  Options options;
  std::unique_ptr<Bootstrap> bootstrap;
  std::unique_ptr<Batches> batches;
  std::unique_ptr<Recorder> recorder;
  const std::shared_ptr<Arena> arena = std::make_shared<Arena>(320);
  std::unique_ptr<Backend> backend;
  std::unique_ptr<pprt_context> context;
};

TEST_F(ContextTest, MeanLossAndGlobalNorm) {
  EXPECT_EQ(report(1, 4, 6), PPRT_OK);
  EXPECT_DOUBLE_EQ(context->loss, 2.5);
  EXPECT_DOUBLE_EQ(context->gradientNorm, 3); // sum of two micro-batches
  context->endStep();
}

TEST_F(ContextTest, UpdateScalesByMicrobatchesAndClips) {
  float p[4] = {1, 1, 1, 1}, g[4] = {6, 0, 0, 0};
  ASSERT_EQ(report(1, 1, 6), PPRT_OK);
  EXPECT_EQ(pprt_update(context.get(), 0, p, g, nullptr), PPRT_OK);
  EXPECT_FLOAT_EQ(p[0], 1 - 0.5f * 3);
  EXPECT_FLOAT_EQ(p[1], 1);
  options.clip = 1.5;
  make();
  p[0] = 1;
  ASSERT_EQ(report(1, 1, 6), PPRT_OK);
  EXPECT_EQ(pprt_update(context.get(), 0, p, g, nullptr), PPRT_OK);
  EXPECT_FLOAT_EQ(p[0], 1 - 0.5f * 1.5f);
}

TEST_F(ContextTest, WeightDecayOnlyWhereTheModelSaysSo) {
  options.weightDecay = 0.1;
  make();
  float p[4] = {1, 1, 1, 1}, g[4] = {};
  ASSERT_EQ(report(1, 1, 0), PPRT_OK);
  pprt_update(context.get(), 0, p, g, nullptr);
  EXPECT_FLOAT_EQ(p[0], 0.95f);
  p[0] = 1;
  pprt_update(context.get(), 1, p, g, nullptr);
  EXPECT_FLOAT_EQ(p[0], 1);
}

TEST_F(ContextTest, NonFiniteIsAnErrorBeforeTheUpdate) {
  EXPECT_EQ(report(1, NAN, 1), PPRT_ERROR);
  expectFailure("found the loss nan in micro-batch 1 of step 0");
  make();
  EXPECT_EQ(report(1, -INFINITY, 1), PPRT_ERROR);
  expectFailure("found the loss -inf");
  make();
  EXPECT_EQ(report(1, 1, std::numeric_limits<float>::infinity()), PPRT_ERROR);
  expectFailure("found the gradient norm inf of parameter 'w'");
}

TEST_F(ContextTest, AnIdOutOfRangeIsAnErrorBeforeTheUpdate) {
  auto check = [&](std::vector<int32_t> ids, int64_t ignored) {
    pprt_check_ids(context.get(), "nn.embedding at m.mlir:1:2", ids.data(),
                   int64_t(ids.size()), 1, 32, 256, ignored);
  };
  auto errorAtReport = [&] {
    testing::internal::CaptureStderr();
    EXPECT_EQ(report(1, 1, 1), PPRT_ERROR);
    return testing::internal::GetCapturedStderr();
  };
  pprt_action_begin(context.get(), 0);
  check({1, 300, 7}, 0);
  pprt_action_end(context.get(), 0);
  check({-5}, 0); // the first counts
  EXPECT_NE(
      errorAtReport().find(
          "found id 300 in nn.embedding at m.mlir:1:2 in step 0 of F 'f', "
          "stage 0, micro-batch 0, expected ids in [0, 256); nothing was "
          "updated"),
      std::string::npos);
  make();
  check({0, 255, -100}, -100);
  EXPECT_EQ(report(1, 1, 1), PPRT_OK);
  make();
  check({256}, -100);
  EXPECT_NE(errorAtReport().find(
                "found id 256 in nn.embedding at m.mlir:1:2 "
                "in step 0, expected ids in [0, 256) or ignore_index = "
                "-100"),
            std::string::npos);
  make();
  // Every other number; and one whose lower half is in range.
  int64_t wide[] = {1, 999, 2, -1, 3, (int64_t(1) << 32) + 4};
  pprt_check_ids(context.get(), "a", wide, 3, 2, 64, 256, 0);
  EXPECT_EQ(report(1, 1, 1), PPRT_OK);
  make();
  pprt_check_ids(context.get(), "a", wide + 5, 1, 1, 64, 256, 0);
  EXPECT_NE(errorAtReport().find("found id 4294967300 in a"),
            std::string::npos);
}

TEST_F(ContextTest, EverythingIsReportedOnce) {
  EXPECT_EQ(pprt_all_reduce_report(context.get(), nullptr), PPRT_ERROR);
  expectFailure("reported 0 times");
  make();
  float loss = 1;
  pprt_loss(context.get(), 0, &loss);
  EXPECT_EQ(report(1, 1, 1), PPRT_ERROR);
  expectFailure("reported 2 times");
  make();
  EXPECT_ERROR(context->endStep(), "without an all-reduce");
}

TEST_F(ContextTest, LossesHaveWeights) {
  const float half = 0.5, one = 1, negative = -1;
  EXPECT_EQ(pprt_loss_weight(context.get(), 0, &one), PPRT_ERROR);
  expectFailure("in a program whose losses have none");
  d.hasLossWeights = true;
  EXPECT_EQ(d.reportedValues(), 2u + 2 + 2);
  auto weigh = [&](const float *first, const float *second) {
    make();
    pprt_loss_weight(context.get(), 1, second);
    pprt_loss_weight(context.get(), 0, first);
    return report(1, 4, 6);
  };
  ASSERT_EQ(weigh(&half, &one), PPRT_OK);
  const double *values = context->report.data();
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[1], 4);
  EXPECT_EQ(values[2], 0.5);
  EXPECT_EQ(values[3], 1);
  EXPECT_EQ(values[4], 36); // the square norm of the first parameter
  EXPECT_EQ(weigh(&one, &negative), PPRT_ERROR);
  expectFailure("found the weight -1.000000 of the loss in micro-batch 1 of "
                "step 0, expected a finite number of at least 0");
  make();
  EXPECT_EQ(report(1, 4, 6), PPRT_ERROR);
  expectFailure("reported 0 times");
  make();
  EXPECT_EQ(pprt_loss_weight(context.get(), 2, &one), PPRT_ERROR);
  expectFailure("found a loss of micro-batch 2");
}

TEST_F(ContextTest, WrongNumbersAreErrors) {
  pprt_context *ctx = context.get();
  float x[4] = {};
  EXPECT_EQ(pprt_loss(ctx, 2, x), PPRT_ERROR);
  expectFailure("found a loss of micro-batch 2");
  make();
  EXPECT_EQ(pprt_square_norm(context.get(), 2, x, nullptr), PPRT_ERROR);
  expectFailure("found parameter 2, expected one of the model's 2");
  make();
  EXPECT_EQ(pprt_update(context.get(), 0, x, x, nullptr), PPRT_ERROR);
  expectFailure("found an update before the all-reduce");
  d.programs[0].parameters.pop_back();
  make();
  EXPECT_EQ(pprt_update(context.get(), 1, x, x, nullptr), PPRT_ERROR);
  expectFailure("found an update of parameter 'b' on another rank");
  make();
  EXPECT_EQ(pprt_isend(context.get(), 0, 0, x, 16, 0), PPRT_ERROR);
  expectFailure("found a transfer on channel 0");
  make();
  EXPECT_EQ(pprt_wait(context.get(), 0), PPRT_ERROR);
  expectFailure("which was not started");
  make();
  pprt_action_begin(context.get(), 1);
  expectFailure("found action 1, expected one of 1");
  make();
  EXPECT_NE(pprt_data(context.get(), 2, 0), nullptr);
  expectFailure("found input 2");
}

TEST_F(ContextTest, DataOfMicrobatches) {
  batches->load(0);
  auto *tokens = static_cast<const int32_t *>(pprt_data(context.get(), 0, 1));
  auto *targets = static_cast<const int32_t *>(pprt_data(context.get(), 1, 1));
  EXPECT_EQ(tokens[0], 'a');
  EXPECT_EQ(targets[3], 'a');
  EXPECT_NE(tokens, pprt_data(context.get(), 0, 0));
}

/// Reports the losses 1 and 4 alone, under no key.
static int32_t evaluate(pprt_context *ctx, uint8_t *) {
  const float losses[2] = {1, 4};
  pprt_action_begin(ctx, 1);
  EXPECT_EQ(pprt_key(ctx, 0), 0);
  EXPECT_EQ(pprt_key(ctx, 1), 0);
  pprt_loss(ctx, 1, &losses[1]);
  pprt_loss(ctx, 0, &losses[0]);
  pprt_action_end(ctx, 1);
  return pprt_all_reduce_report(ctx, nullptr);
}

TEST_F(ContextTest, EvaluationsAreNoSteps) {
  d.programs[0].evaluation = {{ActionKind::Forward, 0, 0, -1, "e"}};
  make();
  pprt_action_begin(context.get(), 0);
  pprt_action_end(context.get(), 0);
  EXPECT_EQ(report(2, 4, 6), PPRT_OK);
  context->endStep();
  const double steps = recorder->profile().steps;
  const int64_t key = pprt_key(context.get(), 0);
  pprt_context::LossSum sum{10, 1};
  context->runEvaluation(evaluate, sum);
  EXPECT_EQ(sum.losses, 15);
  EXPECT_EQ(sum.mean(), 5);
  // What the step gave, and what was measured of it.
  EXPECT_EQ(context->loss, 3);
  EXPECT_EQ(context->gradientNorm, 3);
  EXPECT_EQ(recorder->profile().steps, steps);
  EXPECT_EQ(recorder->currentAction(), -1);
  EXPECT_EQ(pprt_key(context.get(), 0), key);
  context->beginStep(1);
  EXPECT_EQ(report(2, 4, 6), PPRT_OK);
  context->endStep();
}

TEST_F(ContextTest, EvaluationsReportLossesAlone) {
  pprt_action_begin(context.get(), 1);
  expectFailure("found action 1, expected one of 1");
  d.programs[0].evaluation = {{ActionKind::Forward, 0, 0, -1, "e"}};
  auto with = [&](pprt_step_fn function) {
    make();
    pprt_context::LossSum sum;
    return errorOf([&] { context->runEvaluation(function, sum); });
  };
  auto has = [](const std::string &text, const char *part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(with([](pprt_context *ctx, uint8_t *) {
        const float loss = 1;
        pprt_loss(ctx, 0, &loss);
        return pprt_all_reduce_report(ctx, nullptr);
      }),
      "reported 0 times in an evaluation, expected once");
  has(with([](pprt_context *ctx, uint8_t *) {
        const float gradient[4] = {};
        pprt_square_norm(ctx, 0, gradient, nullptr);
        return evaluate(ctx, nullptr);
      }),
      "reported 1 times in an evaluation, expected none");
  has(with([](pprt_context *, uint8_t *) { return 0; }),
      "without an all-reduce of loss and norms");
  // It ends nothing that a loss is none.
  make();
  pprt_context::LossSum sum;
  context->runEvaluation(
      [](pprt_context *ctx, uint8_t *) {
        const float losses[2] = {1, NAN};
        pprt_loss(ctx, 0, &losses[0]);
        pprt_loss(ctx, 1, &losses[1]);
        return pprt_all_reduce_report(ctx, nullptr);
      },
      sum);
  EXPECT_TRUE(std::isnan(sum.mean()));
}

TEST_F(ContextTest, DropoutKeysDiffer) {
  std::set<int64_t> keys;
  for (int step = 0; step < 3; ++step) {
    context->beginStep(step);
    for (int m = 0; m < 2; ++m) {
      keys.insert(pprt_key(context.get(), m));
      EXPECT_EQ(pprt_key(context.get(), m), pprt_key(context.get(), m));
    }
  }
  EXPECT_EQ(keys.size(), 6u);
}

/// What an update is handed: the master for the parameter, states in the order
/// of the optimizer, wherever they lie, and the parameter as the copy.
static std::vector<const void *> handed;
static void note(pprt_context *, const void *const *operands) {
  handed.assign(operands, operands + 7);
}

TEST_F(ContextTest, UpdatesGetMasterAndStatesOfTheOptimizer) {
  d.parameters[1].isBF16 = true;
  d.optimizers = {{"sgd", {}}, {"adamw", {"m", "v"}}};
  Initializer zeros;
  d.states = {{"b.master", "master", 1, {}},
              {"b.v", "v", 1, zeros},
              {"w.m", "m", 0, zeros},
              {"b.m", "m", 1, zeros}};
  d.programs[0].parameters = {{1, 64, true, 128}};
  d.programs[0].states = {{0, 128}, {1, 192}, {3, 256}};
  d.parameters[1].updates = {2, 5};
  pprt_function functions[6] = {};
  std::copy(std::begin(stepfunctions::all), std::end(stepfunctions::all),
            functions);
  functions[5] = note;
  options.optimizer = "adamw";
  make(functions);
  uint8_t *const memory = arena->base();
  ASSERT_EQ(report(1, 1, 1), PPRT_OK);
  float g[4] = {}, workspace[1];
  ASSERT_EQ(pprt_update(context.get(), 1, memory + 64, g, workspace), PPRT_OK);
  ASSERT_EQ(handed.size(), 7u);
  EXPECT_EQ(handed[0], memory + 128);
  EXPECT_EQ(handed[1], g);
  EXPECT_EQ(handed[2], memory + 256);
  EXPECT_EQ(handed[3], memory + 192);
  auto *scalars = static_cast<const pprt_scalars *>(handed[4]);
  EXPECT_EQ(scalars->learning_rate, 0.5f);
  EXPECT_EQ(scalars->beta2, 0.95f);
  EXPECT_FLOAT_EQ(scalars->correction1, 0.1f);
  EXPECT_EQ(uintptr_t(scalars) % 64, 0u);
  EXPECT_EQ(handed[5], memory + 64);
  EXPECT_EQ(handed[6], workspace);
}

TEST_F(ContextTest, CollectivesAreStartedAndFinishedInTurn) {
  d.programs[0].collectives = {
      {"g", {"data"}, Collective::ReduceScatter, ElementType::F32, 4}};
  make();
  float in[4] = {1, 2, 3, 4}, out[4] = {};
  pprt_context *ctx = context.get();
  ASSERT_EQ(pprt_start(ctx, 0, in, out, nullptr), PPRT_OK);
  EXPECT_EQ(pprt_finish(ctx, 0), PPRT_OK);
  EXPECT_EQ(out[3], 4);
  EXPECT_EQ(pprt_piece(ctx, in, 16), in); // of the only replica
  EXPECT_EQ(pprt_finish(ctx, 0), PPRT_ERROR);
  expectFailure("found an end of collective 0, expected one of the program's 1 "
                "that is under way");
  make();
  ctx = context.get();
  EXPECT_EQ(pprt_start(ctx, 0, in, out, nullptr), PPRT_OK);
  EXPECT_EQ(pprt_start(ctx, 0, in, out, nullptr), PPRT_ERROR);
  expectFailure("found a start of collective 0, expected one of the program's "
                "1 that is not under way");
  make();
  EXPECT_EQ(pprt_start(context.get(), 1, in, out, nullptr), PPRT_ERROR);
  expectFailure("found a start of collective 1");
  make();
  ASSERT_EQ(pprt_start(context.get(), 0, in, out, nullptr), PPRT_OK);
  ASSERT_EQ(report(1, 1, 1), PPRT_OK);
  EXPECT_NE(errorOf([&] {
              context->endStep();
            }).find("found 1 collectives under way at the end of a step"),
            std::string::npos);
}

TEST_F(ContextTest, SmallHelpers) {
  float a[4] = {1, 2, 3, 4}, b[4] = {10, 20, 30, 40};
  EXPECT_EQ(pprt_add_gradient(context.get(), 0, a, b, 1, nullptr), PPRT_OK);
  EXPECT_EQ(a[2], 33);
  pprt_zero(context.get(), a, sizeof a);
  EXPECT_EQ(a[0], 0);
}
