"""`spillway stress`: a closed-loop run reports what it sustained, as table and as JSON, and leaves no files."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
import launch


class Stress(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-stress-"))
        self.words = launch.small_model(launch.build_corpus(self.folder), self.folder / "run", parallel__stages=2,
                                        stress__steps=8, stress__warmup_steps=2)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def test_json_is_consistent_with_itself(self):
        out = self.folder / "stress.json"
        process = launch.mpi_spillway(4, "stress", *self.words, "--format", "json", "--out", out)
        self.assertEqual(process.returncode, 0, process.stderr)
        result = json.loads(process.stdout)
        self.assertEqual(result, json.loads(out.read_text()))
        self.assertEqual((result["steps"], result["warmup_steps"], result["skipped"]), (8, 2, 0))
        low, high = result["tokens_per_second_95"]
        self.assertTrue(0 < low <= result["tokens_per_second"] <= high)
        self.assertTrue(result["step_ms"]["p50"] <= result["step_ms"]["p90"] <= result["step_ms"]["p99"])
        self.assertEqual(len(result["idle_share"]), 4)
        self.assertTrue(all(0 <= share < 1 for share in result["idle_share"]))
        self.assertFalse((self.folder / "run").exists())

    def test_table_names_what_it_shows(self):
        process = launch.mpi_spillway(2, "stress", *self.words)
        self.assertEqual(process.returncode, 0, process.stderr)
        for word in ("sustained", "tokens/s", "p99", "idle", "rank 1", "8 steps after 2 of warm-up"):
            self.assertIn(word, process.stdout)

    def test_unknown_format_is_refused(self):
        process = launch.mpi_spillway(2, "stress", *self.words, "--format", "xml")
        self.assertEqual(process.returncode, 2)
        self.assertEqual(len(launch.complaints(process)), 1)


if __name__ == "__main__":
    unittest.main()
