"""`spillway compress bench`: what it reports, alone and under mpirun."""

import json
import os
import subprocess
import sys

MODEL = ["--model.layers=2", "--model.hidden=64", "--model.heads=4", "--model.sequence_length=32"]
KEYS = {"method", "approximation_rank", "wire", "compress_ms", "wire_ms", "decompress_ms", "bytes", "relative_error"}


def bench(*words, ranks=0):
    launch = [os.environ["SPILLWAY_MPIRUN"], "--timeout", "50", "-np", str(ranks), "--oversubscribe", "--bind-to", "none"]
    return subprocess.run([*(launch if ranks else []), os.environ["SPILLWAY_BINARY"], "compress", "bench", *words],
                          capture_output=True, text=True, timeout=60)


ALL = ["none", "bf16", "fp16", "powersgd", "acp", "topk", "randomk", "qsgd", "sign"]


def results(*words, ranks=0, methods=("none", "bf16", "powersgd")):
    done = bench(*MODEL, "--format", "json", "--steps", "5", "--methods", ",".join(methods), *words, ranks=ranks)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["method"] for row in rows] == list(methods)
    assert all(KEYS <= set(row) for row in rows)
    return rows


def check(ranks):
    none, bf16, powersgd = results("--compression.approximation_rank=4", ranks=ranks)
    assert none["bytes"] == 2 * bf16["bytes"] == none["dense_bytes"]
    assert (none["approximation_rank"], powersgd["approximation_rank"]) == (0, 4)
    assert (none["wire"], bf16["wire"], powersgd["wire"]) == ("fp32", "bf16", "fp32")
    assert none["relative_error"] < 1e-6 < bf16["relative_error"] < 5e-3 < powersgd["relative_error"] < 1.5
    assert powersgd["bytes"] < none["bytes"] / 2
    assert all(row[phase] >= 0 for row in (none, bf16, powersgd) for phase in ("compress_ms", "wire_ms", "decompress_ms"))
    assert powersgd["compress_ms"] > 0 and bf16["compress_ms"] > 0
    halved = results("--compression.approximation_rank=4", "--compression.wire=bf16", ranks=ranks)[2]
    assert 2 * halved["bytes"] == powersgd["bytes"] and halved["wire"] == "bf16"
    # More rank, more of the gradient arrives; without start step even where the configuration has one.
    better = results("--compression.approximation_rank=16", "--compression.min_compression_rate=1.2",
                     "--compression.error_feedback=off", "--compression.start_step=100", ranks=ranks)[2]
    worse = results("--compression.approximation_rank=1", "--compression.min_compression_rate=1.2",
                    "--compression.error_feedback=off", ranks=ranks)[2]
    assert better["relative_error"] < worse["relative_error"] - 0.1


def check_all_methods(ranks):
    rows = {row["method"]: row for row in results(ranks=ranks, methods=ALL)}
    dense = rows["none"]["bytes"]
    assert all(row["wire_bytes"] > 0 for row in rows.values())
    assert rows["fp16"]["relative_error"] < rows["bf16"]["relative_error"] < rows["qsgd"]["relative_error"] < 0.05
    # acp sends one of two factors; topk 12 bytes of 400 elements' 1600 at the default density; a sign is 2 bits, sent twice over.
    assert rows["acp"]["bytes"] < rows["powersgd"]["bytes"]
    assert 0.015 < rows["topk"]["bytes"] / dense < 0.03 and rows["randomk"]["bytes"] < rows["topk"]["bytes"]
    assert rows["sign"]["wire_bytes"] < rows["qsgd"]["wire_bytes"] < rows["bf16"]["wire_bytes"]
    assert all(0.1 < rows[method]["relative_error"] < 2 for method in ("powersgd", "acp", "topk", "randomk", "sign"))


def check_table():
    done = bench(*MODEL, "--steps=1", "--methods=none,bf16,powersgd")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5 and lines[0].split()[:3] == ["method", "r", "wire"], done.stdout
    assert [line.split()[0] for line in lines[1:]] == ["none", "bf16", "powersgd", "One"]


def check_complaints():
    for words, text in ((["--format=jso"], 'did you mean "json"?'), (["--steps=0"], "--steps = 0; valid: >= 1"),
                        (["--methods=none,powrsgd"], 'did you mean "powersgd"?'),
                        (["--warmup=-1"], "--warmup = -1; valid: >= 0"), (["--model.hidden=7"], "not a multiple")):
        done = bench(*words)
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and text in done.stderr, done.stderr


def main():
    check_complaints()
    check_all_methods(2)
    check_table()
    check_all_methods(ranks=2)
    check(ranks=0)
    check(ranks=2)


if __name__ == "__main__":
    sys.exit(main())
