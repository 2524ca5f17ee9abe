"""scripts/report.py: complete runs, runs with missing or damaged parts, wrong folders, and what a browser makes of the page."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "scripts" / "report.py"
MAKE_RUN = sys.argv[1]
TITLES = ["Loss", "Tokens per second", "Where a step's time goes", "Pipeline timeline", "Gradient compression", "Mutation mix",
          "Run facts", "Events"]


def report(*words):
    return subprocess.run([sys.executable, REPORT, *map(str, words)], text=True, capture_output=True, timeout=120)


def without_scripts(page):
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.base = pathlib.Path(cls.holder.name)
        for name, speed in (("fast", "1"), ("slow", "0.7")):
            subprocess.run([MAKE_RUN, cls.base / name, speed], check=True, timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def copy(self, *parts):
        """A run folder with only these parts of the complete one."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.base))
        for part in parts:
            source = self.base / "fast" / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
        return folder

    def page(self, *words):
        done = report(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return pathlib.Path(done.stdout.strip()).read_text()

    def test_a_run_gives_one_page_that_needs_nothing_else(self):
        page = self.page(self.base / "fast")
        self.assertTrue((self.base / "fast" / "report.html").exists())
        text = without_scripts(page)
        for title in TITLES:
            self.assertIn(f"<h2>{title}</h2>", text)
        self.assertNotIn("Missing in", text)
        self.assertNotIn("Not shown", text)
        self.assertNotRegex(page, r"<(script|link|img)[^>]*(src|href)=")
        self.assertEqual(page.count('class="plotly-graph-div"'), 6)

    def test_runs_overlay(self):
        page = self.page(self.base / "fast", self.base / "slow", "-o", self.base / "two.html")
        self.assertEqual(page.count('class="plotly-graph-div"'), 4 + 2 * 2)
        for name in ("fast", "slow"):
            self.assertIn(f'"name":"{name} validation"', page)

    def test_runs_of_one_name_are_told_apart(self):
        other = self.base / "elsewhere" / "fast"
        shutil.copytree(self.base / "fast", other)
        page = self.page(self.base / "fast", other, "-o", self.base / "same.html")
        self.assertIn('"name":"elsewhere\\u002ffast"', page.replace("elsewhere/fast", "elsewhere\\u002ffast"))

    def test_missing_parts_are_named_and_the_rest_is_shown(self):
        text = without_scripts(self.page(self.copy("metrics.jsonl")))
        for words in ("no run.json", "no events.jsonl", "no traces", "Not shown: no run has a trace in traces/"):
            self.assertIn(words, text)
        text = without_scripts(self.page(self.copy("run.json")))
        for words in ("no metrics.jsonl", "Not shown: no run has a loss", "spillway train"):
            self.assertIn(words, text)

    def test_a_rehearsal_is_shown_without_what_only_training_has(self):
        run = self.copy("run.json", "traces")
        facts = json.loads((run / "run.json").read_text())
        facts["starts"][-1]["command"] = ["spillway", "rehearse", "--parallel.stages=2"]
        (run / "run.json").write_text(json.dumps(facts))
        rows = [{"step": step, "pipeline/makespan(s)": 0.25 * step, "pipeline/predicted_makespan(s)": 0.5} for step in (1, 2, 3)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        text = without_scripts(self.page(run))
        for title in ("Loss", "Tokens per second", "Gradient compression", "Mutation mix"):
            self.assertNotIn(f"<h2>{title}</h2>", text)
        self.assertIn("<h2>Pipeline timeline</h2>", text)
        self.assertRegex(text, "<b>500 ms</b><span>makespan, median</span>")
        self.assertIn("makespan predicted, median", text)
        self.assertNotIn("checkpoints saved", text)
        both = without_scripts(self.page(run, self.base / "fast", "-o", self.base / "both.html"))
        self.assertIn("<h2>Loss</h2>", both)

    def test_damaged_parts_are_named_and_the_rest_is_shown(self):
        run = self.copy("metrics.jsonl", "traces", "run.json")
        (run / "run.json").write_text("{")
        (run / "traces" / "step-201.json").write_text('{"traceEvents": [')
        with open(run / "metrics.jsonl", "a") as file:
            file.write('{"step": 201, "loss_me')
        text = without_scripts(self.page(run))
        for words in ("run.json is not readable", "traces/step-201.json is not readable", "metrics.jsonl: 1 torn line skipped"):
            self.assertIn(words, text)
        self.assertNotIn("no run has a trace", text)

    def test_text_of_the_run_is_escaped(self):
        run = self.copy("metrics.jsonl")
        (run / "events.jsonl").write_text(json.dumps({"event": "fault", "step": 1, "message": "<b>&</b>", "level": "fault"}) + "\n")
        self.assertIn("&lt;b&gt;&amp;&lt;/b&gt;", self.page(run))

    def test_a_wrong_folder_is_one_line_and_exit_code_2(self):
        file = self.base / "file"
        file.write_text("")
        for path, words in ((self.base / "nowhere", "no such folder"), (file, "not a folder"), (self.copy(), "not a run folder")):
            done = report(path)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertIn(words, done.stderr)
        done = report(self.base / "fast", "-o", "/nonexistent/x.html")
        self.assertEqual((done.returncode, done.stderr), (3, "report.py: /nonexistent/x.html: No such file or directory\n"))

    def test_a_browser_draws_every_figure(self):
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            self.skipTest("no chromium here: the page is not drawn")
        self.page(self.base / "fast", "-o", self.base / "drawn.html")
        done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.base / 'browser'}",
                               "--virtual-time-budget=10000", "--enable-logging=stderr", "--dump-dom",
                               f"file://{self.base / 'drawn.html'}"], text=True, capture_output=True, timeout=120)
        self.assertEqual([line for line in done.stderr.splitlines() if "CONSOLE" in line], [])
        self.assertEqual(done.stdout.count("plotly-graph-div js-plotly-plot"), 6)
        self.assertGreaterEqual(done.stdout.count('class="trace bars'), 3)
        self.assertRegex(done.stdout, r">0F0</text>")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
