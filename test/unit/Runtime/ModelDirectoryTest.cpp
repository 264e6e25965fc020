#include "ModelDirectory.h"
#include "WeightWriter.h"

#include "Support.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

using namespace pprt;

namespace {
/// A model on a mesh, and what each rank has of it.
struct Case {
  Description description;
  std::vector<std::vector<float>> wholes;   ///< by parameter
  std::vector<std::vector<uint8_t>> arenas; ///< by rank
};
} // namespace

static Case makeCase(unsigned seed) {
  std::mt19937 random(seed);
  auto draw = [&](int low, int high) {
    return low + int(random() % unsigned(high - low + 1));
  };
  Case result;
  Description &d = result.description;
  d.mesh = Mesh(
      {{"pipe", draw(1, 2)}, {"data", draw(1, 3)}, {"tensor", draw(1, 3)}});
  const int pipe = d.mesh.sizeOf("pipe"), data = d.mesh.sizeOf("data");
  const int tensor = d.mesh.sizeOf("tensor");
  d.programs.resize(size_t(pipe));
  uint64_t at = 0;
  for (int i = 0; i < 6; ++i) {
    Parameter p;
    p.name = "p" + std::to_string(9 - i);
    const int rank = draw(1, 3);
    const int cut = draw(0, rank); // the dimension that is cut, or none
    p.elements = 1;
    for (int dim = 0; dim < rank; ++dim) {
      const int64_t size = draw(1, 7);
      p.shape.push_back(size);
      p.sharding.push_back({});
      if (dim == cut)
        p.sharding.back() = {"tensor"};
      p.elements *= uint64_t(dim == cut ? (size + tensor - 1) / tensor : size);
    }
    if (cut == rank || tensor == 1)
      p.sharding.clear();
    p.owner = draw(0, pipe - 1);
    p.isBF16 = draw(0, 1) != 0;
    if (data > 1) {
      p.isCut = draw(0, 1) != 0;
      p.piece = (p.elements + uint64_t(data) - 1) / uint64_t(data) +
                uint64_t(draw(0, 2));
    }
    std::vector<float> whole(p.wholeElements());
    for (float &value : whole)
      value = std::ldexp(float(int(random() % 65536) - 32768), -14);
    result.wholes.push_back(whole);
    HeldParameter held;
    held.index = i;
    held.offset = at;
    held.masterOffset = at;
    at += 4 * (p.elements + 64);
    d.parameters.push_back(p);
    for (int coordinate = 0; coordinate < pipe; ++coordinate) {
      held.owned = coordinate == p.owner;
      d.programs[size_t(coordinate)].parameters.push_back(held);
    }
  }
  for (int rank = 0; rank < d.mesh.size(); ++rank) {
    std::vector<uint8_t> arena(at, 0);
    for (const HeldParameter &held : d.programOf(size_t(rank)).parameters) {
      const Parameter &p = d.parameters[size_t(held.index)];
      const std::vector<float> &whole = result.wholes[size_t(held.index)];
      std::vector<float> part(p.elements, 0.0f);
      if (p.sharding.empty())
        part = whole;
      else
        forEachRun(p, d.mesh, rank,
                   [&](uint64_t from, uint64_t to, uint64_t count) {
                     std::copy_n(whole.begin() + long(from), count,
                                 part.begin() + long(to));
                   });
      const Description::Updated own = d.updatedBy(rank, held);
      if (held.owned)
        std::memcpy(arena.data() + own.offset, part.data() + own.first,
                    own.bytes);
    }
    result.arenas.push_back(std::move(arena));
  }
  return result;
}

template <typename F> static void onRanks(const Case &c, F action) {
  std::vector<std::unique_ptr<Bootstrap>> all =
      createLocalBootstraps(c.description.mesh.size());
  std::vector<std::string> errors(all.size());
  std::vector<std::thread> threads;
  for (size_t rank = 0; rank < all.size(); ++rank)
    threads.emplace_back([&, rank] {
      try {
        action(*all[rank], c.arenas[rank].data());
      } catch (const std::exception &e) {
        errors[rank] = e.what();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::string &error : errors)
    EXPECT_EQ(error, "");
}

/// What the files of a layout should be, byte by byte.
static std::vector<std::string> expectedFiles(const Case &c,
                                              const WeightLayout &layout) {
  std::vector<std::string> files;
  for (const WeightLayout::File &file : layout.files) {
    files.push_back(file.header);
    files.back().resize(file.bytes);
  }
  for (size_t i = 0; i < c.wholes.size(); ++i)
    narrow(c.wholes[i].data(), c.wholes[i].size(), layout.type,
           files[layout.places[i].file].data() + layout.places[i].begin);
  return files;
}

static void expectFiles(const std::string &folder, const Case &c,
                        const WeightLayout &layout) {
  const std::vector<std::string> expected = expectedFiles(c, layout);
  for (size_t i = 0; i < layout.files.size(); ++i)
    EXPECT_EQ(readFile(folder + "/" + layout.files[i].name), expected[i])
        << layout.files[i].name << " on " << c.description.mesh.describe();
}

TEST(ModelDirectory, OnAnyMeshTheSameBytes) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Case c = makeCase(seed);
    for (ValueType type : {ValueType::F32, ValueType::BF16, ValueType::F16}) {
      TemporaryDirectory directory(memoryPath());
      Options options;
      options.save = directory.file("model");
      options.saveType = type;
      options.maxShardBytes = seed % 3 ? 300 : 5'000'000'000;
      const ModelFiles none("", "", "");
      onRanks(c, [&](Bootstrap &bootstrap, const uint8_t *arena) {
        ModelDirectory target(options, c.description,
                              bootstrap.rank() == 0 ? &none : nullptr);
        target.write(arena, bootstrap);
      });
      const WeightLayout layout =
          layOutWeights(c.description.parameters, type, options.maxShardBytes);
      expectFiles(options.save, c, layout);
      EXPECT_EQ(directory.count(), 1u);
      size_t files = 0;
      for (auto &entry : std::filesystem::directory_iterator(options.save))
        files += entry.exists();
      EXPECT_EQ(files, layout.files.size() + (layout.index.empty() ? 0 : 1));
    }
  }
}

TEST(ModelDirectory, CollectedByRank0TheSameBytes) {
  for (unsigned seed = 100; seed < 140; ++seed) {
    const Case c = makeCase(seed);
    for (ValueType type : {ValueType::F32, ValueType::BF16}) {
      TemporaryDirectory directory(memoryPath());
      const WeightLayout layout =
          layOutWeights(c.description.parameters, type, 200);
      onRanks(c, [&](Bootstrap &bootstrap, const uint8_t *arena) {
        if (bootstrap.rank() != 0)
          return collectRuns(nullptr, layout, c.description, arena, bootstrap);
        WeightWriter writer(layout, directory.file(""));
        writer.create();
        collectRuns(&writer, layout, c.description, arena, bootstrap);
        writer.flush();
      });
      expectFiles(directory.file(""), c, layout);
    }
  }
}

/// One parameter of many blocks on two ranks, of which rank 1 has it.
static Case largeCase(uint64_t elements) {
  Case c;
  setPipe(c.description, 2);
  Parameter p;
  p.name = "large";
  p.shape = {int64_t(elements)};
  p.elements = elements;
  p.owner = 1;
  HeldParameter held;
  held.owned = true;
  c.description.parameters = {p};
  c.description.programs[1].parameters = {held};
  std::vector<float> whole(elements);
  for (uint64_t i = 0; i < elements; ++i)
    whole[i] = float(i % 1000);
  const uint8_t *bytes = reinterpret_cast<const uint8_t *>(whole.data());
  c.arenas = {{}, std::vector<uint8_t>(bytes, bytes + 4 * elements)};
  c.wholes = {whole};
  return c;
}

TEST(ModelDirectory, ManyBlocks) {
  const Case c = largeCase(5'000'001);
  for (ValueType type : {ValueType::F32, ValueType::F16}) {
    TemporaryDirectory directory;
    const WeightLayout layout =
        layOutWeights(c.description.parameters, type, 5'000'000'000);
    onRanks(c, [&](Bootstrap &bootstrap, const uint8_t *arena) {
      std::optional<WeightWriter> writer;
      if (bootstrap.rank() == 0)
        writer.emplace(layout, directory.file("")).create();
      collectRuns(writer ? &*writer : nullptr, layout, c.description, arena,
                  bootstrap);
    });
    expectFiles(directory.file(""), c, layout);
  }
}

TEST(ModelDirectory, AFullDiskIsAnErrorOnRank0Alone) {
  const Case c = largeCase(3'000'000);
  const WeightLayout layout =
      layOutWeights(c.description.parameters, ValueType::F32, 5'000'000'000);
  onRanks(c, [&](Bootstrap &bootstrap, const uint8_t *arena) {
    if (bootstrap.rank() != 0)
      return collectRuns(nullptr, layout, c.description, arena, bootstrap);
    // Nothing can be made there; the other rank ends all the same.
    WeightWriter writer(layout, "/proc/none");
    EXPECT_ERROR(writer.create(),
                 "cannot write '/proc/none/model.safetensors'");
    EXPECT_ERROR(collectRuns(&writer, layout, c.description, arena, bootstrap),
                 "cannot write '/proc/none/model.safetensors'");
  });
}

/// What the ranks print when one of them may not save `value` as `type`.
static std::string refusal(float value, ValueType type) {
  Case c = largeCase(4);
  std::memcpy(c.arenas[1].data() + 8, &value, sizeof value);
  TemporaryDirectory directory;
  Options options;
  options.save = directory.file("model");
  options.saveType = type;
  const ModelFiles none("", "", "");
  testing::internal::CaptureStderr();
  std::vector<std::unique_ptr<Bootstrap>> all = createLocalBootstraps(2);
  std::vector<std::thread> threads;
  int thrown[2] = {};
  for (int rank = 0; rank < 2; ++rank)
    threads.emplace_back([&, rank] {
      try {
        ModelDirectory(options, c.description, rank == 0 ? &none : nullptr)
            .write(c.arenas[size_t(rank)].data(), *all[size_t(rank)]);
      } catch (const Disagreement &) {
        thrown[rank] = 1;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(thrown[0] + thrown[1], 2);
  EXPECT_EQ(directory.count(), 0u);
  return testing::internal::GetCapturedStderr();
}

TEST(ModelDirectory, ValuesThatCannotBeSaved) {
  EXPECT_NE(refusal(NAN, ValueType::F32).find("expected finite numbers"),
            std::string::npos);
  EXPECT_NE(refusal(3.4e38f, ValueType::BF16)
                .find("which is infinite in bfloat16, expected values that "
                      "--save-dtype can hold: choose f32"),
            std::string::npos);
  EXPECT_NE(refusal(-70000.0f, ValueType::F16).find("infinite in float16"),
            std::string::npos);
}

//===----------------------------------------------------------------------===//
// What stands beside weights
//===----------------------------------------------------------------------===//

TEST(ModelFiles, ConfigSaysTheType) {
  auto configOf = [](const std::string &text, ValueType type) {
    return nlohmann::json::parse(
        ModelFiles(text, "", "").filesFor(type).at("config.json"));
  };
  auto config = configOf("{\"torch_dtype\": \"float16\"}", ValueType::BF16);
  EXPECT_EQ(config, (nlohmann::json{{"torch_dtype", "bfloat16"}}));
  config = configOf("{\"dtype\": null}", ValueType::F32);
  EXPECT_EQ(config, (nlohmann::json{{"dtype", "float32"}}));
  config = configOf("{\"a\": [1, 2.5, null]}", ValueType::F16);
  EXPECT_EQ(config, (nlohmann::json{{"a", {1, 2.5, nullptr}},
                                    {"torch_dtype", "float16"}}));
  EXPECT_TRUE(ModelFiles("", "", "").filesFor(ValueType::F32).empty());
}

TEST(ModelFiles, FilesAreCarriedAlong) {
  TemporaryDirectory load, tokenizer;
  load.write("config.json", "{\"from\": \"load\"}");
  load.write("tokenizer.json", "of load");
  load.write("vocab.json", "of load");
  load.write("generation_config.json", "generation");
  load.write("model.safetensors", "weights");
  load.write("README.md", "other");
  auto files = ModelFiles("", load.file(""), "").filesFor(ValueType::F32);
  EXPECT_EQ(files.size(), 4u);
  EXPECT_EQ(files["tokenizer.json"], "of load");
  EXPECT_EQ(nlohmann::json::parse(files["config.json"])["from"], "load");
  // The program's own goes before, and so does a tokenizer as a whole.
  tokenizer.write("tokenizer.json", "other");
  files =
      ModelFiles("{\"from\": \"program\"}", load.file(""), tokenizer.file(""))
          .filesFor(ValueType::F32);
  EXPECT_EQ(nlohmann::json::parse(files["config.json"])["from"], "program");
  EXPECT_EQ(files["tokenizer.json"], "other");
  EXPECT_EQ(files.count("vocab.json"), 0u);
  EXPECT_EQ(files["generation_config.json"], "generation");
}

TEST(ModelFiles, Errors) {
  TemporaryDirectory directory;
  EXPECT_ERROR(ModelFiles("", "", directory.file("")),
               "found no file of a tokenizer in --tokenizer");
  std::filesystem::create_directory(directory.file("tokenizer.json"));
  EXPECT_ERROR(ModelFiles("", "", directory.file("")),
               "which is not a regular file, expected a file of the model");
  std::filesystem::remove(directory.file("tokenizer.json"));
  for (const std::string wrong :
       {std::string("{"), std::string("[]"), std::string(1, '\xff'),
        std::string("{\"a\": 1e999}"),
        "{\"a\": " + std::string(100000, '[') + std::string(100000, ']') +
            "}"}) {
    directory.write("config.json", wrong);
    EXPECT_ERROR(ModelFiles("", directory.file(""), ""),
                 "which is not JSON, expected an object, { ... }: correct it");
  }
  // A file with a hole of more than anybody's tokenizer.
  directory.write("config.json", "{}");
  directory.write("tokenizer.json", "");
  std::filesystem::resize_file(directory.file("tokenizer.json"), 1u << 29);
  EXPECT_ERROR(ModelFiles("", directory.file(""), ""), "expected at most 2^28");
}
