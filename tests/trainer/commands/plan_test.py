"""`spillway plan`: schedules simulated from costs given by hand, checks, comparison, files, bad input."""

import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
import launch


def plan(*words, stages=4, microbatches=8, schedule="1f1b", costs="F=1,I=1,W=1"):
    settings = [f"--parallel.stages={stages}", f"--parallel.microbatches={microbatches}", f"--parallel.schedule={schedule}"]
    given = [] if costs is None else ["--costs", costs]
    return launch.spillway("plan", *settings, *given, *words)


class Plan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="spillway-plan-")
        cls.folder = pathlib.Path(cls.scratch.name)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def json(self, *words, **kwargs):
        process = plan("--format", "json", *words, **kwargs)
        self.assertEqual(process.returncode, 0, process.stderr)
        return json.loads(process.stdout)

    def refused(self, *words, code=2, says=(), **kwargs):
        process = plan(*words, **kwargs)
        self.assertEqual(process.returncode, code, process.stderr)
        lines = process.stderr.splitlines()
        self.assertEqual(len(lines), 1, process.stderr)
        for word in says:
            self.assertIn(word, lines[0])
        return process

    def schedule_file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return f"csv:{path}"

    def test_closed_form_without_a_model(self):
        # (m + p - 1)(F + I + W), idle (p - 1)(F + I + W), min(m, p - r) activations; more stages than default layers.
        for p, m in ((1, 3), (4, 8), (16, 5)):
            got = self.json("--ranks", str(p), stages=p, microbatches=m, costs="F=1,I=0.5,W=2")
            self.assertAlmostEqual(got["makespan"], (m + p - 1) * 3.5)
            for rank in range(p):
                self.assertAlmostEqual(got["idle"][rank], (p - 1) * 3.5)
                self.assertEqual(got["peak_activations"][rank], min(m, p - rank))

    def test_hop_costs_what_was_computed_elsewhere(self):
        # 41 units: 1F1B on 4 ranks with hops of half a forward.
        self.assertEqual(self.json(costs="F=1,I=1,W=1,comm=0.5")["makespan"], 41)

    def test_costs_of_each_stage(self):
        got = self.json(stages=2, microbatches=1, costs="F=1;2,I=3;4,W=5;6,comm=0.25")
        self.assertEqual(got["makespan"], 1 + 2 + 4 + 6 + 3 + 5 + 2 * 0.25)
        self.refused(costs="F=1;2,I=1,W=1", says=("F lists 2 stages", "1 number, or 4"))

    def test_schedule_of_a_file_with_chunks_on_a_v(self):
        name = self.schedule_file("v.csv", "0F0,3F0,3I0,3W0,0B0\n1F0,2F0,2B0,1I0,1W0\n")
        got = self.json("--parallel.chunks=2", "--placement", "v", stages=2, microbatches=1, schedule=name, costs="F=2,I=2,W=2")
        self.assertEqual(got["chunks"], 2)
        self.assertEqual(got["peak_activations"], [1, 1])
        # A chunk costs half; 3W0 runs while 2B0 does; only the W of stage 1 is off the chain.
        self.assertEqual(got["makespan"], 4 + 1 + 2 + 1 + 2)
        self.refused("--parallel.chunks=2", "--placement", "loop", stages=2, microbatches=1, schedule=name,
                     says=("--placement = loop", "ranks 0 1 1 0", "valid: v"))

    def test_invalid_schedule_is_named_and_shown(self):
        name = self.schedule_file("bad.csv", "0F0,0B1,0F1,0B0\n1F0,1B0,1F1,1B1\n")
        process = self.refused(stages=2, microbatches=2, schedule=name, says=("bad.csv", "rank 0, action 2: 0B1 comes before 0F1"))
        self.assertIn("> rank 0   0F0  >0B1<", process.stdout)

    def test_memory_cap(self):
        self.assertEqual(self.json("--memory-cap", "4")["makespan"], 33)
        self.refused("--memory-cap", "3.5", code=1, says=("1f1b", "holds 4 activations on rank 0", "the cap is 3.5"))
        self.refused("--memory-cap", "0", says=("--memory-cap = 0", "above 0"))

    def test_recomputation_is_chosen_by_makespan_under_the_cap(self):
        model = ["--model.layers=8", "--model.hidden=64", "--model.heads=4", "--model.sequence_length=64"]
        for schedule in ("1f1b", "auto"):
            for cap in (1.2, 2, 2.5, 4):
                with self.subTest(schedule=schedule, cap=cap):
                    options = [*model, "--memory-cap", cap]
                    each = {}
                    for recompute in ("none", "selective", "full"):
                        process = plan("--format", "json", f"--parallel.recompute={recompute}", *options, schedule=schedule, costs=None)
                        if process.returncode == 0:
                            each[recompute] = json.loads(process.stdout)["makespan"]
                    got = self.json("--parallel.recompute=auto", *options, schedule=schedule, costs=None)
                    self.assertLessEqual(max(got["peak_activations"]), cap + 1e-9)
                    self.assertEqual(got["makespan"], min(each.values()), each)
                    self.assertEqual(each[got["recompute"]], got["makespan"])
        self.assertEqual(self.json("--parallel.recompute=auto", *model, costs=None)["recompute"], "none")
        self.assertEqual(self.json("--parallel.recompute=auto", "--memory-cap", 1.2, *model, costs=None)["recompute"], "full")
        rows = self.json("--parallel.recompute=auto", "--compare", "--memory-cap", 2.5, *model, costs=None)["schedules"]
        one = {row["recompute"]: row["verdict"] for row in rows if row["schedule"] == "1f1b"}
        self.assertEqual(set(one), {"none", "selective", "full"})
        self.assertEqual(one["none"], "holds 4 activations, the cap is 2.5")
        self.assertIn("slower by", one["full"])
        self.refused("--parallel.recompute=auto", "--memory-cap", 0.3, *model, schedule="auto", costs=None, says=("0.3",))

    def test_edges_follow_their_type(self):
        of = lambda *settings: self.json("--model.layers=8", *settings, costs=None)["edge_bytes"]
        self.assertEqual(of("--parallel.edge_dtype=bf16"), of() / 2)
        self.assertEqual(of("--parallel.edge_dtype=fp32", "--precision.mode=bf16-qat"), of())

    def test_eager_and_rendezvous(self):
        hop = "F=0.1,I=0.1,W=0.1,comm=5"
        eager = self.json("--sends", "eager", costs=hop)["makespan"]
        self.assertLessEqual(eager, self.json(costs=hop)["makespan"])
        self.refused("--sends", "lazy", says=("--sends", "lazy", "rendezvous | eager"))

    def test_bad_costs_say_where(self):
        self.refused(costs="F=1,X=1", says=("character 5", "F= | I= | W= | R= | comm="))
        self.refused(costs="F=1,I=1,W=1;", says=("character 13", "a number of at least 0"))

    def test_files(self):
        trace, svg, csv = (self.folder / name for name in ("t.json", "t.svg", "t.csv"))
        self.json("--trace", trace, "--svg", svg, "--csv", csv)
        spans = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] == "X"]
        self.assertEqual(len([span for span in spans if span["pid"] == 0]), 4 * 8 * 2)
        self.assertEqual(max(span["ts"] + span["dur"] for span in spans), 33000)
        self.assertTrue(xml.etree.ElementTree.parse(svg).getroot().tag.endswith("svg"))
        self.assertEqual(self.json(schedule=f"csv:{csv}")["makespan"], 33)
        self.refused("--svg", self.folder / "nowhere" / "t.svg", says=("--svg: cannot write",))

    def test_comparison_picks_and_says_why(self):
        got = self.json("--compare", costs="F=1,I=1,W=1,comm=0.5")
        rows = {row["schedule"]: row for row in got["schedules"]}
        self.assertEqual(got["picked"], got["schedules"][0]["schedule"])
        self.assertEqual(got["schedules"][0]["verdict"], "picked")
        self.assertEqual(rows["1f1b"]["makespan"], 41)
        self.assertEqual(rows["gpipe"]["makespan"], 36)
        capped = self.json("--compare", "--memory-cap", "4", costs="F=1,I=1,W=1,comm=0.5")
        rows = {row["schedule"]: row for row in capped["schedules"]}
        self.assertEqual(rows["gpipe"]["verdict"], "holds 8 activations, the cap is 4")
        self.assertIs(rows["gpipe"]["fits"], False)
        table = plan("--compare").stdout
        self.assertIn("| picked", table)
        self.refused("--compare", "--memory-cap", "0.1", code=1, says=("no schedule",))

    def test_auto_is_never_worse_and_keeps_its_limits(self):
        costs = "F=1,I=1,W=1,comm=0.5"
        # Proved optima: 33 with the 4 activations of zb-h1, 28.5 with 6.
        for cap, optimum in (("4", 33), ("6", 28.5)):
            got = self.json("--placement", "linear", "--memory-cap", cap, schedule="auto", costs=costs)
            self.assertGreaterEqual(got["makespan"], optimum - 1e-9)
            self.assertLessEqual(got["makespan"], optimum * 1.03)
            self.assertLessEqual(max(got["peak_activations"]), float(cap))
            self.assertEqual(got["placement"], "linear")
        free = self.json(schedule="auto", costs=costs)
        rows = self.json("--compare", costs=costs)["schedules"]
        self.assertLessEqual(free["makespan"], min(row["makespan"] for row in rows if row["schedule"] != "auto") + 1e-9)
        self.assertIn("auto", [row["schedule"] for row in rows])
        csv = self.folder / "auto.csv"
        plan("--csv", csv, schedule="auto", costs=costs)
        self.assertAlmostEqual(self.json(schedule=f"csv:{csv}", costs=costs)["makespan"], free["makespan"])
        self.refused("--memory-cap", "0.5", "--placement", "linear", schedule="auto", costs=costs, says=("0.5",))

    def test_with_a_model(self):
        model = ("--model.layers=4", "--model.hidden=64", "--model.heads=2", "--parallel.microbatch_size=2", "--model.sequence_length=32")
        got = self.json(*model, stages=2, microbatches=4, costs=None)
        self.assertEqual(got["time_unit"], "forwards")
        self.assertEqual(got["edge_bytes"], 2 * 4 * 2 * 32 * 64 * 4)  # both ways, micro-batches of 2 x 32 tokens, fp32
        self.assertEqual(len(got["stage_ranks"]), 2)
        self.assertGreater(got["peak_bytes"][0], 2 * 2 * 16 * 64 * 2 * 32 * 4)  # 2 micro-batches, 2 layers of 16 h a token
        compared = self.json("--compare", *model, stages=2, microbatches=4, costs=None)
        self.assertGreater(compared["schedules"][0]["edge_bytes"], 0)
        self.refused("--model.layers=3", costs=None, says=("model.layers = 3", "parallel.stages"))


if __name__ == "__main__":
    unittest.main()
