"""Two pretend hosts with a shaped link: `spillway compress advise` foretells what `compress sweep` measures there. A short run on a
machine that does other things too, so the bars are wide; tests/bench/advise_bench.py is the measurement."""

import pathlib
import sys
import unittest

import predicted_and_measured as truth

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

MODEL = dict(model__hidden=96, model__heads=4, model__sequence_length=64, compression__bucket_mib=0.5, compression__start_step=2)
CELLS = "bf16;none;powersgd,approximation_rank=2"


class AdviseTruth(launch.CorpusCase):
    def test_a_slow_link_is_foretold(self):
        result = truth.compare(self.corpus, "20mbit", CELLS, MODEL, steps=14, limit=120)
        print(truth.table(result))
        self.assertTrue(0.7 < result["link"]["bits_per_second"] / 20e6 < 1.3, result["link"])
        for row in result["cells"]:
            self.assertLess(abs(row["error"]), 0.4, row)
        self.assertTrue(result["winner_right"])
        self.assertIn("powersgd", result["winner"])


if __name__ == "__main__":
    try:
        truth.Hosts(2, "20mbit").down()
    except truth.NoLab as reason:
        print("skipped:", reason)
        sys.exit(77)
    unittest.main()
