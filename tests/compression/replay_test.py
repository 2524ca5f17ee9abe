"""`spillway compress replay`: its files, and one-line complaints about wrong ones."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np


def replay(folder, *settings, source="in.h5", target="out.h5"):
    return subprocess.run(
        [os.environ["SPILLWAY_BINARY"], "compress", "replay", f"{folder}/{source}", f"{folder}/{target}", *settings],
        capture_output=True, text=True, timeout=60)


def write(folder, steps=(0,), ranks=2, shapes=None, attribute=None):
    values = {}
    with h5py.File(f"{folder}/in.h5", "w") as file:
        for step in steps:
            for rank in range(ranks):
                for name, shape in (shapes or {"w": (30, 20), "b": (20,)}).items():
                    values[step, rank, name] = np.random.default_rng([step, rank]).standard_normal(shape).astype(np.float32)
                    file[f"step/{step}/rank/{rank}/{name}"] = values[step, rank, name]
        if attribute is not None:
            file.attrs["parameters"] = np.bytes_(attribute)
    return values


def check_mean(folder):
    values = write(folder, steps=(2, 10, 9), ranks=3)
    done = replay(folder, "--compression.method=none")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 steps, 3 replicas, 2 parameters: 7440 of 7440 bytes sent"), done.stdout
    with h5py.File(f"{folder}/out.h5") as file:
        assert sorted(file["step"]) == sorted(file["error"]) == ["10", "2", "9"]
        for step in (2, 9, 10):
            for name in ("w", "b"):
                expected = sum(values[step, rank, name] for rank in range(3)) / 3
                np.testing.assert_allclose(file[f"step/{step}/{name}"], expected, rtol=1e-5, atol=1e-6)
                assert file[f"error/{step}/{name}"].shape == expected.shape
                assert not file[f"error/{step}/{name}"][()].any()


def check_order_of_steps(folder):
    """Steps run in ascending number, not in the order of their names: step 9 is plain, step 10 is compressed."""
    write(folder, steps=(10, 9))
    done = replay(folder, "--compression.method=powersgd", "--compression.start_step=10", "--compression.approximation_rank=1")
    assert done.returncode == 0, done.stderr
    with h5py.File(f"{folder}/out.h5") as file:
        assert not file["error/9/w"][()].any() and file["error/10/w"][()].any()


def check_order_of_parameters(folder):
    """The attribute decides which numbers of the stream a parameter's first factor gets."""
    shapes = {"a": (30, 20), "z": (30, 20)}
    outputs = []
    for attribute in (None, "a\nz", "z\na"):
        write(folder, shapes=shapes, attribute=attribute)
        assert replay(folder, "--compression.method=powersgd", "--compression.start_step=0",
                      "--compression.approximation_rank=1").returncode == 0
        with h5py.File(f"{folder}/out.h5") as file:
            outputs.append({name: file[f"step/0/{name}"][()] for name in shapes})
    assert np.array_equal(outputs[0]["a"], outputs[1]["a"])
    assert not np.array_equal(outputs[1]["a"], outputs[2]["a"])
    assert np.array_equal(outputs[1]["a"], outputs[2]["z"])  # the test gives both the same gradient


def complaint(folder, *settings, **files):
    done = replay(folder, *settings, **files)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def change(folder, *, remove=(), **add):
    write(folder, steps=(0, 1))
    with h5py.File(f"{folder}/in.h5", "a") as file:
        for name in remove:
            del file[name]
        for name, value in add.get("datasets", {}).items():
            file[name] = value
    return complaint(folder)


def check_complaints(folder):
    assert "no such file" in complaint(folder, source="absent.h5")
    with open(f"{folder}/text.h5", "w") as file:
        file.write("text")
    assert "cannot be opened as HDF5" in complaint(folder, source="text.h5")
    assert "no group step" in change(folder, remove=["step"])
    assert "step is not a group" in change(folder, remove=["step"], datasets={"step": np.float32([1])})
    assert "step/x is not a whole number" in change(folder, datasets={"step/x/rank/0/w": np.float32([1])})
    assert "step/01 is not a whole number" in change(folder, datasets={"step/01/rank/0/w": np.float32([1])})
    assert "no group step/0/rank" in change(folder, remove=["step/0/rank"])
    assert "without gaps" in change(folder, remove=["step/0/rank/0"])
    assert "step/1/rank has 1 ranks, the first step 2" in change(folder, remove=["step/1/rank/1"])
    assert "step/1/rank/1 has 1 parameters, the first step on rank 0 2" in change(folder, remove=["step/1/rank/1/w"])
    assert "no dataset step/1/rank/1/w" in change(folder, remove=["step/1/rank/1/w"],
                                                  datasets={"step/1/rank/1/v": np.float32([1])})
    assert not os.path.exists(f"{folder}/out.h5")
    assert "is not a dataset" in change(folder, remove=["step/0/rank/0/w"], datasets={"step/0/rank/0/w/x": np.float32([1])})
    assert "float64; valid: float32" in change(folder, remove=["step/0/rank/0/w"],
                                                datasets={"step/0/rank/0/w": np.float64([1])})
    assert "another shape" in change(folder, remove=["step/1/rank/1/w"],
                                     datasets={"step/1/rank/1/w": np.zeros((20, 30), np.float32)})
    write(folder, attribute="w\nv")
    assert "attribute parameters" in complaint(folder)
    write(folder)
    assert "is the input" in complaint(folder, target="in.h5")
    assert 'did you mean "powersgd"?' in complaint(folder, "--compression.method=powersg")
    assert "2 arguments" not in complaint(folder, "--nothing=1")


def main():
    for check in (check_mean, check_order_of_steps, check_order_of_parameters, check_complaints):
        with tempfile.TemporaryDirectory() as folder:
            check(folder)
        print(f"{check.__name__} ok", flush=True)


if __name__ == "__main__":
    sys.exit(main())
