"""Truth of `spillway compress advise`: predicted and measured step times on two pretend hosts (scripts/lab) at four link rates.

usage: source scripts/env.sh
       SPILLWAY_BINARY=build/release/spillway SPILLWAY_MPIRUN=$(command -v mpirun) $SPILLWAY_CHECKS/bin/python tests/bench/advise_bench.py
       [CELLS]      as for --cells of compress advise
Needs root and network namespaces, and two cores that nothing else uses; takes about 10 minutes.

At 50 Mbit/s, 200 Mbit/s, 1 Gbit/s and without a limit, `advise` measures link, step and compression in one run and predicts a step for
every cell; `sweep` then trains every cell and gives the median of its steps. The model is a GPT of 4 layers, hidden 192, whose bf16
gradients take about as long as a step at 200 Mbit/s.
Prints one JSON line, and a table on stderr: for each rate and cell the predicted and the measured seconds; `worst_error`, of all cells,
bar 0.15; `winners_right`: in every rate, no cell was more than 10 % faster than the predicted winner."""

import json
import pathlib
import shutil
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parents[1] / "compression")]
import launch
import predicted_and_measured as truth

RATES = ("50mbit", "200mbit", "1gbit", None)
CELLS = "bf16;none;powersgd,approximation_rank=1;powersgd,approximation_rank=4;powersgd,approximation_rank=4,wire=bf16"
MODEL = dict(model__hidden=192, model__heads=4, model__sequence_length=128, parallel__microbatches=4, compression__bucket_mib=1,
             compression__start_step=2)


def main(words):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-advise-bench-"))
    try:
        corpus = launch.build_corpus(folder)
        results = []
        for rate in RATES:
            results.append(truth.compare(corpus, rate, words[0] if words else CELLS, MODEL, steps=16, limit=540))
            print(truth.table(results[-1]), file=sys.stderr, flush=True)
    except truth.NoLab as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 77
    finally:
        shutil.rmtree(folder)
    worst = max(abs(row["error"]) for result in results for row in result["cells"])
    right = all(result["winner_right"] for result in results)
    print(json.dumps({"worst_error": worst, "winners_right": right, "met": worst <= 0.15 and right, "rates": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
