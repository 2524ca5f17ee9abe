"""Bad input at the boundary of `spillway train`: one line, exit code 2 on every rank, no hang, nothing written."""

import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
import launch


class BadInput(launch.CorpusCase):
    def expect(self, process, *words, code=2):
        self.assertEqual(process.returncode, code, process.stderr)
        lines = launch.complaints(process)
        self.assertEqual(len(lines), 1, process.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def train(self, ranks=2, toml="", corpus=None, **settings):
        file = self.folder / "run.toml"
        file.write_text(toml)
        run_dir = settings.pop("run__dir", self.folder / "run")
        words = launch.small_model(corpus or self.corpus, run_dir, **settings)
        return launch.mpi_spillway(ranks, "train", file, *words, limit=40)

    def test_unknown_key_proposes_the_nearest(self):
        self.expect(self.train(toml="[model]\nlayer = 3\n"), "run.toml:2", "model.layer", "did you mean model.layers?")

    def test_wrong_type(self):
        self.expect(self.train(toml="[run]\nsteps = \"many\"\n"), "run.toml:2", "run.steps", "whole number")

    def test_out_of_range(self):
        self.expect(self.train(data__validation=0.9), "data.validation", "0.9", "0 to 0.5")

    def test_world_is_not_stages_times_replicas(self):
        self.expect(self.train(ranks=3, parallel__stages=2), "3", "parallel.stages", "2")

    def test_fewer_layers_than_stages(self):
        self.expect(self.train(parallel__stages=2, model__layers=1), "model.layers = 1", "parallel.stages")

    def test_unknown_schedule(self):
        self.expect(self.train(parallel__schedule="1f1c"), "parallel.schedule", "1f1c", "1f1b")

    def test_a_schedule_over_the_memory_cap(self):
        self.expect(self.train(parallel__stages=2, parallel__schedule="gpipe", parallel__memory_cap=3), "parallel.memory_cap = 3",
                    "rank 0", "hold 4 activations")

    def test_a_memory_cap_under_which_there_is_no_schedule(self):
        self.expect(self.train(parallel__stages=2, parallel__schedule="auto", parallel__memory_cap=0.4), "memory cap of 0.4", "enough is")

    def test_missing_configuration_file(self):
        process = launch.mpi_spillway(2, "train", self.folder / "nowhere.toml", limit=40)
        self.expect(process, "nowhere.toml")

    def test_missing_corpus(self):
        self.expect(self.train(corpus=self.folder / "nowhere"), "nowhere")

    def test_no_run_folder_named(self):
        self.expect(self.train(run__dir=""), "run.dir")

    def test_run_folder_cannot_be_made(self):
        blocked = self.folder / "file"
        blocked.write_text("in the way")
        self.expect(self.train(run__dir=blocked / "run"), str(blocked))

    def test_truncated_shard(self):
        broken = self.folder / "broken"
        shutil.copytree(self.corpus, broken)
        shard = next(broken.glob("*.h5"))
        shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2])
        self.expect(self.train(corpus=broken), shard.name)

    def test_ranks_with_different_configurations(self):
        for command in ("train", "stress"):
            words = launch.small_model(self.corpus, self.folder / "run")
            alike = launch.mpi_command(1, command, *words, limit=40)
            process = subprocess.run([*alike, ":", "-np", "2", launch.BINARY, command, *words, "--compression.method=bf16"],
                                     text=True, capture_output=True)
            self.expect(process, 'rank 1 has compression.method = "bf16", rank 0 "none"')

    def test_backend_without_device(self):
        self.expect(self.train(parallel__backend="nccl"), "nccl", "CUDA")


if __name__ == "__main__":
    unittest.main()
