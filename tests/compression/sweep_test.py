"""`spillway compress sweep`: what its cells report, the outputs agree, an interrupted sweep continues, bad input is one line."""

import csv
import json
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

CELLS = "none;bf16;powersgd,approximation_rank=2,min_compression_rate=1;powersgd,approximation_rank=2,min_compression_rate=1,wire=bf16"
NAMES = CELLS.split(";")


def words_of(corpus, out, *more, cells=CELLS, steps=16, **settings):
    settings = {"compression__start_step": 2, **settings}
    model = [word for word in launch.small_model(corpus, "", **settings) if not word.startswith("--run.steps")]
    return ["compress", "sweep", "--out", out, "--cells", cells, "--steps", steps, "--reference-every", 4, *model, *more]


class Sweep(launch.CorpusCase):
    def sweep(self, out, *more, ranks=2, **kwargs):
        return launch.mpi_spillway(ranks, *words_of(self.corpus, out, *more, **kwargs), limit=100)

    def expect_complaint(self, process, *words):
        self.assertEqual(process.returncode, 2, process.stderr)
        lines = launch.complaints(process)
        self.assertEqual(len(lines), 1, process.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def cells(self, out):
        page = json.loads((out / "sweep.json").read_text())
        self.assertEqual([cell["name"] for cell in page["cells"]], NAMES)
        return page, page["cells"]

    def check_cells(self, cells, steps=16):
        none, bf16, powersgd, halved = cells
        self.assertEqual(none["payload_bytes"], none["dense_bytes"])
        self.assertEqual(2 * bf16["payload_bytes"], none["payload_bytes"])
        self.assertLess(powersgd["payload_bytes"], none["payload_bytes"] / 2)
        self.assertEqual(2 * halved["payload_bytes"], powersgd["payload_bytes"])
        for cell in cells:
            self.assertEqual(cell["payload_bytes"], cell["reported_bytes"], cell["name"])
            self.assertEqual((len(cell["loss"]), len(cell["elapsed_seconds"])), (steps, steps))
            self.assertEqual([error["step"] for error in cell["errors"]], list(range(4, steps + 1, 4)))
            self.assertGreater(cell["step_seconds"], cell["exposed_seconds"])
            self.assertLess(cell["loss"][-1], cell["loss"][0])
        self.assertLess(none["relative_l2"], 1e-6)
        self.assertGreater(none["cosine"], 1 - 1e-6)
        self.assertTrue(1e-4 < bf16["relative_l2"] < 5e-3, bf16["relative_l2"])
        self.assertTrue(5e-3 < powersgd["relative_l2"] < 1.5, powersgd["relative_l2"])
        self.assertLess(powersgd["cosine"], bf16["cosine"])
        self.assertEqual((none["error_norm"], bf16["error_norm"]), (0, 0))
        self.assertGreater(powersgd["error_norm"], 0)
        # Same seed, same data: the first step, whose loss is of the initial weights, is the same in all.
        self.assertEqual({cell["loss"][0] for cell in cells}, {none["loss"][0]})

    def test_cells_are_compared_and_all_outputs_agree(self):
        for ranks, stages in ((2, 1), (4, 2)):
            out = self.folder / f"sweep-{ranks}"
            process = self.sweep(out, ranks=ranks, parallel__stages=stages)
            self.assertEqual(process.returncode, 0, process.stderr)
            page, cells = self.cells(out)
            self.assertEqual(page["replicas"], 2)
            self.check_cells(cells)
            with open(out / "sweep.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            self.assertEqual([row["cell"] for row in rows], NAMES)
            with h5py.File(out / "sweep.h5") as file:
                for index, (cell, row) in enumerate(zip(cells, rows)):
                    group = file[f"cells/{index}"]
                    self.assertEqual(list(group["loss"]), cell["loss"])
                    self.assertEqual(list(group["errors/relative_l2"]), [error["relative_l2"] for error in cell["errors"]])
                    for key in ("payload_bytes", "step_seconds", "final_loss"):
                        self.assertAlmostEqual(float(row[key]) / cell[key], 1, places=6)
                        self.assertEqual(group.attrs[key], cell[key])
            table = process.stdout.splitlines()
            self.assertEqual([line.split(" | ")[0].strip() for line in table[1:5]], NAMES)
            self.assertTrue(any(cell["pareto"] for cell in cells))

    def test_an_interrupted_sweep_continues_where_it_stopped(self):
        out = self.folder / "interrupted"
        steps = 120  # long enough to be stopped in
        words = words_of(self.corpus, out, steps=steps)
        running = subprocess.Popen(launch.mpi_command(2, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while not list(out.glob("cells/*.json")) and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        self.assertNotEqual(running.wait(timeout=60), 0)
        finished = {file: (file.stat().st_mtime_ns, file.read_text()) for file in out.glob("cells/*.json")}
        self.assertTrue(0 < len(finished) < len(NAMES), finished)
        self.assertFalse((out / "sweep.json").exists())
        process = self.sweep(out, steps=steps)
        self.assertEqual(process.returncode, 0, process.stderr)
        for file, before in finished.items():
            self.assertEqual((file.stat().st_mtime_ns, file.read_text()), before)
        self.check_cells(self.cells(out)[1], steps)
        # Another cell is added to what is there; another number of steps is another sweep.
        self.assertEqual(self.sweep(out, steps=steps, cells=CELLS + ";powersgd,approximation_rank=1,min_compression_rate=1").returncode, 0)
        self.assertEqual(len(list(out.glob("cells/*.json"))), 5)
        self.expect_complaint(self.sweep(out, steps=121), "run.steps = 120, asked for is 121")

    def test_the_baseline_is_always_there_and_json_is_printed(self):
        process = self.sweep(self.folder / "baseline", "--format", "json", cells="none")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assertEqual([cell["name"] for cell in json.loads(process.stdout)], ["bf16", "none"])

    def test_bad_input_is_one_line(self):
        out = self.folder / "bad"
        for cells, expected in (("powersgdd", 'did you mean "powersgd"?'), ("powersgd,rank=4", "compression.rank"),
                                ("none;none", '"none" twice'), ("powersgd,4", 'not SETTING=VALUE')):
            self.expect_complaint(self.sweep(out, cells=cells), expected)
        self.expect_complaint(self.sweep(out, steps=4), "--steps = 4 leaves too few steps")
        process = launch.mpi_spillway(2, "compress", "sweep", *launch.small_model(self.corpus, ""), limit=40)
        self.expect_complaint(process, "--out is not given")
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
