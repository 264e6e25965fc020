//===- MpiEnvironment.h - Settings of Open MPI before MPI_Init ------------===//
#ifndef PPRT_MPIENVIRONMENT_H
#define PPRT_MPIENVIRONMENT_H

namespace pprt {

/// Whether the user has told MPI not to read another process's memory.
bool singleCopyForbidden();

/// Whether a process may read another's memory (process_vm_readv), which lets
/// MPI move a large message with one copy by the receiver alone. Containers
/// and ptrace restrictions can forbid it.
bool singleCopyPossible();

/// Sets OMPI_MCA_* variables that the user has not set: yield while MPI itself
/// waits; and when all ranks are on one node, shared memory only, since looking
/// for networks costs start-up time and prints warnings.
void prepareMpiEnvironment(bool singleCopy);

/// Whether the ranks of a node may use memory that they share: not if the user
/// has chosen ways for MPI's messages without it.
bool sharedMemoryAllowed();

} // namespace pprt

#endif // PPRT_MPIENVIRONMENT_H
