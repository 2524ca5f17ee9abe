"""scripts/sweep_report.py: a whole sweep, cells that diverged or took no exact mean, wrong folders, and what a browser makes of the page."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

REPORT = pathlib.Path(os.environ["SPILLWAY_SOURCE"]) / "scripts" / "sweep_report.py"


def cell(name, payload, seconds, loss, pareto, errors=True):
    losses = [None] * 3 if loss is None else [5.0, 4.0, loss]
    return {"name": name, "step_seconds": seconds, "compress_seconds": 0.001, "wire_seconds": 0.01, "decompress_seconds": 0.002,
            "exposed_seconds": 0.003, "payload_bytes": payload, "dense_bytes": 4e6, "error_norm": 0.5, "tokens_per_second": 1e4,
            "loss": losses, "elapsed_seconds": [seconds, 2 * seconds, 3 * seconds], "relative_l2": 0.1, "cosine": 0.99,
            "errors": [{"step": 2, "relative_l2": 0.1, "cosine": 0.99}] if errors else [], "final_loss": loss,
            "seconds_to_loss": None if loss is None else 3 * seconds, "pareto": pareto}


class SweepReport(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def report(self, *words):
        return subprocess.run([sys.executable, REPORT, *map(str, words)], text=True, capture_output=True, timeout=120)

    def write(self, *cells):
        (self.folder / "sweep.json").write_text(json.dumps({"replicas": 2, "target_loss": 3.5, "cells": cells}))

    def page(self):
        done = self.report(self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return pathlib.Path(done.stdout.strip()).read_text()

    def test_every_cell_is_in_table_and_figures(self):
        self.write(cell("bf16", 2e6, 0.1, 3.0, True), cell("powersgd,approximation_rank=4", 5e4, 0.05, 3.2, True),
                   cell("<none>", 4e6, 0.2, 3.0, False), cell("diverged", 1e4, 0.05, None, False))
        page = self.page()
        self.assertEqual(page.count('class="plotly-graph-div"'), 5)
        for words in ("<td>powersgd,approximation_rank=4</td>", "&lt;none&gt;", "<td>not finite</td>", "on 2 replicas"):
            self.assertIn(words, page)
        self.assertNotIn("<none>", page)

    def test_without_exact_means_the_page_says_so(self):
        self.write(cell("bf16", 2e6, 0.1, 3.0, True, errors=False))
        page = self.page()
        self.assertEqual(page.count('class="plotly-graph-div"'), 4)
        self.assertIn("no exact mean was taken", page)

    def test_a_wrong_folder_is_one_line_and_exit_code_2(self):
        for content, words in ((None, "no finished sweep"), ("{", "not readable"), ("{}", "has no cells")):
            if content is not None:
                (self.folder / "sweep.json").write_text(content)
            done = self.report(self.folder)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
            self.assertIn(words, done.stderr)

    def test_a_browser_draws_every_figure(self):
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            self.skipTest("no chromium here: the page is not drawn")
        self.write(cell("bf16", 2e6, 0.1, 3.0, True), cell("powersgd", 5e4, 0.05, 3.2, True))
        self.page()
        done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder / 'browser'}",
                               "--virtual-time-budget=10000", "--enable-logging=stderr", "--dump-dom",
                               f"file://{self.folder / 'report.html'}"], text=True, capture_output=True, timeout=120)
        self.assertEqual([line for line in done.stderr.splitlines() if "CONSOLE" in line], [])
        self.assertEqual(done.stdout.count("plotly-graph-div js-plotly-plot"), 5)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
