"""spillway checkpoint list, verify, diff, prune, export and import, on models that transformers' formats describe."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "tests"))
from launch import complaints, spillway  # noqa: E402

EXCHANGE = sys.argv[1]


def flip_bit(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.holder.name)
        subprocess.run([EXCHANGE, "export", cls.base / "hf"], check=True, timeout=120)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def imported(self, name="gpt2-tied-fp32"):
        """A run whose only checkpoint is the model of this name."""
        run = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        done = spillway("import", self.base / "hf" / name, run / "checkpoints" / "step-000000")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return run

    def run_with_steps(self, steps):
        """A run with copies of one checkpoint under several steps; only step 0 says the right one."""
        run = self.imported()
        for step in steps:
            shutil.copytree(run / "checkpoints" / "step-000000", run / "checkpoints" / f"step-{step:06}")
        return run

    def test_export_gives_back_what_was_imported_to_the_last_byte(self):
        for name in ("gpt2-tied", "llama-untied"):
            run = self.imported(name + "-fp32")
            for dtype in ("fp32", "bf16"):
                out = run / dtype
                done = spillway("export", run, out, "--dtype", dtype)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                want = self.base / "hf" / f"{name}-{dtype}"
                self.assertEqual((out / "model.safetensors").read_bytes(), (want / "model.safetensors").read_bytes())
                self.assertEqual((out / "config.json").read_text(), (want / "config.json").read_text())

    def test_a_bf16_folder_is_imported_exactly(self):
        run = self.imported("llama-untied-bf16")
        spillway("export", run / "checkpoints" / "step-000000", run / "out", "--dtype", "bf16")
        want = self.base / "hf" / "llama-untied-bf16" / "model.safetensors"
        self.assertEqual((run / "out" / "model.safetensors").read_bytes(), want.read_bytes())

    def test_shards_are_plain_hdf5(self):
        import h5py
        import numpy
        run = self.imported()
        with h5py.File(run / "checkpoints" / "step-000000" / "rank-0.h5") as shard:
            names = []
            shard.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
            manifest = json.loads((run / "checkpoints" / "step-000000" / "manifest.json").read_text())["manifest"]
            self.assertEqual(sorted(names), sorted(manifest["tensors"]))
            for name in names:
                self.assertEqual(shard[name].attrs["dtype"].decode() if isinstance(shard[name].attrs["dtype"], bytes)
                                 else shard[name].attrs["dtype"], "float32")
                self.assertEqual(list(shard[name].shape), manifest["tensors"][name]["shape"])
            self.assertEqual(numpy.abs(shard["optimizer/embedding.token.weight/exp_avg"][:]).max(), 0)
            self.assertGreater(numpy.abs(shard["model/embedding.token.weight"][:]).max(), 0)

    def test_list_and_verify_name_what_is_damaged(self):
        run = self.run_with_steps([])
        good = run / "checkpoints" / "step-000000"
        self.assertEqual(spillway("checkpoint", "verify", run).returncode, 0)
        bad = run / "elsewhere"
        shutil.copytree(good, bad)
        record = json.loads((bad / "manifest.json").read_text())["manifest"]["tensors"]["model/embedding.token.weight"]
        flip_bit(bad / "rank-0.h5", record["offset"] + 5)
        done = spillway("checkpoint", "verify", bad)
        self.assertEqual(done.returncode, 1)
        self.assertIn("damaged: rank-0.h5: checksum", done.stdout)
        self.assertIn("damaged: rank-0.h5: tensor model/embedding.token.weight is damaged", done.stdout)
        self.assertEqual(done.stdout.count("tensor "), 1)

        shutil.copytree(bad, run / "checkpoints" / "step-000007")
        (run / "checkpoints" / "step-000009.tmp").mkdir()
        listed = json.loads(spillway("checkpoint", "list", run, "--format", "json").stdout)
        self.assertEqual([(one["step"], one["valid"]) for one in listed["checkpoints"]], [(7, False), (0, True)])
        self.assertEqual(len(listed["unfinished"]), 1)
        text = spillway("checkpoint", "list", run).stdout
        self.assertIn("damaged", text)
        self.assertIn("step-000009.tmp", text)
        fast = json.loads(spillway("checkpoint", "list", run, "--fast", "--format", "json").stdout)
        self.assertTrue(fast["checkpoints"][0]["valid"])

        (good / "manifest.json").unlink()
        done = spillway("export", run, run / "out")
        self.assertEqual(done.returncode, 2)
        self.assertIn("has no valid checkpoint", complaints(done)[0])
        self.assertIn("warning: ", done.stderr)

    def test_diff_compares_bits(self):
        a, b, other = self.imported(), self.imported(), self.imported("gpt2-untied-fp32")
        done = spillway("checkpoint", "diff", a, b)
        self.assertEqual(done.returncode, 0)
        self.assertIn("identical: all", done.stdout)
        done = spillway("checkpoint", "diff", a, other, "--show", "2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("... and", done.stdout)
        self.assertEqual(len(done.stdout.splitlines()), 4)

    def test_prune_keeps_two_valid_ones(self):
        run = self.run_with_steps([3, 5])
        done = spillway("checkpoint", "prune", run, "--keep", "1")
        self.assertEqual(done.returncode, 0)
        self.assertIn("kept 1 valid, and 2 damaged", done.stdout)  # copies say the step of their original
        self.assertEqual(len(list((run / "checkpoints").iterdir())), 3)

    def test_mistakes_are_one_line_and_exit_code_2(self):
        run = self.imported()
        for words, said in (
                (("checkpoint", "list", self.base / "nowhere"), "no such folder"),
                (("checkpoint", "verify", EXCHANGE), "not a folder"),
                (("checkpoint", "diff", run), "expected A B"),
                (("checkpoint", "diff", run, self.base), "is neither a checkpoint"),
                (("checkpoint", "prune", run), "--keep is missing"),
                (("checkpoint", "prune", run, "--keep", "-1"), "--keep = -1 is negative"),
                (("checkpoint", "prun", run), "did you mean checkpoint prune"),
                (("export", run, run / "o", "--dtype", "bf61"), 'did you mean "bf16"?'),
                (("export", run, run), "exists already"),
                (("import", self.base, self.base / "x"), "config.json"),
                (("import", self.base / "hf" / "gpt2-tied-fp32", self.base / "step-000004"), "step-000000")):
            done = spillway(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
