//===- Semantics.h - What a transport promises ------------------*- C++ -*-===//

#ifndef PP_COMMUNICATION_SEMANTICS_H
#define PP_COMMUNICATION_SEMANTICS_H

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace pp::communication {

/// When a transfer that both sides have posted or wait for is done. Programs
/// that end under `Rendezvous` also end under `Buffered`, and programs that end
/// under `FifoPerEdge` end under both, with tags or without.
enum class Semantics {
  /// A send at once, into a buffer; a receive when its send is posted. Matched
  /// by tag.
  Buffered,
  /// When both sides are posted. Matched by tag (MPI).
  Rendezvous,
  /// As Rendezvous, in the order in which each side posts on a directed edge.
  /// There are no tags (one NCCL communicator an edge).
  FifoPerEdge,
};

/// In the order of the enumeration, as options spell them.
inline constexpr std::array<std::string_view, 3> kSemanticsNames = {
    "buffered", "rendezvous", "fifo-per-edge"};

std::optional<Semantics> parseSemantics(std::string_view name);
std::string_view toString(Semantics semantics);

/// "buffered, rendezvous or fifo-per-edge", for messages.
std::string listSemantics();

} // namespace pp::communication

#endif // PP_COMMUNICATION_SEMANTICS_H
