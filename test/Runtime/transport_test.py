"""The MPI transport with 2 to 4 ranks, with and without the single copy."""
import re
import unittest

from support import SANITIZED, Case, mpirun, program


class Transport(Case):
    def check(self, ranks, **variables):
        result = self.assertFine(mpirun(ranks, [program("pprt-transport-test")], **variables))
        self.assertEqual(result.out.count("all checks passed"), ranks, str(result))
        # A rank that waits for a second must leave its core to others.
        waiting = [float(x) for x in re.findall(r"waiting used ([\d.]+)%", result.out)]
        self.assertEqual(len(waiting), ranks - 1, str(result))
        if not SANITIZED:
            self.assertLess(max(waiting), 8, str(result))

    def test_2_ranks(self):
        self.check(2)

    def test_4_ranks_on_fewer_cores(self):
        self.check(4)

    def test_copies_in_pieces(self):
        # What containers get that forbid process_vm_readv.
        self.check(3, OMPI_MCA_btl_vader_single_copy_mechanism="none")

    def test_tcp(self):
        # What ranks on other nodes get, as far as one node can show it.
        self.check(3, OMPI_MCA_btl="self,tcp")


if __name__ == "__main__":
    unittest.main(verbosity=2)
