"""scripts/lab: hosts with their own names, rate and delay; faults end with a clear message; nothing is left behind."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

LAB = pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "scripts" / "lab"
SPILLWAY, RELAY = sys.argv[1:3]
NAME = f"labtest{os.getpid()}"


def lab(*words, timeout=60):
    """Runs scripts/lab on a lab of this test's own; (exit code, stdout, stderr, seconds)."""
    settings = os.environ | {"SPILLWAY_LAB": NAME, "SPILLWAY_LAB_RELAY": RELAY}
    start = time.monotonic()
    done = subprocess.run(["timeout", "-k", "5", str(timeout), LAB, *map(str, words)], env=settings, text=True,
                          capture_output=True)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - start


# Half a second, because mpirun now and then waits for ever for a program that ends within milliseconds.
HOSTNAME = ("bash", "-c", "hostname; sleep 0.5")


def interfaces():
    return subprocess.run(["ip", "-brief", "link"], text=True, capture_output=True).stdout.split("\n")


class Lab(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lab, "down")

    def up(self, *words):
        code, out, err, _ = lab("up", *words)
        self.assertEqual(code, 0, err)
        return out

    def measure(self, *words):
        code, out, err, _ = lab("run", "--mpirun", "--timeout 50", SPILLWAY, "comm", "--format", "json", *words)
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def test_hosts_have_names_of_their_own_and_nothing_is_left(self):
        before = interfaces()
        out = self.up(3)
        self.assertIn(f"{NAME}-3  10.77.0.3", out)
        self.assertEqual(interfaces(), before)
        code, out, err, _ = lab("run", *HOSTNAME)
        self.assertEqual((code, sorted(out.split())), (0, [f"{NAME}-{i}" for i in (1, 2, 3)]), err)
        self.assertEqual(lab("on", 2, "hostname")[1].strip(), f"{NAME}-2")
        self.assertEqual(lab("status")[0], 0)
        self.assertEqual(lab("down")[0], 0)
        self.assertEqual(lab("status")[0], 1)
        self.assertEqual(interfaces(), before)
        spaces = subprocess.run(["ip", "netns", "list"], text=True, capture_output=True).stdout
        self.assertNotIn(NAME, spaces)
        self.assertFalse(pathlib.Path(f"/run/spillway-lab/{NAME}").exists())
        self.assertFalse(list(pathlib.Path("/etc").glob(f"netns/{NAME}*")))

    def test_ranks_take_the_slots_of_the_hosts_and_the_exit_code_comes_back(self):
        self.up(2, "--slots", 2)
        code, out, err, _ = lab("run", *HOSTNAME)
        self.assertEqual((code, sorted(out.split())), (0, [f"{NAME}-1"] * 2 + [f"{NAME}-2"] * 2), err)
        self.assertEqual(lab("run", "-np", 1, "bash", "-c", "sleep 0.5; exit 5")[0], 5)

    def test_a_rate_limits_what_a_host_sends(self):
        self.up(2, "--rate", "200mbit")
        result = self.measure("--operations", "send_recv", "--min-bytes", "4M", "--max-bytes", "4M", "--iterations", "3",
                              "--warmup", "1")["results"][0]
        self.assertEqual(result["wrong"], 0)
        self.assertLess(result["algbw_gb_per_s"], 0.025 * 1.05)
        self.assertGreater(result["algbw_gb_per_s"], 0.025 * 0.4)

    def test_a_delay_holds_every_packet_back(self):
        self.up(2, "--delay", "20ms")
        result = self.measure("--operations", "send_recv", "--min-bytes", "8", "--max-bytes", "8", "--iterations", "5")["results"][0]
        self.assertGreater(result["time_us"], 19_900)
        self.assertLess(result["time_us"], 60_000)

    def test_an_all_reduce_over_a_slow_link_hides_behind_computation(self):
        """MPI polls while the data flow, so with all cores computing the scheduler decides how much is hidden: the best of a few counts."""
        self.up(2, "--rate", "100mbit")
        for _ in range(12):
            result = self.measure("--operations", "barrier", "--max-bytes", "2M", "--iterations", "1", "--overlap")["overlap"]
            self.assertGreater(result["communication_us"], 100_000, result)  # 2 MiB take 168 ms, less what the bucket lets through
            self.assertGreater(result["both_us"], 0.9 * max(result["communication_us"], result["computation_us"]), result)
            if result["hidden"] > 0.25:
                return
        self.fail(f"never more than a quarter hidden, last {result}")

    def test_a_wrong_host_name_ends_the_job_with_the_name(self):
        self.up(2)
        code, _, err, seconds = lab("run", "--no-check", "--mpirun", f"--host {NAME}-1:1,nosuchhost:1", "hostname")
        self.assertNotIn(code, (0, 124, 137))
        self.assertIn('there is no host "nosuchhost"', err)
        self.assertLess(seconds, 20)

    def test_a_program_missing_on_one_host_is_named_by_the_lab_and_by_mpirun(self):
        self.up(2)
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder) / "present"
            program.write_text("#!/bin/sh\nsleep 0.5\n")
            program.chmod(0o755)
            code, _, err, seconds = lab("run", "--hide", f"2:{folder}", program)
            self.assertEqual(code, 3)
            self.assertIn(f'host {NAME}-2 has no command "{program}"', err)
            self.assertLess(seconds, 20)
            code, _, err, seconds = lab("run", "--no-check", "--hide", f"2:{folder}", program)
            self.assertNotIn(code, (0, 124, 137))
            self.assertIn(f"Node: {NAME}-2", err)
            self.assertLess(seconds, 20)
            self.assertEqual(lab("run", program)[0], 0)

    def test_too_few_slots_are_named_by_the_lab_and_by_mpirun(self):
        self.up(2)
        code, _, err, _ = lab("run", "-np", 5, "hostname")
        self.assertEqual(code, 2)
        self.assertIn("5 ranks need as many slots; the lab has 2 hosts x 1 slots (scripts/lab up 2 --slots 3)", err)
        code, _, err, seconds = lab("run", "--no-check", "-np", 5, "hostname")
        self.assertNotIn(code, (0, 124, 137))
        self.assertIn("not enough slots", err)
        self.assertLess(seconds, 20)

    def test_a_host_that_does_not_answer_is_named(self):
        self.up(2)
        subprocess.run(["ip", "-n", f"{NAME}-2", "link", "set", "eth0", "down"], check=True)
        self.assertIn("link down", lab("status")[1])
        code, _, err, seconds = lab("run", "hostname")
        self.assertEqual(code, 3)
        self.assertIn(f"host {NAME}-2 (10.77.0.2) does not answer", err)
        self.assertLess(seconds, 20)

    def test_bad_input_is_refused_before_anything_is_made(self):
        for words, complaint in [(("up", "x"), 'HOSTS "x"'), (("up", 2, "--rate", "fast"), '--rate "fast"'),
                                 (("up", 2, "--delay", "1s"), '--delay "1s"'), (("up", 2, "--slots", "0"), '--slots "0"'),
                                 (("up", 2, "--colour", "red"), "unknown option --colour"), (("sideways",), "unknown command"),
                                 (("up", 2, "--rate"), "--rate needs a value")]:
            code, _, err, _ = lab(*words)
            self.assertEqual(code, 2, words)
            self.assertIn(complaint, err)
            self.assertEqual(lab("status")[0], 1, words)
        self.assertEqual(lab("run", "hostname")[0], 3)
        self.up(2)
        code, _, err, _ = lab("up", 2)
        self.assertEqual(code, 2)
        self.assertIn("is up already", err)


if __name__ == "__main__":
    code, _, reason, _ = lab("up", 1)
    lab("down")
    if code == 77:
        print(f"skipped: {reason.strip()}")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
