"""Trains over four pretend hosts (scripts/lab) and gets the same bits as on one."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

LAB = pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "scripts" / "lab"
ENVIRONMENT = os.environ | {"SPILLWAY_LAB": "lab-train-test"}


def lab(*words, limit=200):
    return subprocess.run(["timeout", "-k", "5", str(limit), LAB, *map(str, words)], text=True, capture_output=True, env=ENVIRONMENT)


class LabTraining(unittest.TestCase):
    def test_four_hosts_give_the_bits_of_one(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-lab-train-"))
        self.addCleanup(shutil.rmtree, folder)
        corpus = launch.build_corpus(folder)
        settings = dict(parallel__stages=2, data__mutation__rate=0.3, compression__method="powersgd", compression__start_step=2)
        here, there = folder / "here", folder / "there"
        process = launch.mpi_spillway(4, "train", *launch.small_model(corpus, here, **settings))
        self.assertEqual(process.returncode, 0, process.stderr)
        process = lab("run", "-np", 4, launch.BINARY, "train", *launch.small_model(corpus, there, **settings))
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        self.assertIn("lab-train-test-4", (there / "run.json").read_text())
        checkpoints = [next((run / "checkpoints").glob("step-*[0-9]")) for run in (here, there)]
        process = launch.spillway("checkpoint", "diff", *checkpoints)
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)


if __name__ == "__main__":
    up = lab("up", 4, "--rate", "1gbit")
    if up.returncode == 77:
        print("skipped:", up.stderr.strip())
        sys.exit(77)
    if up.returncode != 0:
        sys.exit(up.stderr)
    try:
        unittest.main()
    finally:
        lab("down")
