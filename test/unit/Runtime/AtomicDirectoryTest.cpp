#include "AtomicDirectory.h"

#include "Support.h"

#include <fcntl.h>
#include <map>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pprt;
namespace fs = std::filesystem;

namespace {
/// Names of files below a directory, and what is in them.
using Tree = std::map<std::string, std::string>;
} // namespace

static Tree treeOf(const std::string &directory) {
  Tree tree;
  for (auto &entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file())
      tree[fs::relative(entry.path(), directory).string()] =
          readFile(entry.path().string());
  return tree;
}

static void writeTree(const std::string &directory, const Tree &tree) {
  for (auto &[name, text] : tree) {
    fs::create_directories(fs::path(directory + "/" + name).parent_path());
    std::ofstream(directory + "/" + name, std::ios::binary) << text;
  }
}

static void save(const std::string &directory, const Tree &tree) {
  AtomicDirectory target(directory, "--save");
  writeTree(target.folder(), tree);
  target.commit();
}

static Tree shards(const std::string &text, int count) {
  Tree tree;
  std::string map;
  for (int i = 1; i <= count; ++i) {
    const std::string name = "model-0000" + std::to_string(i) + "-of-0000" +
                             std::to_string(count) + ".safetensors";
    tree[name] = text + std::to_string(i);
    map += (i > 1 ? ", " : "") + ("\"" + text + std::to_string(i)) + "\": \"" +
           name + "\"";
  }
  tree["model.safetensors.index.json"] = "{\"weight_map\": {" + map + "}}";
  tree["config.json"] = "config";
  return tree;
}

static Tree single(const std::string &text) {
  return {{"model.safetensors", text}, {"config.json", "config"}};
}

/// What a reader finds: the text of all weights, empty if there are none, "?"
/// if a file is missing.
static std::string weightsIn(const std::string &directory) {
  Tree tree = treeOf(directory);
  if (tree.count("model.safetensors"))
    return tree["model.safetensors"];
  std::string result;
  const std::string index = tree["model.safetensors.index.json"];
  for (size_t at = 0; (at = index.find("\": \"", at)) != std::string::npos;) {
    at += 4;
    const std::string name = index.substr(at, index.find('"', at) - at);
    result += tree.count(name) ? tree[name] : "?";
  }
  return result;
}

TEST(AtomicDirectory, IsWholeAndLeavesNothingBeside) {
  TemporaryDirectory parent;
  const std::string path = parent.file("a/b/model/");
  save(path, single("one"));
  EXPECT_EQ(treeOf(path), single("one"));
  save(path, shards("two", 3));
  EXPECT_EQ(treeOf(path), shards("two", 3));
  save(path, shards("three", 2));
  EXPECT_EQ(treeOf(path), shards("three", 2));
  save(path, single("four"));
  EXPECT_EQ(treeOf(path), single("four"));
  EXPECT_EQ(treeOf(parent.file("")).size(), 2u);
  EXPECT_EQ(fs::status(path).permissions(),
            fs::status(parent.file("a")).permissions());
}

TEST(AtomicDirectory, OtherFilesStay) {
  TemporaryDirectory parent;
  Tree others = {{"README.md", "mine"}, {"metrics.jsonl", "{}"}};
  writeTree(parent.file("model"), others);
  writeTree(parent.file("model"), shards("old", 4));
  // A file that is open for writing goes on being written.
  std::ofstream open(parent.file("model/metrics.jsonl"), std::ios::app);
  save(parent.file("model"), single("new"));
  open << "more" << std::flush;
  others["metrics.jsonl"] += "more";
  others.merge(single("new"));
  EXPECT_EQ(treeOf(parent.file("model")), others);
  EXPECT_EQ(parent.count(), 1u);
  // Folders as well.
  others["runs/1/log"] = "log";
  writeTree(parent.file("model"), {{"runs/1/log", "log"}});
  save(parent.file("model"), single("newer"));
  others["model.safetensors"] = "newer";
  EXPECT_EQ(treeOf(parent.file("model")), others);
  EXPECT_EQ(parent.count(), 1u);
}

TEST(AtomicDirectory, LinksAndTheWorkingDirectory) {
  TemporaryDirectory parent;
  fs::create_directories(parent.file("real"));
  fs::create_directory_symlink("real", parent.file("link"));
  save(parent.file("link"), single("a"));
  EXPECT_TRUE(fs::is_symlink(parent.file("link")));
  EXPECT_EQ(treeOf(parent.file("real")), single("a"));
  const fs::path before = fs::current_path();
  fs::current_path(parent.file("real"));
  save(".", shards("b", 2));
  EXPECT_EQ(treeOf("."), shards("b", 2));
  fs::current_path(before);
}

TEST(AtomicDirectory, WhatIsNotCommittedGoes) {
  TemporaryDirectory parent;
  {
    AtomicDirectory target(parent.file("a/b"), "--save");
    writeTree(target.folder(), single("x"));
  }
  EXPECT_EQ(parent.count(), 0u);
  save(parent.file("a"), single("x"));
  {
    AtomicDirectory target(parent.file("a"), "--save");
    writeTree(target.folder(), single("y"));
  }
  EXPECT_EQ(treeOf(parent.file("")),
            (Tree{{"a/model.safetensors", "x"}, {"a/config.json", "config"}}));
}

TEST(AtomicDirectory, NoPlace) {
  TemporaryDirectory parent;
  parent.write("file", "x");
  EXPECT_ERROR(AtomicDirectory(parent.file("file"), "--save"), "--save");
  EXPECT_ERROR(AtomicDirectory(parent.file("file/b"), "--save"),
               "cannot make the directory");
  EXPECT_ERROR(AtomicDirectory("/proc/none", "--save"),
               "cannot make the directory '/proc/none' of --save");
  EXPECT_EQ(parent.count(), 1u);
}

/// Saves in a child that is killed at the `stop`-th system call of its commit.
/// False once it ends before that.
static bool saveUntil(int stop, const std::string &directory,
                      const Tree &tree) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
      _exit(99);
    raise(SIGSTOP);
    try {
      AtomicDirectory target(directory, "--save");
      writeTree(target.folder(), tree);
      raise(SIGSTOP);
      target.commit();
    } catch (const Error &) {
      _exit(98);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSTOPPED(status)) {
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL);
    ptrace(PTRACE_CONT, child, nullptr, nullptr);
    waitpid(child, &status, 0);
  }
  for (int calls = 0; WIFSTOPPED(status); ++calls) {
    if (calls == stop) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return true;
    }
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    waitpid(child, &status, 0);
  }
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return false;
}

static bool canTrace() {
  const pid_t child = fork();
  if (child == 0)
    _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Kills at every `stride`th system call from the `first` on, from `old` to
/// `fresh`, with other files in the directory; `wholly`: the whole directory is
/// one or the other.
static void killEverywhere(const Tree &others, const Tree &old,
                           const Tree &fresh, bool wholly, int stride = 1,
                           int first = 0) {
  Tree before = old, after = fresh, last = single("last");
  for (Tree *tree : {&before, &after, &last})
    tree->insert(others.begin(), others.end());
  TemporaryDirectory reference(memoryPath());
  writeTree(reference.file("before"), before);
  writeTree(reference.file("after"), after);
  const std::string oldWeights = weightsIn(reference.file("before"));
  const std::string newWeights = weightsIn(reference.file("after"));
  int stop = first, seen = 0;
  for (bool isKilled = true; isKilled; stop += stride) {
    TemporaryDirectory parent(memoryPath());
    const std::string path = parent.file("model");
    writeTree(path, before);
    isKilled = saveUntil(stop, path, fresh);
    const std::string found = weightsIn(path);
    EXPECT_TRUE(found == oldWeights || found == newWeights)
        << stop << ": " << found;
    seen |= found == oldWeights ? 1 : 2;
    Tree tree = treeOf(path);
    if (wholly) {
      EXPECT_TRUE(tree == before || tree == after) << stop;
    }
    for (auto &[name, text] : others)
      EXPECT_EQ(tree[name], text) << stop;
    // The next save goes over whatever is left.
    save(path, single("last"));
    EXPECT_EQ(treeOf(path), last) << stop;
    EXPECT_EQ(parent.count(), 1u) << stop;
  }
  EXPECT_EQ(seen, 3);
  EXPECT_GT(stop, 20);
}

TEST(AtomicDirectory, KilledAtAnyMomentItIsOldOrNew) {
  if (!canTrace())
    GTEST_SKIP() << "a process may not trace its child here";
  const Tree others = {{"README.md", "mine"}};
  killEverywhere(others, shards("old", 2), shards("new", 2), true);
  killEverywhere({}, single("old"), shards("new", 2), true);
}

TEST(AtomicDirectory, KilledAtAnyMomentWeightsAreOldOrNew) {
  if (!canTrace())
    GTEST_SKIP() << "a process may not trace its child here";
  // A folder inside: files are renamed one by one.
  const Tree others = {{"runs/log", "mine"}};
  killEverywhere(others, single("old"), shards("new", 2), false, 3, 0);
  killEverywhere(others, shards("old", 2), single("new"), false, 3, 1);
  killEverywhere(others, shards("old", 2), shards("new", 2), false, 3, 2);
  killEverywhere(others, shards("old", 3), shards("new", 2), false, 3, 1);
}

TEST(AtomicDirectory, KilledTwiceItIsStillOldOrNew) {
  if (!canTrace())
    GTEST_SKIP() << "a process may not trace its child here";
  // Shards over shards over shards: what the first has set aside is not taken
  // for what the second sets aside.
  bool isKilled = true;
  for (int first = 1; isKilled; first += 13) {
    TemporaryDirectory parent(memoryPath());
    const std::string path = parent.file("model");
    writeTree(path, {{"runs/log", "mine"}});
    writeTree(path, shards("a", 2));
    isKilled = saveUntil(first, path, shards("b", 2));
    const std::string left = weightsIn(path);
    EXPECT_TRUE(left == "a1a2" || left == "b1b2") << first << ": " << left;
    for (int second = 1; saveUntil(second, path, shards("c", 2));
         second += 19) {
      const std::string found = weightsIn(path);
      EXPECT_TRUE(found == left || found == "c1c2")
          << first << ", " << second << ": " << found;
    }
    EXPECT_EQ(weightsIn(path), "c1c2");
  }
}
