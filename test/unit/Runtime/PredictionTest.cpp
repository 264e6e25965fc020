#include "Prediction.h"

#include "Support.h"

using namespace pprt;
using pp::schedule::Costs;
using pp::schedule::EndWork;
using pp::schedule::IdleReason;
using pp::schedule::Kind;
using pp::schedule::Panel;
using pp::schedule::printCSV;
using pp::schedule::Share;
using pp::schedule::Timeline;

static Action compute(ActionKind kind, int stage, int microbatch) {
  return {kind, stage, microbatch, -1, "f"};
}

/// 1F1B of two stages and two micro-batches, and the update of a parameter.
static Description twoStages() {
  constexpr ActionKind F = ActionKind::Forward, B = ActionKind::Backward;
  Description d;
  d.name = "m";
  d.schedule = "1f1b";
  d.microbatches = 2;
  setPipe(d, 2);
  d.programs[0].actions = {compute(F, 0, 0),
                           compute(F, 0, 1),
                           compute(B, 0, 0),
                           compute(B, 0, 1),
                           {ActionKind::Update, -1, -1, -1, "w"},
                           {ActionKind::Send, 0, 0, 1, "x & <y>"}};
  d.programs[1].actions = {compute(F, 1, 0),
                           compute(B, 1, 0),
                           compute(F, 1, 1),
                           compute(B, 1, 1),
                           {ActionKind::Reduce, -1, -1, -1, "v"}};
  return d;
}

/// In ms.
static Event inMs(Event::Kind kind, double begin, double end, int action) {
  Event e;
  e.kind = kind;
  e.begin = uint64_t(1e9 + begin * 1e6);
  e.end = uint64_t(1e9 + end * 1e6);
  e.action = action;
  return e;
}

static RankSteps handMade() {
  std::vector<Event> rank0 = {
      inMs(Event::Run, 1, 3, 0),      inMs(Event::Run, 3, 5, 1),
      inMs(Event::Wait, 5, 9.5, -1),  inMs(Event::Run, 10, 13, 2),
      inMs(Event::Transfer, 3, 4, 5), inMs(Event::Wait, 13, 18.5, -1),
      inMs(Event::Run, 18.5, 21, 3),  inMs(Event::Run, 21, 21.5, 4),
      inMs(Event::Run, 21.5, 22, 4),  inMs(Event::Report, 22, 25, -1),
      inMs(Event::Run, 25, 26, 4)};
  std::vector<Event> rank1 = {
      inMs(Event::Wait, 0, 4, -1),       inMs(Event::Run, 4, 6, 0),
      inMs(Event::Run, 6, 9, 1),         inMs(Event::Run, 9.25, 11.25, 2),
      inMs(Event::Run, 11.25, 17, 3),    inMs(Event::Run, 17, 17.5, 4),
      inMs(Event::Report, 17.5, 25, -1), inMs(Event::Run, 25, 25.5, 4)};
  RankSteps ranks(2);
  for (auto *events : {&rank0, &rank1}) {
    StepEvents step;
    step.step = 7;
    step.begin = uint64_t(1e9);
    step.end = uint64_t(1e9 + 26e6);
    step.events = *events;
    ranks[events == &rank1].push_back(step);
  }
  return ranks;
}

TEST(Prediction, IdleTimesOfMeasuredStepsHaveReasons) {
  Timeline timeline = measuredTimeline(twoStages(), handMade(), 7);
  EXPECT_DOUBLE_EQ(timeline.makespan, 26);
  auto idle = [&](int rank, IdleReason reason) {
    return timeline.idleTime(rank, reason);
  };
  // Rank 0 begins 1 ms late although nothing is missing; B0 waits for 1B0,
  // which ends at 9, whose gradient arrives at 9.5, and begins at 10.
  EXPECT_DOUBLE_EQ(idle(0, IdleReason::Runtime), 1 + 0.5);
  EXPECT_DOUBLE_EQ(idle(0, IdleReason::WarmUp), 9 - 5);
  EXPECT_DOUBLE_EQ(idle(0, IdleReason::Imbalance), 0);
  // B1 waits for 1B1 until 17, and for its gradient until 18.5.
  EXPECT_DOUBLE_EQ(idle(0, IdleReason::CoolDown), 17 - 13);
  EXPECT_DOUBLE_EQ(idle(0, IdleReason::Transfer), 0.5 + 1.5);
  // Rank 1 waits for 0F0 until 3 and for its result until 4. 0F1 has been there
  // for long when it turns to it.
  EXPECT_DOUBLE_EQ(idle(1, IdleReason::WarmUp), 3);
  EXPECT_DOUBLE_EQ(idle(1, IdleReason::Transfer), 1);
  EXPECT_DOUBLE_EQ(idle(1, IdleReason::Runtime), 0.25);
  // It waits for rank 0 before the report, and for the end after its update.
  EXPECT_DOUBLE_EQ(idle(1, IdleReason::CoolDown), (22 - 17.5) + 0.5);
  ASSERT_EQ(timeline.ends[1].size(), 3u);
  EXPECT_EQ(timeline.ends[1][1].kind, EndWork::Kind::Reduction);
  EXPECT_DOUBLE_EQ(timeline.ends[1][1].start, 22);
  EXPECT_DOUBLE_EQ(timeline.ends[1][1].end, 25);
  ASSERT_EQ(timeline.ends[0].size(), 3u) << "norms are one piece of work";

  for (int rank = 0; rank < 2; ++rank) {
    double sum = 0, reasons = 0;
    for (const Share &share : timeline.shares(rank))
      sum += share.part;
    EXPECT_NEAR(sum, 1, 1e-12);
    for (IdleReason reason :
         {IdleReason::WarmUp, IdleReason::Transfer, IdleReason::Imbalance,
          IdleReason::CoolDown, IdleReason::Runtime})
      reasons += idle(rank, reason) / timeline.makespan;
    EXPECT_NEAR(reasons, timeline.bubble[rank], 1e-12);
  }
  EXPECT_STREQ(timeline.shares(0)[0].name, "compute");
  EXPECT_DOUBLE_EQ(timeline.shares(0)[0].part, 9.5 / 26);
}

/// The same of the first of two replicas: rank 0 gathers parameters until 1,
/// and reduces gradients from 21 to 21.75.
static std::pair<Description, RankSteps> withReplicas() {
  Description d = twoStages();
  d.programs[0].actions.push_back(
      {ActionKind::Collective, -1, -1, -1, "all_gather w"});
  d.programs[0].actions.push_back(
      {ActionKind::Collective, -1, -1, -1, "reduce_scatter w.grad.0"});
  d.programs[1].actions.push_back(
      {ActionKind::Collective, -1, -1, -1, "all_gather v"});
  RankSteps ranks = handMade();
  std::vector<Event> &first = ranks[0][0].events;
  first.insert(first.begin(), {inMs(Event::Wait, 0.25, 1, 6),
                               inMs(Event::Transfer, 0, 0.875, 6)});
  auto update =
      std::find_if(first.begin(), first.end(), [](const Event &event) {
        return event.kind == Event::Run && event.action == 4;
      });
  update = first.erase(update, update + 2); // of one piece
  first.insert(update, {inMs(Event::Wait, 21, 21.75, 7),
                        inMs(Event::Transfer, 21, 21.75, 7),
                        inMs(Event::Run, 21.75, 22, 4)});
  // Rank 1 waits for its gather while 0F0 is computed.
  std::vector<Event> &second = ranks[1][0].events;
  second.front() = inMs(Event::Wait, 2.5, 4, -1);
  second.insert(second.begin(), {inMs(Event::Wait, 0, 2.5, 5),
                                 inMs(Event::Transfer, 0, 2.5, 5)});
  return {d, ranks};
}

TEST(Prediction, WaitsForCollectivesHaveReasons) {
  auto [d, ranks] = withReplicas();
  Timeline timeline = measuredTimeline(d, ranks, 7);
  ASSERT_EQ(timeline.collectives[0].size(), 2u);
  EXPECT_EQ(timeline.collectives[0][0].kind,
            pp::schedule::Collective::Kind::Gather);
  EXPECT_EQ(timeline.collectives[0][0].label, "all_gather w");
  EXPECT_DOUBLE_EQ(timeline.collectives[0][0].end, 0.875);
  EXPECT_EQ(timeline.collectives[0][1].kind,
            pp::schedule::Collective::Kind::Reduction);
  EXPECT_DOUBLE_EQ(timeline.idleTime(0, IdleReason::Parameters), 0.75);
  EXPECT_DOUBLE_EQ(timeline.idleTime(0, IdleReason::Gradients), 0.75);
  EXPECT_DOUBLE_EQ(timeline.idleTime(1, IdleReason::Parameters), 0)
      << "hidden in the warm-up";
  EXPECT_DOUBLE_EQ(timeline.idleTime(1, IdleReason::WarmUp), 3);
  EXPECT_DOUBLE_EQ(timeline.idleTime(1, IdleReason::Gradients), 0.75)
      << "rank 0 waits for its own before the report";
  for (int rank = 0; rank < 2; ++rank) {
    double sum = 0;
    for (const Share &share : timeline.shares(rank))
      sum += share.part;
    EXPECT_NEAR(sum, 1, 1e-12);
  }
  const std::string svg =
      timelineSvg(d, ranks, 7, timelinePanels(d, ranks, 7, {}));
  EXPECT_NE(svg.find("<title>all_gather w: 0 to 0.875"), std::string::npos);
  EXPECT_NE(svg.find("waits for gradients of replicas"), std::string::npos);
  const std::string table = bubbleTable(timelinePanels(d, ranks, 7, {}), 7);
  EXPECT_NE(table.find("parameters  gradients"), std::string::npos) << table;
  EXPECT_EQ(bubbleTable(timelinePanels(twoStages(), handMade(), 7, {}), 7)
                .find("gradients"),
            std::string::npos);
}

TEST(Prediction, DevicesKnowOnlyWaitsForCollectives) {
  auto [d, ranks] = withReplicas();
  for (std::vector<StepEvents> &steps : ranks) {
    std::vector<Event> &events = steps[0].events;
    events.erase(std::remove_if(events.begin(), events.end(),
                                [](const Event &event) {
                                  return event.kind == Event::Transfer;
                                }),
                 events.end());
  }
  Timeline timeline = measuredTimeline(d, ranks, 7);
  ASSERT_EQ(timeline.collectives[0].size(), 2u);
  EXPECT_DOUBLE_EQ(timeline.collectives[0][0].start, 0.25);
  EXPECT_DOUBLE_EQ(timeline.collectives[0][0].end, 1);
  EXPECT_DOUBLE_EQ(timeline.idleTime(0, IdleReason::Parameters), 0.75);
  EXPECT_DOUBLE_EQ(timeline.idleTime(0, IdleReason::Gradients), 0.75);
}

TEST(Prediction, CollectivesTakeThePlannedTime) {
  auto [d, ranks] = withReplicas();
  d.times.emplace();
  d.times->forward = d.times->inputGradient = {1e-3, 1e-3};
  d.times->weightGradient = {1e-3, 1e-3};
  d.times->parameterGather = {0.5e-3, 0.25e-3};
  d.times->gradientReduction = {0.125e-3, 0.25e-3};
  std::vector<Panel> panels = timelinePanels(d, ranks, 7, {});
  ASSERT_EQ(panels.size(), 3u);
  EXPECT_NE(panels[1].notes.find("planned collectives"), std::string::npos);
  for (size_t panel : {1, 2}) {
    const Timeline &timeline = panels[panel].timeline;
    EXPECT_DOUBLE_EQ(timeline.idleTime(0, IdleReason::Parameters), 0.5);
    EXPECT_NEAR(timeline.idleTime(0, IdleReason::Gradients), 0.125, 1e-9);
    EXPECT_EQ(timeline.idleTime(1, IdleReason::Parameters), 0);
  }
}

TEST(Prediction, ImbalanceIsMeasured) {
  // Rank 1 waits for 0F1 between its backward and its last forward.
  RankSteps ranks = handMade();
  ranks[0][0].events[1] = inMs(Event::Run, 3, 9.2, 1);
  ranks[0][0].events[2] = inMs(Event::Wait, 9.2, 9.5, -1);
  ranks[1][0].events.insert(ranks[1][0].events.begin() + 3,
                            inMs(Event::Wait, 9, 9.25, -1));
  Timeline timeline = measuredTimeline(twoStages(), ranks, 7);
  EXPECT_NEAR(timeline.idleTime(1, IdleReason::Imbalance), 0.2, 1e-9);
  EXPECT_NEAR(timeline.idleTime(1, IdleReason::Transfer), 1 + 0.05, 1e-9);
  EXPECT_NEAR(timeline.idleTime(1, IdleReason::Runtime), 0, 1e-9);
}

TEST(Prediction, TimesAreThoseOfTheStep) {
  Description d = twoStages();
  Costs costs = ownCosts(scheduleOf(d), measuredTimeline(d, handMade(), 7));
  EXPECT_EQ(costs.forward, (std::vector<double>{2, 2}));
  EXPECT_EQ(costs.inputGradient, (std::vector<double>{0, 0}));
  EXPECT_EQ(costs.weightGradient, (std::vector<double>{2.75, 4.375}));
  EXPECT_DOUBLE_EQ(costs.reduction, 3);
  EXPECT_EQ(costs.optimizer, (std::vector<double>{2, 1}));
}

TEST(Prediction, LoneWeightGradientsWaitForInputGradients) {
  // Rank 0 waits for 1I0 until 6 and for its result until 7.
  Description d = twoStages();
  d.microbatches = 1;
  d.hasEmptyInputGradient[0] = true;
  d.programs[0].actions = {compute(ActionKind::Forward, 0, 0),
                           compute(ActionKind::BackwardWeight, 0, 0)};
  d.programs[1].actions = {compute(ActionKind::Forward, 1, 0),
                           compute(ActionKind::BackwardInput, 1, 0),
                           compute(ActionKind::BackwardWeight, 1, 0)};
  RankSteps ranks = handMade();
  ranks[0][0].events = {inMs(Event::Run, 0, 2, 0), inMs(Event::Wait, 2, 7, -1),
                        inMs(Event::Run, 7, 9, 1)};
  ranks[1][0].events = {inMs(Event::Wait, 0, 2, -1), inMs(Event::Run, 2, 4, 0),
                        inMs(Event::Run, 4, 6, 1), inMs(Event::Run, 6, 8, 2)};
  Timeline timeline = measuredTimeline(d, ranks, 7);
  EXPECT_NEAR(timeline.idleTime(0, IdleReason::WarmUp), 4, 1e-9);
  EXPECT_NEAR(timeline.idleTime(0, IdleReason::Transfer), 1, 1e-9);
}

TEST(Prediction, ScheduleOfThePrograms) {
  Description d = twoStages();
  EXPECT_EQ(printCSV(scheduleOf(d)), "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  // The compiler drops the first stage's input gradients, which are nothing.
  d.hasEmptyInputGradient[0] = true;
  d.programs[0].actions = {compute(ActionKind::Forward, 0, 0),
                           compute(ActionKind::BackwardWeight, 0, 0)};
  d.programs[1].actions = {compute(ActionKind::Forward, 1, 0),
                           compute(ActionKind::BackwardInput, 1, 0),
                           compute(ActionKind::BackwardWeight, 1, 0)};
  EXPECT_EQ(printCSV(scheduleOf(d)), "0F0,0I0,0W0\n1F0,1I0,1W0\n");
}

TEST(Prediction, PanelsOfAStep) {
  Description d = twoStages();
  std::vector<Panel> panels = timelinePanels(d, handMade(), 7, {});
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[0].title, "measured");
  // F 2, B 2.75 and 4.375: 0F0 0F1 | 1F0 1B0 1F1 1B1 | 0B1, report, update.
  EXPECT_DOUBLE_EQ(panels[1].timeline.makespan,
                   2 + 2 * (2 + 4.375) + 2.75 + 3 + 2);
  d.times.emplace();
  d.times->forward = {1e-3, 1e-3};
  d.times->inputGradient = {0, 1e-3};
  d.times->weightGradient = {2e-3, 1e-3};
  panels = timelinePanels(d, handMade(), 7, {});
  ASSERT_EQ(panels.size(), 3u);
  EXPECT_EQ(panels[2].title, "planned by the compiler");
  // As much computation as was measured: 22.25 ms, 12 units of planned time.
  const double unit = 22.25 / 12;
  EXPECT_NEAR(panels[2].timeline.makespan, 9 * unit + 3 + 2, 1e-9);
  for (const Panel &panel : panels) {
    double sum = 0;
    for (const Share &share : panel.timeline.meanShares())
      sum += share.part;
    EXPECT_NEAR(sum, 1, 1e-12) << panel.title;
  }
  // Emulated times are known, and what comes at the end is the runtime's.
  panels = timelinePanels(d, handMade(), 7, d.times);
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_NEAR(panels[1].timeline.makespan, 9, 1e-9);
  EXPECT_TRUE(panels[1].timeline.ends[0].empty());
}

TEST(Prediction, WhatIsNoScheduleIsMeasuredOnly) {
  Description d = twoStages();
  d.programs[1].actions.pop_back();
  d.programs[1].actions.pop_back();
  RankSteps ranks = handMade();
  ranks[1][0].events.resize(3);
  std::vector<Panel> panels = timelinePanels(d, ranks, 7, {});
  ASSERT_EQ(panels.size(), 1u);
  EXPECT_NE(panels[0].notes.find("no prediction: "), std::string::npos)
      << panels[0].notes;
  // Nor is a step that no rank has kept.
  EXPECT_EQ(timelinePanels(d, {{}, {}}, 3, {}).size(), 1u);
  EXPECT_EQ(timelinePanels(twoStages(), {{}, {}}, 3, {})[0].timeline.makespan,
            0);
}
