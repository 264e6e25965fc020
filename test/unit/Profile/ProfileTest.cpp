#include "pp/Profile/Profile.h"

#include <gtest/gtest.h>

using namespace pp::profile;

static const std::string good = R"({
  "format": 1, "model": "m", "fingerprint": "0", "batch": 2, "sequence": 8,
  "step": 1, "update": {"bytes": 1000, "seconds": 0.5}, "exchange": 0.25,
  "transfers": {"latency": 0.125, "bandwidth": 1000, "values": []},
  "layers": [
    {"layer": "embed", "flops": 0, "output_bytes": 64, "parameter_bytes": 400, "F": 1, "W": 2},
    {"layer": "block", "flops": 10, "output_bytes": 64, "parameter_bytes": 300, "F": 3, "I": 4, "W": 5, "R": 2},
    {"layer": "block", "flops": 10, "output_bytes": 64, "parameter_bytes": 300, "F": 5, "I": 6, "W": 5},
    {"layer": "head", "flops": 7, "output_bytes": 4, "parameter_bytes": 0, "F": 1, "B": 9}
  ]
})";

static std::string with(std::string part, const std::string &other) {
  std::string text = good;
  size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), other);
}

TEST(Profile, EqualLayersShareTheirMean) {
  Result<Profile> profile = parse(good, "p");
  ASSERT_TRUE(profile) << profile.error();
  EXPECT_EQ(profile->secondsOf("block", 'F'), 4);
  EXPECT_EQ(profile->secondsOf("block", 'I'), 5);
  EXPECT_EQ(profile->secondsOf(1, 'F'), 4);
  EXPECT_EQ(profile->secondsOf(2, 'F'), 4);
  // A whole backward is its halves, unless it was measured as one.
  EXPECT_EQ(profile->secondsOf("block", 'B'), 10);
  EXPECT_EQ(profile->secondsOf("head", 'B'), 9);
  EXPECT_EQ(profile->secondsOf(0, 'B'), 2);
  // The forward again costs a forward where it was not measured.
  EXPECT_EQ(profile->secondsOf("block", 'R'), 2);
  EXPECT_EQ(profile->secondsOf("embed", 'R'), 1);
  EXPECT_EQ(profile->secondsOf(2, 'R'), 0);
  EXPECT_EQ(profile->secondsOf("none", 'F'), 0);
  EXPECT_TRUE(profile->hasTransfers);
  EXPECT_EQ(profile->latency, 0.125);
  EXPECT_EQ(profile->bandwidth, 1000);
  EXPECT_EQ(profile->updatePerByte, 0.0005);
  EXPECT_EQ(profile->exchange, 0.25);
}

TEST(Profile, OneRankHasNoTransfers) {
  Result<Profile> profile = parse(
      with(R"({"latency": 0.125, "bandwidth": 1000, "values": []})", "null"),
      "p");
  ASSERT_TRUE(profile) << profile.error();
  EXPECT_FALSE(profile->hasTransfers);
}

TEST(Profile, SaysWhatIsWrongAndWhere) {
  const std::string remedy =
      ": write it again with --profile-out of a compiled program";
  auto error = [&](const std::string &text) {
    return parse(text, "p").error();
  };
  EXPECT_EQ(error(good.substr(0, good.find("\"F\": 3"))),
            "profile 'p': found no JSON from line 7 on, expected a whole "
            "profile" +
                remedy);
  EXPECT_EQ(error(""), "profile 'p': found no JSON from line 1 on, expected a "
                       "whole profile" +
                           remedy);
  EXPECT_EQ(error("[1]"),
            "profile 'p': found no object, expected a profile" + remedy);
  EXPECT_EQ(error(with("\"format\": 1", "\"format\": 2")),
            "profile 'p': found format 2, expected format 1" + remedy);
  EXPECT_EQ(error(with("\"F\": 3", "\"F\": -3")),
            "profile 'p': found 'layers[1].F' as -3, expected a number from 0 "
            "to 1e15" +
                remedy);
  EXPECT_EQ(error(with("\"F\": 3", "\"F\": \"fast\"")),
            "profile 'p': found 'layers[1].F' as \"fast\", expected a number "
            "from 0 to 1e15" +
                remedy);
  // The sum of a schedule's times is a number, too.
  EXPECT_EQ(
      error(with("\"F\": 3", "\"F\": 1e308")),
      "profile 'p': found 'layers[1].F' as 1e+308, expected a number from "
      "0 to 1e15" +
          remedy);
  EXPECT_EQ(error(with("\"F\": 3, ", "")),
            "profile 'p': found no 'layers[1].F', expected it" + remedy);
  EXPECT_EQ(error(with("\"flops\": 7", "\"flops\": 7.5")),
            "profile 'p': found 'layers[3].flops' as 7.5, expected a whole "
            "number from 0 to 1e18" +
                remedy);
  EXPECT_EQ(error(with("\"layer\": \"head\"", "\"layer\": 3")),
            "profile 'p': found 'layers[3].layer' as 3, expected a text" +
                remedy);
  EXPECT_EQ(error(with("\"bandwidth\": 1000", "\"bandwidth\": 0")),
            "profile 'p': found 'transfers.bandwidth' as 0, expected at least "
            "one byte a second" +
                remedy);
  EXPECT_EQ(error(with("\"bandwidth\": 1000", "\"bandwidth\": 1e-300")),
            "profile 'p': found 'transfers.bandwidth' as 1e-300, expected at "
            "least one byte a second" +
                remedy);
  EXPECT_EQ(error(with("\"exchange\": 0.25", "\"exchange\": 1e999")),
            "profile 'p': found no JSON from line 3 on, expected a whole "
            "profile" +
                remedy);
  EXPECT_EQ(error(R"({"format": 1, "model": "m", "batch": 1, "sequence": 1,
                      "exchange": 0, "update": {"bytes": 0, "seconds": 0},
                      "transfers": null, "layers": []})"),
            "profile 'p': found 'layers' that is no list of layers, expected "
            "one entry for each apply of the model" +
                remedy);
  EXPECT_EQ(load("/no/such/file").error(),
            "cannot read the profile '/no/such/file': No such file or "
            "directory, expected a file that a compiled program wrote with "
            "--profile-out");
}

TEST(Profile, OtherModelsAreNamed) {
  Result<Profile> profile = parse(good, "p");
  ASSERT_TRUE(profile);
  Model model;
  model.batch = 2;
  model.sequence = 8;
  model.layers = {{"embed", 0}, {"block", 10}, {"head", 7}};
  EXPECT_EQ(findDifference(*profile, model), ""); // fewer equal layers
  model.layers.resize(20, {"block", 10});
  EXPECT_EQ(findDifference(*profile, model), ""); // more
  model.layers.push_back({"tail", 1});
  EXPECT_EQ(findDifference(*profile, model),
            "found no times of layer @tail in the profile 'p', which is of 'm' "
            "with @block, @embed, @head; expected times of all layers of the "
            "model: measure a program of this model with --profile-out");
  model.layers.back() = {"block", 11};
  EXPECT_EQ(findDifference(*profile, model),
            "found layer @block with 10 operations in the profile 'p', "
            "expected the 11 that it has in the model: measure a program of "
            "this model with --profile-out");
  model.batch = 4;
  EXPECT_EQ(findDifference(*profile, model),
            "found micro-batches of 2 x 8 tokens in the profile 'p', expected "
            "4 x 8 as in the model: measure a program of this model with "
            "--profile-out");
}
