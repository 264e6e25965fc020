//===- ProgramCollectives.h - Who does a program's collectives --*- C++ -*-===//
//
// The collectives of a program, or of layers, go over groups of the mesh, each
// with a communicator of the kind that the backend needs. All ranks make
// communicators for the groups of all programs, in one order, also for those
// that their own program does not meet in.
//
//===----------------------------------------------------------------------===//
#ifndef PPRT_PROGRAMCOLLECTIVES_H
#define PPRT_PROGRAMCOLLECTIVES_H

#include "Communicator.h"
#include "Description.h"

#include <memory>
#include <vector>

namespace pprt {

template <typename CommunicatorT> class ProgramCollectives {
public:
  /// Together with all other ranks. `groups` are the axes of those of all
  /// ranks, `own` the collectives of this one; `create` makes a communicator of
  /// a group with so many requests.
  template <typename CreateT>
  ProgramCollectives(const Mesh &mesh, int rank,
                     const std::vector<std::vector<std::string>> &groups,
                     const std::vector<ProgramCollective> &own,
                     const CreateT &create) {
    places.resize(own.size());
    for (const std::vector<std::string> &axes : groups) {
      int requests = 0;
      for (size_t i = 0; i < own.size(); ++i)
        if (own[i].axes == axes)
          places[i] = {int(communicators.size()), requests++};
      communicators.push_back(create(Group::along(mesh, rank, axes), requests));
      CommunicatorT &made = *communicators.back();
      for (size_t i = 0; i < own.size(); ++i)
        if (own[i].axes == axes)
          made.prepare(places[i].request, own[i].over(made.size()));
    }
  }

  void start(int collective, const void *in, void *out, void *workspace) {
    of(collective).start(requestOf(collective), in, out, workspace);
  }
  TransferTimes wait(int collective) {
    return of(collective).wait(requestOf(collective));
  }
  /// See Communicator: whether no memory of it is used any more.
  bool abort() {
    bool isFree = true;
    for (auto &communicator : communicators)
      isFree &= communicator->abort();
    return isFree;
  }

  auto begin() { return communicators.begin(); }
  auto end() { return communicators.end(); }

private:
  struct Place {
    int communicator = 0, request = 0;
  };
  CommunicatorT &of(int collective) {
    return *communicators[size_t(places[size_t(collective)].communicator)];
  }
  int requestOf(int collective) const {
    return places[size_t(collective)].request;
  }

  std::vector<std::unique_ptr<CommunicatorT>> communicators;
  std::vector<Place> places; ///< by collective
};

} // namespace pprt

#endif // PPRT_PROGRAMCOLLECTIVES_H
