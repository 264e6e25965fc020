#include "Batches.h"

#include "Allocations.h"
#include "Support.h"

#include <algorithm>
#include <set>

using namespace pprt;

static Description shape(int microbatches, int64_t batch, int64_t sequence,
                         int64_t vocabulary = 256) {
  Description d;
  d.microbatches = microbatches;
  d.batch = batch;
  d.sequence = sequence;
  d.vocabulary = d.targetClasses = vocabulary;
  d.inputs = {{"tokens", Input::Tokens, batch, sequence},
              {"targets", Input::Targets, batch, sequence}};
  return d;
}

/// Files of bytes, their windows at random places.
static DataOptions windowsOf(std::vector<std::string> files) {
  DataOptions options;
  options.files = std::move(files);
  options.format = TokenFormat::Bytes;
  options.order = WindowOrder::Windows;
  return options;
}

static DataSet bytes(const std::string &path) {
  return DataSet(windowsOf({path}));
}

/// A file in which each byte tells its position, up to 256.
static std::string ramp(int n) {
  std::string text;
  for (int i = 0; i < n; ++i)
    text += char(i);
  return text;
}

static uint64_t beginOf(const Batches &batches, uint64_t sample) {
  return batches.order().placeOf(sample).token;
}

TEST(Batches, TargetsAreTokensShiftedByOne) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(200)));
  Description d = shape(3, 2, 8);
  Batches batches(file, d, 1);
  for (int step = 0; step < 20; ++step) {
    batches.load(step);
    for (int m = 0; m < 3; ++m)
      for (int row = 0; row < 2; ++row) {
        uint64_t begin = beginOf(batches, uint64_t(step * 3 + m) * 2 + row);
        EXPECT_LE(begin + 9, 200u);
        for (int i = 0; i < 8; ++i) {
          EXPECT_EQ(batches.input(0, m)[row * 8 + i], int(begin) + i);
          EXPECT_EQ(batches.input(1, m)[row * 8 + i], int(begin) + i + 1);
        }
      }
  }
}

// Compiled code reads buffers with aligned instructions.
TEST(Batches, MicroBatchesOfAnySizeAreAligned) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(200)));
  for (int64_t sequence : {1, 5, 16, 17}) {
    Description d = shape(3, 3, sequence);
    Batches batches(file, d, 1);
    batches.load(0);
    for (int input = 0; input < 2; ++input)
      for (int m = 0; m < 3; ++m)
        EXPECT_EQ(uintptr_t(batches.input(input, m)) % 64, 0u);
  }
}

TEST(Batches, OrderDependsOnTheSeedAlone) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(256)));
  Description d = shape(2, 2, 4);
  Batches a(file, d, 1), b(file, d, 1), c(file, d, 2);
  int equal = 0;
  for (uint64_t sample = 0; sample < 100; ++sample) {
    EXPECT_EQ(beginOf(a, sample), beginOf(b, sample));
    equal += beginOf(a, sample) == beginOf(c, sample);
  }
  EXPECT_LT(equal, 10);
}

TEST(Batches, EveryWindowIsDrawn) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(12)));
  Description d = shape(1, 1, 8);
  Batches batches(file, d, 1);
  std::set<uint64_t> offsets;
  for (uint64_t sample = 0; sample < 200; ++sample)
    offsets.insert(beginOf(batches, sample));
  EXPECT_EQ(offsets, (std::set<uint64_t>{0, 1, 2, 3}));
}

TEST(Batches, InOrder) {
  TemporaryDirectory directory;
  // As long as two steps of three micro-batches need.
  DataSet file = bytes(directory.write("data", ramp(2 * 3 * 2 * 8 + 1)));
  Description d = shape(3, 2, 8);
  Batches batches(file, d, 7);
  batches.takeInOrder();
  for (int step = 0; step < 2; ++step) {
    batches.load(step);
    for (int m = 0; m < 3; ++m)
      for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(batches.input(0, m)[i], (step * 3 + m) * 16 + i);
        EXPECT_EQ(batches.input(1, m)[i], (step * 3 + m) * 16 + i + 1);
      }
  }
  EXPECT_NE(errorOf([&] { batches.load(2); }), "");
}

TEST(Batches, FileOfExactlyOneWindow) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(9)));
  Description d = shape(1, 1, 8);
  Batches batches(file, d, 1);
  batches.load(5);
  EXPECT_EQ(batches.input(0, 0)[0], 0);
  EXPECT_EQ(batches.input(1, 0)[7], 8);
  Description longer = shape(1, 1, 9);
  EXPECT_ERROR(Batches(file, longer, 1), "expected at least 10");
}

TEST(Batches, TokenOutsideTheVocabulary) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(9)));
  Description good = shape(1, 1, 8, 9), small = shape(1, 1, 8, 8);
  Batches(file, good, 1).load(0);
  EXPECT_ERROR(Batches(file, small, 1).load(0), "found token 8 at position 8");
  // The last token of the window is only ever a target.
  small.targetClasses = 9;
  Batches(file, small, 1).load(0);
  // And the first one never is.
  Description targets = shape(1, 1, 8, 9);
  targets.targetClasses = 8;
  EXPECT_ERROR(Batches(file, targets, 1).load(0), "vocabulary of 8");
}

TEST(Batches, IgnoredTargetsAreNoClasses) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", "\1\2\12\3"));
  Description d = shape(1, 1, 3, /*vocabulary=*/11);
  d.targetClasses = 10;
  Batches strict(file, d, 1);
  EXPECT_ERROR(strict.load(0), "found token 10 at position 2");
  d.ignoredTarget = 10;
  Batches batches(file, d, 1);
  batches.load(0);
  EXPECT_EQ(batches.input(1, 0)[1], 10);
  EXPECT_EQ(batches.validTargets(0), 2);
  // As a token it is one.
  d.vocabulary = 10;
  EXPECT_ERROR(batches.load(0), "found token 10 at position 2");
}

TEST(Batches, ValidTargetsOfEachMicroBatch) {
  TemporaryDirectory directory;
  // Every third token is ignored.
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += char(i % 3 == 0 ? 10 : i % 3);
  DataSet file = bytes(directory.write("data", text));
  Description d = shape(4, 2, 5, /*vocabulary=*/11);
  d.targetClasses = 10;
  d.ignoredTarget = 10;
  Batches batches(file, d, 1);
  bool differ = false;
  for (int step = 0; step < 5; ++step) {
    batches.load(step);
    for (int m = 0; m < 4; ++m) {
      const int32_t *targets = batches.input(1, m);
      EXPECT_EQ(batches.validTargets(m),
                10 - std::count(targets, targets + 10, 10));
      differ |= batches.validTargets(m) != batches.validTargets(0);
    }
  }
  EXPECT_TRUE(differ);
  d.targetClasses = 11;
  d.ignoredTarget.reset();
  Batches all(file, d, 1);
  all.load(0);
  EXPECT_EQ(all.validTargets(3), 10);
}

// A step has other samples where it has another size, but the order goes on.
TEST(Batches, GoesOnWithAnotherNumberOfSamples) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(256)));
  Description d = shape(2, 3, 4), other = shape(5, 1, 4);
  Batches before(file, d, 1), after(file, other, 1);
  EXPECT_EQ(before.samplesPerStep(), 6u);
  EXPECT_EQ(before.firstSampleOf(7), 42u);
  after.startAt(7, before.firstSampleOf(7));
  EXPECT_EQ(after.samplesPerStep(), 5u);
  EXPECT_EQ(after.firstSampleOf(7), 42u);
  EXPECT_EQ(after.firstSampleOf(10), 57u);
  after.load(10);
  for (int m = 0; m < 5; ++m)
    EXPECT_EQ(after.input(0, m)[0], int(beginOf(before, 57 + uint64_t(m))));
}

TEST(Batches, StepsAreThoseOfAllReplicas) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(256)));
  Description d = shape(2, 3, 4);
  d.mesh = Mesh({{"pipe", 1}, {"data", 4}});
  Batches batches(file, d, 1, /*replica=*/2);
  EXPECT_EQ(batches.samplesPerStep(), 24u);
  batches.startAt(5, 100);
  batches.load(6);
  EXPECT_EQ(batches.input(0, 0)[0], int(beginOf(batches, 100 + 24 + 12)));
}

TEST(Batches, IdentityTellsWhatDeterminesSamples) {
  TemporaryDirectory directory;
  DataSet file = bytes(directory.write("data", ramp(200)));
  DataSet other = bytes(directory.write("other", ramp(201)));
  DataOptions asWords = windowsOf({directory.file("data")});
  asWords.format = TokenFormat::U16;
  DataSet words(asWords);
  Description d = shape(3, 2, 8), longer = shape(3, 2, 9),
              split = shape(6, 1, 8);
  const std::string one = Batches(file, d, 1).identity();
  EXPECT_EQ(one.find('\n'), std::string::npos);
  EXPECT_NE(one.find("'data' (200 tokens as bytes"), std::string::npos) << one;
  EXPECT_EQ(one, Batches(file, split, 1).identity());
  EXPECT_NE(one, Batches(file, longer, 1).identity());
  EXPECT_NE(one, Batches(other, d, 1).identity());
  EXPECT_NE(one, Batches(words, d, 1).identity());
}

TEST(Batches, IdentityTellsOrderWeightsAndDocuments) {
  TemporaryDirectory directory;
  const std::string a = directory.write("a", ramp(200)),
                    b = directory.write("b", ramp(199));
  Description d = shape(1, 2, 8), documents = d;
  documents.inputs.push_back({"documents", Input::Documents, 2, 8});
  documents.ignoredTarget = 300;
  auto identityOf = [&](std::vector<std::string> files,
                        WindowOrder order = WindowOrder::Epochs,
                        DocumentTokens tokens = {}, bool hasDocuments = false) {
    DataOptions options = windowsOf(files);
    options.order = order;
    options.documents = tokens;
    DataSet data(options);
    return Batches(data, hasDocuments ? documents : d, 1).identity();
  };
  std::set<std::string> lines = {
      identityOf({a}),
      identityOf({a}, WindowOrder::Windows),
      identityOf({a, b}),
      identityOf({b, a}),
      identityOf({a, b + ":2"}),
      identityOf({a}, WindowOrder::Epochs, {10, -1}, true),
      identityOf({a}, WindowOrder::Epochs, {-1, 10}, true),
      identityOf({a}, WindowOrder::Epochs, {11, -1}, true)};
  EXPECT_EQ(lines.size(), 8u);
  // What changes no sample does not count.
  EXPECT_EQ(identityOf({a, b + ":2"}), identityOf({a + ":0.5", b}));
  EXPECT_EQ(identityOf({a}), identityOf({a + ":7"}));
  EXPECT_EQ(identityOf({a}), identityOf({a}, WindowOrder::Epochs, {10, -1}));
}

/// The inputs of a description with documents, read from its text.
static Description withDocuments(int64_t batch, int64_t sequence) {
  Description d = shape(1, batch, sequence);
  d.inputs.push_back({"documents", Input::Documents, batch, sequence});
  d.ignoredTarget = -100;
  return d;
}

TEST(Batches, DocumentsWithinTheWindow) {
  TemporaryDirectory directory;
  DataOptions options = windowsOf(
      {directory.write("data", std::string("\5\6\0\7\0\0\10\11\12", 9))});
  Description d = withDocuments(1, 8);
  auto load = [&](DocumentTokens tokens) {
    options.documents = tokens;
    DataSet data(options);
    Batches batches(data, d, 1);
    batches.load(0);
    std::vector<std::vector<int32_t>> rows;
    for (int input = 0; input < 3; ++input)
      rows.emplace_back(batches.input(input, 0), batches.input(input, 0) + 8);
    EXPECT_EQ(batches.validTargets(0),
              8 - std::count(rows[1].begin(), rows[1].end(), -100));
    EXPECT_EQ(rows[0], (std::vector<int32_t>{5, 6, 0, 7, 0, 0, 8, 9}));
    rows.erase(rows.begin());
    return rows;
  };
  using Rows = std::vector<std::vector<int32_t>>;
  EXPECT_EQ(load({0, -1}), (Rows{{6, 0, -100, 0, -100, -100, 9, 10},
                                 {0, 0, 0, 1, 1, 2, 3, 3}}));
  EXPECT_EQ(load({-1, 0}), (Rows{{6, -100, 7, -100, -100, 8, 9, 10},
                                 {0, 0, 1, 1, 2, 3, 3, 3}}));
  // The last target may be the first token of another document.
  EXPECT_EQ(load({9, -1}),
            (Rows{{6, 0, 7, 0, 0, 8, 9, -100}, {0, 0, 0, 0, 0, 0, 0, 0}}));
}

TEST(Batches, DocumentsThatCannotBe) {
  TemporaryDirectory directory;
  DataOptions options = windowsOf({directory.write("data", ramp(100))});
  Description d = withDocuments(2, 8);
  DataSet unknown(options);
  EXPECT_ERROR(Batches(unknown, d, 1),
               "found no documents in '" + directory.file("data") + "'");
  EXPECT_ERROR(Batches(unknown, d, 1), "(--document-end)");
  options.documents.end = 3;
  DataSet known(options);
  Batches(known, d, 1).load(0);
  d.ignoredTarget.reset();
  EXPECT_ERROR(Batches(known, d, 1), "ignore_index");
  // Without targets there is nothing to ignore.
  d.inputs.erase(d.inputs.begin() + 1);
  Batches(known, d, 1).load(0);
}

// The samples of several files, each with its documents and its own places.
TEST(Batches, SeveralFiles) {
  TemporaryDirectory directory;
  std::string odd(90, '\1'), even(300, '\2');
  DataOptions options = windowsOf(
      {directory.write("a", odd) + ":1", directory.write("b", even) + ":2"});
  DataSet data(options);
  Description d = shape(2, 3, 8);
  Batches batches(data, d, 1);
  int counts[3] = {};
  for (int step = 0; step < 10; ++step) {
    batches.load(step);
    for (int m = 0; m < 2; ++m)
      for (int row = 0; row < 3; ++row)
        ++counts[batches.input(0, m)[8 * row]];
  }
  EXPECT_EQ(counts[1], 20);
  EXPECT_EQ(counts[2], 40);
  directory.write("b", std::string(300, '\3'));
  EXPECT_ERROR(batches.load(0), "found other content in the data file '" +
                                    directory.file("b") + "'");
}

TEST(Batches, LoadAllocatesNothing) {
  if (!canCountAllocations())
    GTEST_SKIP() << "sanitizers bring their own malloc";
  TemporaryDirectory directory;
  DataOptions options = windowsOf({directory.write("a", ramp(200)),
                                   directory.write("b", ramp(150)) + ":0.5",
                                   directory.write("c", ramp(100)) + ":0.1"});
  options.order = WindowOrder::Epochs;
  options.documents.end = 7;
  DataSet data(options);
  Description d = withDocuments(3, 8);
  Batches batches(data, d, 1);
  const AllocationCounts before = allocationCounts();
  countAllocations(true);
  for (int64_t step = 0; step < 20; ++step)
    batches.load(step);
  countAllocations(false);
  EXPECT_EQ(allocationCounts().program, before.program);
  EXPECT_EQ(allocationCounts().libraries, before.libraries);
}

TEST(DataSet, ErrorsOfFiles) {
  TemporaryDirectory directory;
  directory.write("a:1", "text");
  EXPECT_ERROR(DataSet(windowsOf({directory.file("a:1")})),
               "is a file: give it as '" + directory.file("a:1") + ":1'");
  EXPECT_EQ(DataSet(windowsOf({directory.file("a:1:1")})).file(0).tokens(), 4u);
  EXPECT_ERROR(
      DataSet(windowsOf({directory.file("a:1:1"), directory.file("none")})),
      "cannot open the data file '" + directory.file("none") + "'");
}
