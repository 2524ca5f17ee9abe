"""The same bits on any layout: every schedule, stages, chunks and replicas, and runs that change layout as they resume."""

import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
import launch

REPRODUCIBLE = dict(parallel__reproducible=True, compression__method="none")


def layout(ranks, stages=1, schedule="1f1b", chunks=1, replicas=1):
    """Settings and ranks for 8 micro-batches a step in all."""
    assert ranks == stages * replicas
    return ranks, dict(parallel__stages=stages, parallel__schedule=schedule, parallel__chunks=chunks,
                       parallel__microbatches=8 // replicas, parallel__microbatch_size=1)


SCHEDULES = [layout(2, 2, schedule) for schedule in ("gpipe", "1f1b", "zb-h1", "zb-h2")]
SCHEDULES += [layout(4, 4, schedule) for schedule in ("gpipe", "zb-h1", "zb-h2")]
SCHEDULES += [layout(2, 2, schedule, 2) for schedule in ("interleaved-1f1b", "looped-bfs", "interleaved-zb", "zbv", "v-half",
                                                         "v-min", "dualpipev")]
SCHEDULES += [layout(1, 1, schedule, 4) for schedule in ("interleaved-1f1b", "interleaved-zb")]
SCHEDULES += [layout(1, 1, "zbv"), layout(2, 2, "zbv"), layout(2, 2, "auto")]
RECOMPUTES = [(layout(2, 2, "1f1b"), "full", 0), (layout(2, 2, "zbv"), "selective", 1), (layout(2, 2, "dualpipev"), "full", 1),
              (layout(4, 4, "zb-h1"), "selective", 0), (layout(2, 2, "auto"), "auto", 0)]

RESHAPES = [layout(1), layout(2, 2, "zb-h1"), layout(2, 2, "zbv"), layout(4, 4, "1f1b"), layout(4, 2, "1f1b", replicas=2),
            layout(4, 1, "gpipe", replicas=4), layout(4, 2, "interleaved-zb", 2, replicas=2), layout(2, 1, "gpipe", replicas=2)]


class Layouts(launch.CorpusCase):
    def train(self, name, layout, **settings):
        ranks, shape = layout
        run = self.folder / name
        command = launch.mpi_command(ranks, "train", *launch.small_model(self.corpus, run, **{**shape, **settings}))
        process = subprocess.run(command, text=True, capture_output=True)
        self.assertEqual(process.returncode, 0, f"{layout}\n{process.stdout}{process.stderr}")
        return run

    def test_every_schedule_gives_the_bits_of_one_rank(self):
        for mode, tied in (("fp32", True), ("bf16-qat", True), ("fp32", False)):
            settings = dict(run__steps=5, precision__mode=mode, model__tied_embeddings=tied)
            one = self.train(f"one-{mode}-{tied}", layout(1), **settings)
            for number, other in enumerate(SCHEDULES if (mode, tied) == ("fp32", True) else SCHEDULES[2::5]):
                with self.subTest(mode=mode, tied=tied, layout=other):
                    self.assert_same_bits(one, self.train(f"{mode}-{tied}-{number}", other, **settings), other)

    def test_a_tied_embedding_waits_for_a_head_whose_weight_half_comes_last(self):
        each = lambda *actions: [f"{action.replace('#', str(m))}" for action in actions for m in range(8)]
        csv = self.folder / "late_head.csv"
        csv.write_text("\n".join(",".join(row) for row in (each("0F#", "3F#", "3I#", "0B#", "3W#"), each("1F#", "2F#", "2B#", "1B#"))) + "\n")
        late = self.train("late-head", layout(2, 2, f"csv:{csv}"))
        self.assert_same_bits(self.train("head-in-time", layout(1)), late)

    def test_recomputing_changes_no_bit(self):
        for mode in ("fp32", "bf16-qat"):
            one = self.train(f"kept-{mode}", layout(1), precision__mode=mode)
            for number, (other, recompute, layers) in enumerate(RECOMPUTES):
                with self.subTest(mode=mode, layout=other, recompute=recompute):
                    again = self.train(f"repeated-{mode}-{number}", other, precision__mode=mode, parallel__recompute=recompute,
                                       parallel__recompute_layers=layers, parallel__memory_cap=1.1 if recompute == "auto" else 0)
                    self.assert_same_bits(one, again, other)

    def test_edges_that_round_nothing_change_no_bit_and_others_round_at_every_cut(self):
        one = self.train("qat", layout(1), precision__mode="bf16-qat")
        wide = self.train("wide", layout(2, 2, "zb-h1"), precision__mode="bf16-qat", parallel__edge_dtype="fp32")
        self.assert_same_bits(one, wide)
        narrow = dict(precision__mode="fp32", parallel__edge_dtype="bf16")
        four = self.train("narrow-4", layout(4, 4, "1f1b"), **narrow)
        self.assert_same_bits(four, self.train("narrow-2", layout(2, 2, "zbv"), **narrow), "4 stages on 4 and on 2 ranks")
        self.assert_same_bits(self.train("narrow-1", layout(1), **narrow), self.train("plain-1", layout(1)), "one stage has no edge")
        process = launch.spillway("checkpoint", "diff", self.newest(four), self.newest(self.folder / "narrow-1"))
        self.assertEqual(process.returncode, 1, "bf16 edges round")

    def test_a_run_may_change_its_layout_whenever_it_resumes(self):
        settings = dict(**REPRODUCIBLE, optimizer__decay_steps=8, data__mutation__rate=0.4)
        whole = self.train("whole", layout(1), run__steps=8, **settings)
        for first in range(len(RESHAPES)):
            path = [RESHAPES[(first + step * (2 * step + 1)) % len(RESHAPES)] for step in range(4)]  # three reshapes
            with self.subTest(path=path):
                for part, shape in enumerate(path):
                    newest = self.train(f"reshaped-{first}", shape, run__steps=2 * part + 2, **settings)
                self.assert_same_bits(whole, newest, path)


if __name__ == "__main__":
    unittest.main()
