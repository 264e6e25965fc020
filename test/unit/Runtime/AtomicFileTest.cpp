#include "AtomicFile.h"

#include "Support.h"

using namespace pprt;

TEST(AtomicFile, AppearsWholeOrNotAtAll) {
  TemporaryDirectory directory;
  std::string path = directory.write("out", "old");
  {
    AtomicFile file(path);
    file.write("half");
    EXPECT_EQ(readFile(path), "old");
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(directory.count(), 1u);
  AtomicFile file(path);
  file.write("new ");
  file.write("text");
  file.commit();
  EXPECT_EQ(readFile(path), "new text");
  EXPECT_EQ(directory.count(), 1u);
  EXPECT_ERROR(AtomicFile(directory.file("none/out")), "cannot create a file");
}

TEST(AtomicFile, CanTellBeforehand) {
  TemporaryDirectory directory;
  checkCanCreate(directory.file("out"));
  checkCanCreate(directory.write("there", "old"));
  EXPECT_EQ(directory.count(), 1u);
  EXPECT_ERROR(checkCanCreate(directory.file("none/out")), "cannot create");
  EXPECT_ERROR(checkCanCreate(directory.file("")), "no regular file");
}
