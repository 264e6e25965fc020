#include "Reports.h"

#include "ClockSync.h"
#include "Options.h"
#include "Progress.h"
#include "Support.h"

#include <nlohmann/json.hpp>

#include <csignal>
#include <limits>
#include <sys/resource.h>

using namespace pprt;
using nlohmann::json;

/// Two ranks, one step: F and a send on rank 0, a wait and a B on rank 1.
static Description description() {
  Description d;
  d.name = "a <b> & \"c\"";
  d.schedule = "1f1b";
  d.microbatches = 12;
  setPipe(d, 2);
  d.programs[0].actions = {{ActionKind::Forward, 0, 11, -1, "f\"0"},
                           {ActionKind::Send, 0, 11, 1, "x"}};
  d.programs[1].actions = {{ActionKind::Receive, 1, 11, 0, "x"},
                           {ActionKind::Backward, 1, 11, -1, "b"}};
  return d;
}

static Event event(Event::Kind kind, uint64_t begin, uint64_t end, int action) {
  Event e;
  e.kind = kind;
  e.begin = begin;
  e.end = end;
  e.action = action;
  return e;
}

static StepEvents stepOf(int64_t step, uint64_t begin, uint64_t end,
                         std::vector<Event> events) {
  StepEvents s;
  s.step = step;
  s.begin = begin;
  s.end = end;
  s.events = std::move(events);
  return s;
}

static RankSteps ranks() {
  const uint64_t ms = 1000000;
  return {{stepOf(5, 100 * ms, 110 * ms,
                  {event(Event::Run, 101 * ms, 103 * ms, 0),
                   event(Event::Transfer, 103 * ms, 104 * ms, 1)})},
          {stepOf(5, 100 * ms, 120 * ms,
                  {event(Event::Wait, 100 * ms, 104 * ms, 0),
                   event(Event::Run, 104 * ms, 109 * ms, 1),
                   event(Event::Report, 109 * ms, 110 * ms, -1)})}};
}

/// Whether every tag that opens closes, in order, and no raw & or < is left.
static bool isWellFormed(const std::string &xml) {
  std::vector<std::string> open;
  for (size_t at = 0; at < xml.size(); ++at) {
    if (xml[at] == '&') {
      size_t end = xml.find(';', at);
      std::string entity = xml.substr(at, end - at + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" &&
          entity != "&quot;")
        return false;
    }
    if (xml[at] != '<')
      continue;
    size_t end = xml.find('>', at);
    if (end == std::string::npos)
      return false;
    std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos)
      return false;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1))
        return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    at = end;
  }
  return open.empty();
}

static std::string picture(const Description &d, const RankSteps &ranks,
                           int64_t step) {
  return timelineSvg(d, ranks, step, timelinePanels(d, ranks, step, {}));
}

TEST(Timeline, IsAWellFormedPicture) {
  std::string svg = picture(description(), ranks(), 5);
  EXPECT_TRUE(isWellFormed(svg)) << svg;
  EXPECT_FALSE(isWellFormed(svg + "<rect>"));
  for (const char *part :
       {"rank 0", "rank 1", "F: forward", "B: backward", ">reduction<",
        "idle: cool-down", ">11</text>", "1B11: 4 to 9 ms", "step 5",
        "makespan 20 ms", "send, stage 0, micro-batch 11, rank 1, x: 3 to 4"})
    EXPECT_NE(svg.find(part), std::string::npos) << part << "\n" << svg;
  EXPECT_NE(svg.find("no prediction"), std::string::npos)
      << "one of twelve micro-batches is no schedule";
}

TEST(Timeline, TransfersStandWhereTheyWere) {
  std::string svg = picture(description(), ranks(), 5);
  // 1600 - 64 - 96 units for 20 ms from x = 64: 3 to 4 ms.
  EXPECT_NE(svg.find("<rect x=\"280.00\" y=\"113.0\" width=\"72.00\""),
            std::string::npos)
      << svg;
}

TEST(Timeline, MedianStepThatAllRanksHave) {
  auto steps = [](std::vector<std::pair<int64_t, uint64_t>> durations) {
    std::vector<StepEvents> result;
    for (auto [step, duration] : durations)
      result.push_back(stepOf(step, 100, 100 + duration, {}));
    return result;
  };
  EXPECT_EQ(medianStep({steps({{1, 30}, {2, 10}, {3, 20}})}), 3);
  EXPECT_EQ(medianStep({steps({{1, 30}, {2, 10}, {3, 20}}),
                        steps({{2, 50}, {3, 5}, {4, 1}})}),
            2);
  EXPECT_EQ(medianStep({steps({{1, 3}}), steps({{2, 3}})}), -1);
  EXPECT_TRUE(isWellFormed(picture(description(), {{}, {}}, -1)));
}

TEST(ChromeTrace, IsJsonWithStageAndMicrobatch) {
  std::vector<pp::schedule::Panel> panels(2);
  panels[1].timeline.ranks = {{},
                              {{{1, pp::schedule::Kind::Forward, 11}, 2, 5}}};
  json trace = json::parse(chromeTrace(description(), ranks(), panels, 5));
  int runs = 0, transfers = 0, waits = 0, reports = 0, predicted = 0;
  for (const json &e : trace["traceEvents"]) {
    if (e["ph"] == "M")
      continue;
    EXPECT_EQ(e["args"]["step"], 5);
    std::string category = e["cat"];
    if (category == "action" && e["pid"] == 0) {
      EXPECT_EQ(e["name"], "F 11 f\"0");
      EXPECT_EQ(e["args"]["stage"], 0);
      EXPECT_EQ(e["args"]["microbatch"], 11);
      EXPECT_DOUBLE_EQ(e["ts"], 1000);
      EXPECT_DOUBLE_EQ(e["dur"], 2000);
    }
    if (category == "predicted") {
      EXPECT_EQ(e["pid"], 1);
      EXPECT_EQ(e["name"], "F 11");
      EXPECT_DOUBLE_EQ(e["ts"], 2000);
      EXPECT_DOUBLE_EQ(e["dur"], 3000);
      ++predicted;
    }
    runs += category == "action";
    transfers += category == "transfer";
    waits += category == "wait";
    reports += category == "report";
  }
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(transfers, 2); // begin and end
  EXPECT_EQ(waits, 1);
  EXPECT_EQ(reports, 1);
  EXPECT_EQ(predicted, 1);
}

TEST(ChromeTrace, NamesHaveAnyBytes) {
  Description d = description();
  // Cut off within its last character, at 120 bytes.
  for (Action &action : d.programs[0].actions)
    action.name = "\"\n" + std::string(112, 'x') + "\u00e9\u00e9";
  const std::string text = chromeTrace(d, ranks(), {}, 5);
  EXPECT_TRUE(json::accept(text)) << text;
  size_t lines = 0;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines += line.rfind("{\"ph\":", 0) == 0;
  EXPECT_EQ(lines, json::parse(text)["traceEvents"].size())
      << "an event a line";
}

TEST(Recorder, SumsUpAndKeepsSteps) {
  Description d = description();
  Recorder recorder(d.programs[1], true, true);
  for (int step = 0; step < timelineWindow + 3; ++step) {
    recorder.beginStep(step);
    recorder.add(Event::Wait, 0, 1000000, 0);
    recorder.actionBegin(1);
    EXPECT_EQ(recorder.currentAction(), 1);
    recorder.actionEnd(1);
    recorder.add(Event::Report, 0, 2000000, -1);
    recorder.endStep();
  }
  double steps = timelineWindow + 3;
  EXPECT_NEAR(recorder.profile().waiting, 1e-3 * steps, 1e-9);
  EXPECT_NEAR(recorder.profile().kind(ActionKind::Report), 2e-3 * steps, 1e-9);
  EXPECT_GT(recorder.profile().compute(), 0);
  EXPECT_EQ(recorder.allSteps().size(), size_t(steps));
  EXPECT_EQ(recorder.lastSteps().size(), size_t(timelineWindow));
  auto copy = unpackSteps(packSteps(recorder.allSteps()));
  ASSERT_EQ(copy.size(), size_t(steps));
  EXPECT_EQ(copy[3].step, 3);
  EXPECT_EQ(copy[3].events.size(), 3u);
  EXPECT_EQ(copy[3].events[2].kind, Event::Report);
}

TEST(Recorder, MakesRoomForTheNextStep) {
  Description d = description();
  Recorder recorder(d.programs[1], true, false);
  for (int step = 0; step < 2; ++step) {
    recorder.beginStep(step);
    for (int i = 0; i < 1000; ++i)
      recorder.add(Event::Wait, 0, 1, -1);
    recorder.endStep();
  }
  EXPECT_LT(recorder.allSteps()[0].events.size(), 1000u);
  EXPECT_EQ(recorder.allSteps()[1].events.size(), 1000u);
}

TEST(Recorder, NotesCollectivesOfLayers) {
  Description d = description();
  Recorder recorder(d.programs[1], true, true);
  EXPECT_FALSE(recorder.timesCollectives());
  recorder.timeCollectives();
  EXPECT_TRUE(recorder.timesCollectives());
  for (int step = 0; step < 2; ++step) {
    recorder.beginStep(step);
    for (int i = 0; i < 1000; ++i)
      recorder.addCollective(/*collective=*/3, 10, 1000010, /*action=*/1);
    recorder.endStep();
  }
  // All are counted, also those that the first step has no room for.
  EXPECT_EQ(recorder.profile().collectives, 2000u);
  EXPECT_NEAR(recorder.profile().inCollectives, 2, 1e-9);
  EXPECT_LT(recorder.allSteps()[0].collectives.size(), 1000u);
  auto copy = unpackSteps(packSteps(recorder.allSteps()));
  ASSERT_EQ(copy[1].collectives.size(), 1000u);
  EXPECT_EQ(copy[1].collectives[999].collective, 3);
  EXPECT_EQ(copy[1].collectives[999].action, 1);
  alignSteps(copy, {/*mine=*/0, /*toRank0=*/5}, {/*mine=*/0, /*toRank0=*/5});
  EXPECT_EQ(copy[1].collectives[0].begin, 15u);
  EXPECT_EQ(copy[1].collectives[0].end, 1000015u);
}

TEST(ClockSync, LineThroughTwoComparisons) {
  std::vector<StepEvents> steps = {
      stepOf(0, 1000, 2000, {event(Event::Run, 1500, 2000, 0)})};
  // The clock is 100 ns behind at 1000, and 200 ns behind at 2000.
  alignSteps(steps, {1000, 100}, {2000, 200});
  EXPECT_EQ(steps[0].begin, 1100u);
  EXPECT_EQ(steps[0].end, 2200u);
  EXPECT_EQ(steps[0].events[0].begin, 1650u);
}

TEST(Tables, NamesAndNumbers) {
  Description d = description();
  d.programs[0].memory.parameters = 4321;
  Profile p;
  p.steps = 2;
  p.byKind[size_t(ActionKind::Forward)] = 1;
  p.waiting = 0.5;
  std::string table = profileTable(d, {p, p}, 10, true);
  EXPECT_NE(table.find("200.00     50.0%"), std::string::npos) << table;
  EXPECT_NE(table.find("25.0%"), std::string::npos) << table;
  MemoryUse use;
  use.planned = 98765;
  use.allocations.libraries = 42;
  EXPECT_NE(memoryTable(d, {use, use}, {"sgd", {}}).find("98765"),
            std::string::npos);
  EXPECT_NE(memoryTable(d, {use, use}, {"sgd", {}}).find("4321"),
            std::string::npos);
  EXPECT_EQ(memoryTable(d, {use, use}, {"sgd", {}}).find("evaluation"),
            std::string::npos);
  for (Program &program : d.programs) {
    program.evaluation = {{ActionKind::Forward, 0, 0, -1, "e"}};
    program.evaluationBytes = 777;
    program.arenaBytes = 888;
  }
  EXPECT_NE(memoryTable(d, {use, use}, {"sgd", {}})
                .find("rank 1    evaluation: 777 bytes of the same arena, of "
                      "888\n"),
            std::string::npos);
  EXPECT_NE(allocationTable({use}, 3).find("libraries 42"), std::string::npos);
}

TEST(Tables, WhereTheTimeWent) {
  std::vector<pp::schedule::Panel> panels =
      timelinePanels(description(), ranks(), 5, {});
  std::string table = bubbleTable(panels, 5);
  EXPECT_EQ(table.find("where step 5 went"), 0u);
  // 7 of 40 ms are computation, 1 of 40 the report.
  EXPECT_NE(table.find("measured                              20.000   80.00%  "
                       "   17.50%"),
            std::string::npos)
      << table;
}

TEST(Progress, TimesAsPeopleSayThem) {
  EXPECT_EQ(timeText(0), "0 s");
  EXPECT_EQ(timeText(44.2), "45 s");
  EXPECT_EQ(timeText(125), "2:05");
  EXPECT_EQ(timeText(3725), "1:02:05");
}

TEST(Progress, PlainLines) {
  Options options;
  options.steps = 2;
  options.progress = "plain";
  Progress progress(options);
  StepResult result;
  result.loss = 2.5;
  result.seconds = 0.5;
  result.tokensPerSecond = 1000;
  testing::internal::CaptureStdout();
  progress.show(result);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "step 1/2  loss 2.5000  1000 tokens/s  1 s left\n");
}

TEST(Progress, WithoutALoss) {
  Options options;
  options.steps = 1;
  options.progress = "plain";
  StepResult result;
  result.loss = std::numeric_limits<double>::quiet_NaN();
  result.seconds = 0.5;
  result.tokensPerSecond = 1000;
  testing::internal::CaptureStdout();
  Progress(options).show(result);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "step 1/1  1000 tokens/s  0 s left\n");
}

TEST(Metrics, WholeLinesOnAFullDisk) {
  TemporaryDirectory directory;
  std::string path = directory.file("m.jsonl");
  StepResult result;
  result.loss = std::numeric_limits<double>::quiet_NaN();
  Metrics metrics(path, 0);
  metrics.write(result);
  const std::string line = readFile(path);
  EXPECT_TRUE(json::parse(line)["loss"].is_null());
  // A file may grow by half a line more.
  struct rlimit before, half;
  getrlimit(RLIMIT_FSIZE, &before);
  half = before;
  half.rlim_cur = line.size() * 3 / 2;
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &half);
  std::string error = errorOf([&] { metrics.write(result); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_NE(error.find("cannot write the metrics file"), std::string::npos)
      << error;
  EXPECT_EQ(readFile(path), line);
}

TEST(Metrics, OneObjectALine) {
  TemporaryDirectory directory;
  {
    Metrics metrics(directory.file("m.jsonl"), 0);
    StepResult result;
    result.step = 3;
    result.loss = 1.25;
    result.gradientNorm = 0.5;
    metrics.write(result);
    result.step = 4;
    metrics.write(result);
  }
  std::istringstream lines(readFile(directory.file("m.jsonl")));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line.rfind("{\"step\":3,\"loss\":1.25,", 0), 0u) << line;
  json object = json::parse(line);
  EXPECT_EQ(object["step"], 3);
  EXPECT_EQ(object["loss"], 1.25);
  for (const char *key : {"grad_norm", "lr", "tokens_per_second", "seconds"})
    EXPECT_TRUE(object.contains(key)) << key;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(json::parse(line)["step"], 4);
  EXPECT_ERROR(Metrics(directory.file("none/m"), 0),
               "cannot create the metrics");
}

TEST(Metrics, ARunThatGoesOnKeepsWhatWasBefore) {
  TemporaryDirectory directory;
  const std::string path = directory.file("m.jsonl");
  auto write = [&](int64_t first, int64_t end) {
    Metrics metrics(path, first);
    StepResult result;
    for (result.step = first; result.step < end; ++result.step) {
      result.loss = double(end);
      metrics.write(result);
    }
  };
  write(0, 6);
  const std::string before = readFile(path);
  // As a run leaves it that was killed within a line.
  directory.write("m.jsonl", before + "{\"step\":6,\"lo");
  write(4, 8);
  std::istringstream lines(readFile(path));
  std::string line;
  for (int64_t step = 0; step < 8; ++step) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(json::parse(line)["step"], step);
    EXPECT_EQ(json::parse(line)["loss"], step < 4 ? 6 : 8);
  }
  EXPECT_FALSE(std::getline(lines, line));
  // There may be none yet, and what is no file of metrics stays as it is.
  Metrics(directory.file("new.jsonl"), 4);
  directory.write("text", "a letter\n");
  EXPECT_ERROR(Metrics(directory.file("text"), 4), "no metrics");
  EXPECT_EQ(readFile(directory.file("text")), "a letter\n");
  Metrics("/dev/null", 4);
}
