"""A rank that dies, hangs or reorders its messages: all ranks end within the deadline, and it is said who waits for what from whom."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

FAULTY_RUN = sys.argv.pop()
RANKS = 4
DEADLINE = 4  # seconds
SMALL, LARGE = 100, 1 << 20  # bytes of an edge: MPI sends one eagerly, the other not before it is received


def runs(pid):
    """Not so when it is dead and only not waited for."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def ranks_of(launcher):
    """Process of each rank below a launcher."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if folder.joinpath("comm").read_text().strip() != "spillway" or not descends(int(folder.name), launcher):
                continue
            rank = re.search(rb"OMPI_COMM_WORLD_RANK=(\d+)", folder.joinpath("environ").read_bytes())
        except OSError:
            continue
        found[int(rank[1])] = int(folder.name)
    return found


def descends(pid, ancestor):
    while pid > 1 and pid != ancestor:
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid == ancestor


class Faults(unittest.TestCase):
    def setUp(self):
        self.run = pathlib.Path(tempfile.mkdtemp(prefix="spillway-faults-"))

    def tearDown(self):
        shutil.rmtree(self.run)

    def start(self, fault, edge_bytes):
        command = launch.mpi_command(RANKS, fault, self.run, DEADLINE, edge_bytes, limit=60, binary=FAULTY_RUN)
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, begin, seconds=DEADLINE + 5):
        """What the ranks complained about; all of them ended, in time."""
        out, err = process.communicate(timeout=60)
        self.assertNotEqual(process.returncode, 0, out + err)
        self.assertLess(time.monotonic() - begin, seconds, out + err)
        for rank, pid in self.pids().items():
            while runs(pid):
                self.assertLess(time.monotonic() - begin, seconds, f"rank {rank} still runs\n{err}")
                time.sleep(0.1)
        return err

    def pids(self):
        return {rank: int((self.run / f"pid-{rank}").read_text()) for rank in range(RANKS)}

    def last_action(self, rank):
        lines = (self.run / "logs" / f"rank-{rank}.log").read_text().splitlines()
        return lines[-1].split("Z  ")[1].rstrip()

    def await_steps(self):
        """Until every rank is at work in its first steps."""
        for _ in range(600):
            time.sleep(0.1)
            try:
                if all(re.match(r"\d|waits", self.last_action(rank)) for rank in range(RANKS)):
                    return time.sleep(0.5)
            except (OSError, IndexError):
                pass
        self.fail("the ranks do not begin")

    def test_without_a_fault_it_ends_well(self):
        process = self.start("none", LARGE)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(launch.complaint_lines(err), [])

    def test_a_swapped_pair_of_sends(self):
        for edge_bytes in (SMALL, LARGE):
            with self.subTest(edge_bytes=edge_bytes):
                begin = time.monotonic()
                err = self.finish(self.start("swapped", edge_bytes), begin)
                self.assertRegex(err, r"rank 2.*waits for 2RECV_F2 from rank 1, which sent 1SEND_F3")

    def test_a_missing_receive(self):
        for edge_bytes in (SMALL, LARGE):
            with self.subTest(edge_bytes=edge_bytes):
                begin = time.monotonic()
                err = self.finish(self.start("unreceived", edge_bytes), begin)
                self.assertRegex(err, r"rank 2.*2F3 .*needs 2RECV_F3 from rank 1|waits for 2RECV_F4 from rank 1, which sent 1SEND_F3")

    def test_a_micro_batch_that_one_rank_forgets(self):
        for edge_bytes in (SMALL, LARGE):
            with self.subTest(edge_bytes=edge_bytes):
                begin = time.monotonic()
                err = self.finish(self.start("forgotten", edge_bytes), begin)
                self.assertRegex(err, r"rank 1 waits 4\.\d s for 1RECV_B5 from rank 2")
                self.assertRegex(err, r"rank 3 waits 4\.\d s for 3RECV_F5 from rank 2")
                self.assertRegex(self.last_action(2), "waits for all ranks at the end of the step")

    def test_a_rank_that_hangs_while_it_computes(self):
        begin = time.monotonic()
        err = self.finish(self.start("hang", LARGE), begin)
        self.assertRegex(err, r"rank 1 has been at 1F3 for 4\.\d s")
        self.assertRegex(err, r"rank 2 waits 4\.\d s for 2RECV_F3 from rank 1")
        self.assertRegex(err, str(self.run / "logs"))

    def interrupt(self, kind):
        process = self.start("endless", LARGE)
        self.await_steps()
        begin = time.monotonic()
        os.kill(self.pids()[1], kind)
        return self.finish(process, begin)

    def test_a_stopped_rank(self):
        err = self.interrupt(signal.SIGSTOP)
        self.assertRegex(err, r"rank (0|2) waits 4\.\d s for \d(RECV|SEND)_[FB]\d (from|to) rank 1|all ranks at the end of the step")
        for rank in range(RANKS):
            self.assertRegex(self.last_action(rank), r"^(waits for )?\d[A-Z]|all ranks")

    def test_a_killed_rank(self):
        self.interrupt(signal.SIGKILL)
        for rank in range(RANKS):
            self.assertRegex(self.last_action(rank), r"^(waits for )?\d[A-Z]|all ranks")


class TrainingFaults(unittest.TestCase):
    """Two replicas of two stages, on a model whose steps take milliseconds."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-faults-"))
        settings = launch.small_model(launch.build_corpus(self.folder), self.folder / "run", run__steps=1000000, run__trace_every=0,
                                      parallel__stages=2, parallel__deadline_seconds=DEADLINE)
        self.process = subprocess.Popen(launch.mpi_command(RANKS, "train", *settings, limit=90), text=True, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def interrupt_rank_2(self, kind):
        """stderr of the run, which ended on all ranks and in time."""
        metrics = self.folder / "run" / "metrics.jsonl"
        while not metrics.exists() or metrics.read_text().count("\n") < 5:
            self.assertIsNone(self.process.poll(), "ended before its fifth step")
            time.sleep(0.1)
        ranks = ranks_of(self.process.pid)
        self.assertEqual(sorted(ranks), list(range(RANKS)))
        begin = time.monotonic()
        os.kill(ranks[2], kind)
        _, err = self.process.communicate(timeout=60)
        self.assertNotEqual(self.process.returncode, 0, err)
        while any(map(runs, ranks.values())):
            time.sleep(0.1)
        self.assertLess(time.monotonic() - begin, DEADLINE + 5, err)
        for rank in range(RANKS):
            self.assertRegex((self.folder / "run" / "logs" / f"rank-{rank}.log").read_text(), "Z  the update of step")
        return err

    def test_a_stopped_rank(self):
        err = self.interrupt_rank_2(signal.SIGSTOP)
        self.assertRegex(err, r"rank [013] waits 4\.\d s for (\d(RECV|SEND)_[FB]\d (from|to) rank 2|the (vote|gradients) of all)")

    def test_a_killed_rank(self):
        err = self.interrupt_rank_2(signal.SIGKILL)
        self.assertRegex(err, r"rank [013] waits 0\.\d s for (\d(RECV|SEND)_[FB]\d (from|to) rank 2|the (vote|gradients) of all).*asked to end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
