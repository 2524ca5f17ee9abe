"""Runs spillway alone or under mpirun, always with a hard limit, and makes small inputs for it."""

import atexit
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import unittest

BINARY = os.environ["SPILLWAY_BINARY"]
MPIRUN = os.environ["SPILLWAY_MPIRUN"]

# An mpirun that is killed leaves its session folder behind, and one whose process number comes round again then refuses to start
# ("The PMIx server's listener thread failed to start"). So the sessions of a test are its own and go with it.
os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="spillway-test-")
atexit.register(shutil.rmtree, os.environ["TMPDIR"], ignore_errors=True)


def spillway(*words, limit=120, **kwargs):
    """One process; returns the CompletedProcess with text output."""
    return subprocess.run(["timeout", "-k", "5", str(limit), BINARY, *map(str, words)], text=True, capture_output=True, **kwargs)


def mpi_command(ranks, *words, limit=120, binary=BINARY):
    return ["timeout", "-k", "5", str(limit + 10), MPIRUN, "--timeout", str(limit), "-np", str(ranks), "--oversubscribe",
            "--bind-to", "none", binary, *map(str, words)]


def mpi_spillway(ranks, *words, limit=120, **kwargs):
    """Under mpirun; returns the CompletedProcess with text output."""
    return subprocess.run(mpi_command(ranks, *words, limit=limit), text=True, capture_output=True, **kwargs)


def complaints(process):
    """spillway's own lines on stderr, without mpirun's notice of the exit code."""
    return complaint_lines(process.stderr)


def complaint_lines(stderr):
    # mpirun ends its own messages with a zero byte at times.
    return re.findall(r"^[\x00-\x1f]*(spillway: .*)$", stderr, re.MULTILINE)


def write_text(folder, paragraphs=400, seed=1):
    """A text file of random sentences: enough structure to learn, no two paragraphs alike."""
    draw = random.Random(seed)
    words = ["tensor", "pipeline", "gradient", "rank", "stage", "token", "batch", "queue", "memory", "kernel", "is", "are", "not",
             "the", "a", "before", "after", "every", "some", "waits", "sends", "needs", "holds", "of", "for", "in", "on", "two", "seven"]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = []
    for _ in range(paragraphs):
        sentences = []
        for _ in range(draw.randint(2, 6)):
            sentence = " ".join(draw.choice(words) for _ in range(draw.randint(4, 12)))
            sentences.append(sentence.capitalize() + ".")
        text.append(" ".join(sentences))
    (folder / "text.txt").write_text("\n\n".join(text) + "\n")
    return folder


def build_corpus(folder, **kwargs):
    """A small corpus in folder/corpus."""
    source = write_text(pathlib.Path(folder) / "source", **kwargs)
    out = pathlib.Path(folder) / "corpus"
    process = spillway("corpus", "build", "--from", source, "--out", out)
    assert process.returncode == 0, process.stderr
    return out


class CorpusCase(unittest.TestCase):
    """Tests that share a folder, cls.folder, and a small corpus in it, cls.corpus."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-test-"))
        cls.corpus = build_corpus(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def newest(self, run):
        return sorted((run / "checkpoints").glob("step-*[0-9]"))[-1]

    def assert_same_bits(self, a, b, message=""):
        """Of the newest checkpoints of two runs."""
        process = spillway("checkpoint", "diff", self.newest(a), self.newest(b))
        self.assertEqual(process.returncode, 0, f"{message}\n{process.stdout}{process.stderr}")


def small_model(corpus, run_dir, **settings):
    """Settings of a model that takes milliseconds a step; keyword a__b=c sets a.b to c."""
    values = {
        "model.layers": 4, "model.hidden": 32, "model.heads": 2, "model.sequence_length": 32,
        "parallel.microbatches": 4, "parallel.microbatch_size": 2, "data.corpus": corpus, "run.dir": run_dir, "run.steps": 6,
        "run.checkpoint_every": 0, "run.evaluate_every": 0, "run.peak_flops": "1e11", "optimizer.warmup_steps": 2,
    }
    values.update({name.replace("__", "."): value for name, value in settings.items()})
    return [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()]
