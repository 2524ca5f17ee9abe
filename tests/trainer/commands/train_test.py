"""`spillway train` from end to end: the same bits on any layout, across kills and stops; what a run leaves behind."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
import launch


class Train(launch.CorpusCase):
    def command(self, name, ranks, **settings):
        run = self.folder / name
        return run, launch.mpi_command(ranks, "train", *launch.small_model(self.corpus, run, **settings))

    def train(self, name, ranks, code=0, **settings):
        run, command = self.command(name, ranks, **settings)
        process = subprocess.run(command, text=True, capture_output=True)
        self.assertEqual(process.returncode, code, process.stdout + process.stderr)
        return run

    def metrics(self, run):
        return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]

    def test_stages_and_schedules_give_the_same_bits(self):
        one = self.train("one", 1, data__mutation__rate=0.5)
        for schedule in ("1f1b", "gpipe"):
            for stages in (2, 4):
                run = self.train(f"{schedule}-{stages}", stages, parallel__stages=stages, parallel__schedule=schedule,
                                 data__mutation__rate=0.5)
                self.assert_same_bits(one, run)
                self.assertEqual([row["loss_metrics/global_avg_loss"] for row in self.metrics(one)],
                                 [row["loss_metrics/global_avg_loss"] for row in self.metrics(run)])

    def test_reproducible_runs_have_the_same_bits_on_any_number_of_replicas(self):
        shared = dict(parallel__reproducible="true", compression__method="none", parallel__microbatch_size=1)
        one = self.train("tree", 1, parallel__microbatches=8, **shared)
        for ranks, stages, microbatches in ((2, 1, 4), (4, 2, 4), (4, 1, 2), (4, 4, 8)):
            run = self.train(f"tree-{ranks}-{stages}", ranks, parallel__stages=stages, parallel__microbatches=microbatches, **shared)
            self.assert_same_bits(one, run)
            self.assertEqual([row["grad_norm"] for row in self.metrics(one)], [row["grad_norm"] for row in self.metrics(run)])

    def test_quantization_aware_and_llama_runs_give_the_same_bits(self):
        settings = dict(model__family="llama", model__kv_heads=1, precision__mode="bf16-qat", model__tied_embeddings=False)
        self.assert_same_bits(self.train("llama-1", 1, **settings), self.train("llama-2", 2, parallel__stages=2, **settings))

    def test_a_different_seed_gives_other_bits(self):
        a, b = self.train("seed-1", 1), self.train("seed-2", 1, run__seed=2)
        self.assertEqual(launch.spillway("checkpoint", "diff", self.newest(a), self.newest(b)).returncode, 1)

    def test_loss_falls(self):
        rows = self.metrics(self.train("falls", 2, run__steps=40, optimizer__learning_rate=3e-3))
        losses = [row["loss_metrics/global_avg_loss"] for row in rows]
        self.assertLess(sum(losses[-5:]) / 5, losses[0] - 1.0)

    def test_killed_run_resumes_to_the_same_bits(self):
        settings = dict(parallel__stages=2, run__steps=40, run__checkpoint_every=4, compression__method="powersgd",
                        compression__start_step=2, data__mutation__rate=0.3)
        whole = self.train("whole", 4, **settings)
        run, command = self.command("killed", 4, **settings)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.time() + 60
        while len(list((run / "checkpoints").glob("step-*[0-9]"))) < 2 and time.time() < deadline and process.poll() is None:
            time.sleep(0.01)
        subprocess.run(["pkill", "-9", "-f", f"run.dir={run}"])
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.assertLess(int(self.newest(run).name.split("-")[1]), 40, "the run ended before it was killed")
        self.train("killed", 4, **settings)
        self.assert_same_bits(whole, run)

    def test_request_to_stop_saves_and_exits_with_85(self):
        settings = dict(run__steps=400, parallel__stages=2)
        run, command = self.command("stopped", 2, **settings)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + 60
        while not (run / "metrics.jsonl").exists() and time.time() < deadline:
            time.sleep(0.01)
        subprocess.run(["pkill", "-USR1", "-f", f"^{launch.BINARY} .*run.dir={run}"], check=True)
        self.assertEqual(process.wait(timeout=60), 85)
        step = int(self.newest(run).name.split("-")[1])
        self.assertLess(step, 400)
        settings["run__steps"] = step + 5
        settings["optimizer__decay_steps"] = 400
        self.train("stopped", 2, **settings)
        self.assert_same_bits(run, self.train("stopped-not", 2, **settings))

    def test_resolved_configuration_gives_the_same_run(self):
        run = self.train("resolved", 2, parallel__stages=2, optimizer__learning_rate=3e-4)
        again = self.folder / "resolved-again"
        process = launch.mpi_spillway(2, "train", run / "config.resolved.toml", f"--run.dir={again}")
        self.assertEqual(process.returncode, 0, process.stderr)
        self.assert_same_bits(run, again)

    def test_run_folder_holds_what_it_should(self):
        run = self.train("folder", 2, parallel__stages=2, run__evaluate_every=3, data__mutation__rate=0.5)
        for name in ("run.json", "config.resolved.toml", "metrics.jsonl", "events.jsonl", "checkpoints"):
            self.assertTrue((run / name).exists(), name)
        row = self.metrics(run)[-1]
        for key in ("loss_metrics/global_avg_loss", "throughput(tps)", "mfu(%)", "grad_norm", "data/wait_ms"):
            self.assertIn(key, row)

    def test_costs_are_measured_once_and_again_when_their_file_is_damaged_or_of_another_model(self):
        shared = dict(optimizer__decay_steps=8)
        settings = dict(parallel__stages=2, parallel__schedule="auto", **shared)
        one = self.train("one-rank", 1, run__steps=8, **shared)
        run = self.train("measured", 2, run__steps=2, **settings)
        file = run / "calibration.json"
        first = file.read_text()
        events = lambda: [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        calibrations = lambda: [event for event in events() if event["event"] == "calibration"]
        self.assertIs(calibrations()[-1]["reused"], False)
        self.assertGreater(calibrations()[-1]["predicted_makespan"], 0)
        self.train("measured", 2, run__steps=4, **settings)
        self.assertIs(calibrations()[-1]["reused"], True)
        self.assertEqual(file.read_text(), first)
        file.write_text(first[:len(first) // 2])
        self.train("measured", 2, run__steps=6, **settings)
        self.assertIs(calibrations()[-1]["reused"], False)
        trouble = [event for event in events() if event["event"] == "calibration_trouble"]
        self.assertEqual(len(trouble), 1)
        self.assertEqual(trouble[0]["level"], "warning")
        self.assertIn("calibration.json", trouble[0]["message"])
        second = file.read_text()
        self.assertNotEqual(second, first)
        self.train("measured", 2, run__steps=8, parallel__recompute_layers=1, **settings)
        self.assertIs(calibrations()[-1]["reused"], False)
        self.assert_same_bits(one, run)

        model = launch.small_model(self.corpus, run, parallel__recompute_layers=1, **settings)
        process = launch.spillway("plan", *model, "--costs", file, "--format", "json")
        self.assertEqual(process.returncode, 0, process.stderr)
        got = json.loads(process.stdout)
        self.assertEqual(got["time_unit"], "ms")
        self.assertAlmostEqual(got["makespan"], 1e3 * calibrations()[-1]["predicted_makespan"], delta=1e-9 * got["makespan"])
        rehearsed = launch.mpi_spillway(2, "rehearse", *[word for word in model if not word.startswith("--run.dir")], "--costs", file,
                                        "--steps", 1, "--format", "json")
        self.assertEqual(rehearsed.returncode, 0, rehearsed.stderr)
        self.assertEqual(json.loads(rehearsed.stdout)["peak_activations"], got["peak_activations"])
        other = launch.spillway("plan", *model, "--model.hidden=64", "--costs", file)
        self.assertEqual(other.returncode, 2)
        self.assertIn("was measured with other settings", other.stderr)

    def test_other_model_on_resume_is_refused(self):
        self.train("refused", 1)
        run, command = self.command("refused", 1, model__hidden=64)
        process = subprocess.run(command, text=True, capture_output=True)
        self.assertEqual(process.returncode, 2, process.stderr)
        self.assertIn("model.hidden", launch.complaints(process)[0])


if __name__ == "__main__":
    unittest.main()
