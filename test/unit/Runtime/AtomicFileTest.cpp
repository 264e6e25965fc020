#include "AtomicFile.h"

#include "Support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pprt;

TEST(AtomicFile, AppearsWholeOrNotAtAll) {
  TemporaryDirectory directory;
  std::string path = directory.write("out", "old");
  {
    AtomicFile file(path);
    file.write("half");
    EXPECT_EQ(readFile(path), "old");
    // Where the file system can: nothing to see, whatever ends the process.
    int probe = open(directory.file("").c_str(), O_TMPFILE | O_WRONLY, 0600);
    EXPECT_EQ(directory.count(), probe >= 0 ? 1u : 2u);
    close(probe);
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(directory.count(), 1u);
  AtomicFile file(path);
  file.write("new ");
  file.write("text");
  file.commit();
  EXPECT_EQ(readFile(path), "new text");
  mode_t mask = umask(0);
  umask(mask);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0666 & ~mask);
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
