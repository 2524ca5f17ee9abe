"""What the program writes is what others read: TensorBoard's own reader, plain JSON, and the report's rule for resumed runs."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "scripts"))
import run_folder  # noqa: E402

LOSS = "loss_metrics/global_avg_loss"


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name) / "demo"
        subprocess.run([sys.argv[1], cls.path], check=True, timeout=60)
        cls.lines = [json.loads(line) for line in (cls.path / "metrics.jsonl").read_text().splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_tensorboard_reads_the_same_numbers_and_forgets_what_the_killed_run_did(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(str(self.path / "tb"), size_guidance={"scalars": 0})
        events.Reload()
        shown = {scalar.step: scalar.value for scalar in events.Scalars(LOSS)}
        current = {row["step"]: row[LOSS] for row in run_folder.current_steps(self.lines)}
        self.assertEqual(set(shown), {step for step, loss in current.items() if loss is not None})
        for step, loss in shown.items():
            self.assertAlmostEqual(loss, current[step], places=5)
        self.assertIn("throughput/total(tps)", events.Tags()["scalars"])

    def test_every_record_has_the_right_checksums(self):
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        for path in (self.path / "tb").iterdir():
            events = list(EventFileLoader(str(path)).Load())
            self.assertEqual(events[0].file_version, "brain.Event:2")
            self.assertGreater(len(events), 90)

    def test_a_resumed_run_appends_and_readers_keep_the_current_curve(self):
        self.assertEqual(len(self.lines), 130 + 100)
        rows = run_folder.current_steps(self.lines)
        self.assertEqual([row["step"] for row in rows], list(range(1, 201)))
        self.assertEqual(rows[110], self.lines[130 + 10])

    def test_evaluations_beyond_a_resume_are_cancelled(self):
        run = run_folder.read_run(self.path)
        self.assertEqual(run.evaluations()[0], list(range(25, 201, 25)))
        run.events = run.events[:next(i for i, event in enumerate(run.events) if event["event"] == "resume") + 1]
        self.assertEqual(run.evaluations()[0], [25, 50, 75, 100])

    def test_a_loss_that_is_not_finite_is_null(self):
        self.assertIsNone(self.lines[59][LOSS])
        self.assertTrue(math.isfinite(self.lines[59]["grad_norm"]))

    def test_run_json_knows_every_start(self):
        starts = json.loads((self.path / "run.json").read_text())["starts"]
        self.assertEqual([start["first_step"] for start in starts], [0, 100])
        self.assertEqual(starts[0]["command"][:2], ["spillway", "train"])

    def test_events_are_in_order(self):
        events = [json.loads(line) for line in (self.path / "events.jsonl").read_text().splitlines()]
        self.assertEqual([event["event"] for event in events][:3], ["start", "evaluation", "evaluation"])
        self.assertEqual(sorted(event["time"] for event in events), [event["time"] for event in events])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
