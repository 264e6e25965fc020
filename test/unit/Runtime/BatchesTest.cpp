#include "Batches.h"

#include "Support.h"

#include <set>

using namespace pprt;

static Description shape(int microbatches, int64_t batch, int64_t sequence,
                         int64_t vocabulary = 256) {
  Description d;
  d.microbatches = microbatches;
  d.batch = batch;
  d.sequence = sequence;
  d.vocabulary = d.targetClasses = vocabulary;
  d.inputs = {{"tokens", false, batch, sequence},
              {"targets", true, batch, sequence}};
  return d;
}

/// A file in which each byte tells its position, up to 256.
static std::string ramp(int n) {
  std::string text;
  for (int i = 0; i < n; ++i)
    text += char(i);
  return text;
}

TEST(Batches, TargetsAreTokensShiftedByOne) {
  TemporaryDirectory directory;
  TokenFile file(directory.write("data", ramp(200)), TokenFormat::Bytes);
  Description d = shape(3, 2, 8);
  Batches batches(file, d, 1);
  for (int step = 0; step < 20; ++step) {
    batches.load(step);
    for (int m = 0; m < 3; ++m)
      for (int row = 0; row < 2; ++row) {
        uint64_t begin = batches.offsetOf(uint64_t(step * 3 + m) * 2 + row);
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
  TokenFile file(directory.write("data", ramp(200)), TokenFormat::Bytes);
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
  TokenFile file(directory.write("data", ramp(256)), TokenFormat::Bytes);
  Description d = shape(2, 2, 4);
  Batches a(file, d, 1), b(file, d, 1), c(file, d, 2);
  int equal = 0;
  for (uint64_t sample = 0; sample < 100; ++sample) {
    EXPECT_EQ(a.offsetOf(sample), b.offsetOf(sample));
    equal += a.offsetOf(sample) == c.offsetOf(sample);
  }
  EXPECT_LT(equal, 10);
}

TEST(Batches, EveryWindowIsDrawn) {
  TemporaryDirectory directory;
  TokenFile file(directory.write("data", ramp(12)), TokenFormat::Bytes);
  Description d = shape(1, 1, 8);
  Batches batches(file, d, 1);
  std::set<uint64_t> offsets;
  for (uint64_t sample = 0; sample < 200; ++sample)
    offsets.insert(batches.offsetOf(sample));
  EXPECT_EQ(offsets, (std::set<uint64_t>{0, 1, 2, 3}));
}

TEST(Batches, InOrder) {
  TemporaryDirectory directory;
  // As long as two steps of three micro-batches need.
  TokenFile file(directory.write("data", ramp(2 * 3 * 2 * 8 + 1)),
                 TokenFormat::Bytes);
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
  TokenFile file(directory.write("data", ramp(9)), TokenFormat::Bytes);
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
  TokenFile file(directory.write("data", ramp(9)), TokenFormat::Bytes);
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
  TokenFile file(directory.write("data", "\1\2\12\3"), TokenFormat::Bytes);
  Description d = shape(1, 1, 3, /*vocabulary=*/11);
  d.targetClasses = 10;
  Batches strict(file, d, 1);
  EXPECT_ERROR(strict.load(0), "found token 10 at position 2");
  d.ignoredTarget = 10;
  Batches batches(file, d, 1);
  batches.load(0);
  EXPECT_EQ(batches.input(1, 0)[1], 10);
  // As a token it is one.
  d.vocabulary = 10;
  EXPECT_ERROR(batches.load(0), "found token 10 at position 2");
}
