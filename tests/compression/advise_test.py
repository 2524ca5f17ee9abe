"""`spillway compress advise`: under mpirun and alone, numbers that agree with each other, a verdict, bad input in one line."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

CELLS = "none;powersgd,approximation_rank=1,min_compression_rate=1"


class Advise(launch.CorpusCase):
    def words(self, *more, **settings):
        model = launch.small_model(self.corpus, "", model__hidden=64, compression__bucket_mib=0.1, **settings)
        return ["compress", "advise", "--cells", CELLS, *model, *more]

    def advice(self, *more, ranks=2, **settings):
        process = launch.mpi_spillway(ranks, *self.words("--format", "json", *more, **settings), limit=100)
        self.assertEqual(process.returncode, 0, process.stderr)
        page = json.loads(process.stdout)
        self.assertEqual([one["name"] for one in page["methods"]], ["bf16", *CELLS.split(";")])
        return page, {one["name"].split(",")[0]: one for one in page["methods"]}

    def test_the_present_link_is_measured(self):
        for ranks, stages in ((2, 1), (4, 2)):
            page, methods = self.advice(ranks=ranks, parallel__stages=stages)
            self.assertTrue(page["link"]["measured"])
            self.assertEqual((page["link"]["replicas"], page["link"]["hosts"]), (2, 1))
            self.assertEqual(methods["none"]["payload_bytes"], 2 * methods["bf16"]["payload_bytes"])
            self.assertLess(methods["powersgd"]["payload_bytes"], methods["bf16"]["payload_bytes"])
            least = page["base"]["compute_seconds"]
            for one in page["methods"]:
                self.assertGreaterEqual(one["step_seconds"], one["exposed_seconds"])
            self.assertGreater(min(one["step_seconds"] for one in page["methods"]), 0.9 * least)

    def test_a_slow_link_makes_compression_pay_and_a_fast_one_does_not(self):
        slow, methods = self.advice("--bandwidth", "1Mbit", "--latency", "1us")
        self.assertEqual(slow["best"].split(",")[0], "powersgd")
        self.assertIn("pays", slow["verdict"])
        self.assertNotIn("does not pay", slow["verdict"])
        self.assertGreater(methods["powersgd"]["pays_below_bits_per_second"], 1e6)
        # One host sends payload over 1 Mbit/s at 1448 of 1514 bytes; what bf16 exchanges beside the step is little of it.
        wire = 8 * methods["bf16"]["payload_bytes"] / 1e6 * 1514 / 1448
        self.assertAlmostEqual(methods["bf16"]["wire_seconds"], wire, delta=0.01 * wire)
        self.assertGreater(methods["bf16"]["step_seconds"], wire)
        fast, _ = self.advice("--bandwidth", "1000Gbit", "--latency", "1us")
        self.assertIn("compression does not pay here", fast["verdict"])

    def test_what_if_follows_the_closed_form_of_the_ring(self):
        _, two = self.advice("--bandwidth", "10Mbit", "--latency", "1us", "--replicas", "2")
        _, many = self.advice("--bandwidth", "10Mbit", "--latency", "1us", "--replicas", "64", "--hosts", "8")
        ratio = many["none"]["wire_seconds"] / two["none"]["wire_seconds"]
        self.assertAlmostEqual(ratio, 2 * 63 / 64, delta=0.02)

    def test_alone_a_link_must_be_described(self):
        process = launch.spillway(*self.words("--bandwidth", "100Mbit", "--latency", "50us", "--replicas", "8"))
        self.assertEqual(process.returncode, 0, process.stderr)
        for word in ("8 replicas on 8 hosts", "powersgd", "pays below", "layers.*", "mix of each group's best"):
            self.assertIn(word, process.stdout)
        for more, expected in (((), "one replica has no link to measure"),
                               (("--bandwidth", "10", "--latency", "1us", "--replicas", "2"), '--bandwidth = "10"'),
                               (("--bandwidth", "1Gbit", "--latency", "5h", "--replicas", "2"), "units: us, ms, s"),
                               (("--bandwidth", "1Gbit", "--latency", "5us", "--replicas", "6", "--hosts", "4"), "does not divide"),
                               (("--bandwidth", "1Gbit", "--latency", "5us"), "--replicas = 1")):
            process = launch.spillway(*self.words(*more))
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertEqual(process.stderr.count("\n"), 1)
            self.assertIn(expected, process.stderr)


if __name__ == "__main__":
    unittest.main()
