"""spillway comm under mpirun: the numbers agree with each other, the table reads like nccl-tests, mistakes are named."""

import json
import os
import subprocess
import sys
import unittest

SPILLWAY = sys.argv[1]
RING_SHARE = {"all_reduce": lambda n: 2 * (n - 1) / n, "all_gather": lambda n: (n - 1) / n,
              "reduce_scatter": lambda n: (n - 1) / n, "all_to_all": lambda n: (n - 1) / n, "broadcast": lambda n: 1, "send_recv": lambda n: 1}


def comm(ranks, *words):
    command = ["timeout", "-k", "5", "70", os.environ["SPILLWAY_MPIRUN"], "-np", str(ranks), "--oversubscribe", "--bind-to", "none",
               "--timeout", "60", SPILLWAY, "comm", *words]
    return subprocess.run(command, text=True, capture_output=True)


def results(ranks, *words):
    done = comm(ranks, "--format", "json", "--iterations", "3", "--warmup", "1", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class CommCommand(unittest.TestCase):
    def test_bandwidths_follow_from_size_and_time(self):
        for ranks in (1, 2, 3):
            page = results(ranks, "--min-bytes", "1200", "--max-bytes", "120000", "--step-factor", "10")
            self.assertEqual((page["backend"], page["ranks"]), ("mpi", ranks))
            sizes = {}
            for one in page["results"]:
                self.assertEqual(one["wrong"], 0, one)
                if one["operation"] == "barrier":
                    continue
                sizes.setdefault(one["operation"], []).append(one["size_bytes"])
                self.assertEqual(one["count"] * 4, one["size_bytes"])
                self.assertAlmostEqual(one["algbw_gb_per_s"], one["size_bytes"] / one["time_us"] / 1e3, places=9)
                share = RING_SHARE[one["operation"]](ranks)
                self.assertAlmostEqual(one["busbw_gb_per_s"], one["algbw_gb_per_s"] * share, places=9)
            self.assertEqual(set(sizes), set(RING_SHARE))
            self.assertTrue(all(measured == [1200, 12000, 120000] for measured in sizes.values()), sizes)

    def test_every_type_is_measured_and_checked(self):
        for name in ("fp32", "bf16", "fp16", "int32", "int64", "uint8"):
            for one in results(2, "--type", name, "--min-bytes", "4K", "--max-bytes", "4K", "--raw")["results"]:
                self.assertEqual((one["type"], one["wrong"]), (name, 0))
                without_raw = name in ("bf16", "fp16") and one["operation"] in ("all_reduce", "reduce_scatter")
                self.assertEqual("ratio" in one, not without_raw, one)

    def test_the_table_has_the_columns_of_nccl_tests(self):
        done = comm(2, "--operations", "all_reduce", "--min-bytes", "64", "--max-bytes", "64", "--iterations", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertIn("backend mpi, 2 ranks, 2 iterations", lines[0])
        self.assertEqual(lines[1].split(), ["#", "operation", "size", "count", "type", "time", "algbw", "busbw", "#wrong"])
        self.assertEqual(lines[3].split()[:4], ["all_reduce", "64", "16", "fp32"])
        self.assertEqual(len(lines), 4)

    def test_overlap_is_reported(self):
        overlap = results(2, "--operations", "barrier", "--max-bytes", "1M", "--overlap")["overlap"]
        parts = [overlap[key] for key in ("communication_us", "computation_us", "both_us")]
        hidden = (parts[0] + parts[1] - parts[2]) / min(parts[:2])
        self.assertAlmostEqual(overlap["hidden"], hidden, places=6)
        self.assertEqual(overlap["size_bytes"], 1 << 20)

    def test_a_limit_that_is_passed_gives_exit_code_1(self):
        words = ["--operations", "all_reduce", "--min-bytes", "1M", "--max-bytes", "1M", "--iterations", "3", "--raw", "--raw-limit"]
        done = comm(2, *words, "0.001")
        self.assertEqual(done.returncode, 1)
        self.assertIn("times as long as blocking MPI, --raw-limit is 0.001", done.stderr)
        self.assertEqual(comm(2, *words, "1000").returncode, 0)

    def test_mistakes_are_named_once_with_exit_code_2(self):
        for words, complaint in [(("--operations", "all_redcue"), 'did you mean "all_reduce"?'),
                                 (("--min-bytes", "8X"), '--min-bytes = "8X" is not a size'),
                                 (("--min-bytes", "2M", "--max-bytes", "1M"), "--min-bytes = 2097152 is more than"),
                                 (("--type", "fp8"), '--type = "fp8" is not one of'),
                                 (("--step-factor", "1"), "--step-factor = 1 is not in 2..1000000"),
                                 (("--raw-limit", "1.1"), "--raw-limit needs --raw"),
                                 (("--format", "xml"), '--format = "xml" is not one of table | json'),
                                 (("--backend", "mpl"), 'did you mean "mpi"?')]:
            done = comm(2, *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(done.stderr.count(complaint), 1, done.stderr)

    def test_nccl_without_devices_says_so(self):
        done = comm(2, "--backend", "nccl", "--max-bytes", "8")
        if done.returncode == 0:
            self.skipTest("every rank has a CUDA device")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "no CUDA device: rank 0|this build has no CUDA")

    def test_help_explains_the_options(self):
        done = subprocess.run([SPILLWAY, "comm", "--help"], text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        for word in ("--operations", "--raw-limit", "send_recv", "mpirun -np 4 spillway comm"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
