"""Grows a corpus with the program, kills it on the way, and checks with h5py alone that originals come back."""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

import h5py

PROGRAM = os.environ["SPILLWAY_BINARY"]


def run(*words, code=0):
    result = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=100)
    assert result.returncode == code, (words, result.returncode, result.stdout, result.stderr)
    return result


def write_sources(folder):
    draw = random.Random(5)
    subjects = "The scheduler,The driver,A reader,The cache,Every queue,The old device".split(",")
    verbs = "is,was,can be,must be,does not seem,has been".split(",")
    ends = "ready before the writer stops,larger than 12 pages,always open,slow and small,in the same file".split(",")
    paragraphs = []
    for i in range(300):
        sentences = [f"{draw.choice(subjects)} {draw.choice(verbs)} {draw.choice(ends)}." for _ in range(draw.randrange(1, 9))]
        chinese = "内核是一个系统程序，它可以管理内存和设备。" * draw.randrange(1, 6)
        paragraphs.append(f"Part {i}. " + " ".join(sentences) if i % 5 else chinese + str(i))
    (folder / "a.rst").write_text("\n\n".join(paragraphs))
    dialogues = [[["user", f"Is it {i}?"], ["assistant", f"It is not {i}."], ["user", "I see."]] for i in range(60)]
    (folder / "b.jsonl").write_text("".join(
        json.dumps({"turns": [{"role": r, "text": t} for r, t in d]}) + "\n" for d in dialogues))


def read(corpus):
    """Samples as (bytes, operator, original by the edits)."""
    for shard in sorted(corpus.glob("shard-*.h5")):
        with h5py.File(shard, "r") as file:
            names = file["names/operators"][:].tobytes().decode().split("\n")
            data, offsets = file["data/bytes"][:].tobytes(), file["data/offsets"][:].tolist()
            column = {name: file["provenance/" + name][:].tolist() for name in (
                "operator", "edit_offsets", "edit_begin", "edit_length", "original_offsets")}
            replaced = file["provenance/original"][:].tobytes()
        for i in range(len(offsets) - 1):
            text, original, at = data[offsets[i]:offsets[i + 1]], b"", 0
            for edit in range(column["edit_offsets"][i], column["edit_offsets"][i + 1]):
                begin = column["edit_begin"][edit]
                original += text[at:begin]
                original += replaced[column["original_offsets"][edit]:column["original_offsets"][edit + 1]]
                at = begin + column["edit_length"][edit]
            yield text, names[column["operator"][i]], original + text[at:]


def check_originals(base, grown):
    originals = [text for text, _, _ in read(base)]
    mutants = 0
    for j, (text, operator, original) in enumerate(read(grown)):
        assert original == originals[j % len(originals)], (j, operator)
        assert j >= len(originals) or (text == original and operator == "")
        mutants += operator != ""
        text.decode()
    return len(originals), mutants


def kill_on_the_way(*words, until):
    process = subprocess.Popen([PROGRAM, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.time() + 60
    while not until() and process.poll() is None and time.time() < limit:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def check_show(grown):
    """Of each category one mutant is shown beside its original."""
    first = {}
    for j, (_, operator, _) in enumerate(read(grown)):
        if operator != "swap_roles":  # changes the turn table alone
            first.setdefault(operator, j)
    categories = {o["name"]: o["category"] for o in json.loads(run("corpus", "operators", "--format", "json").stdout)}
    assert set(first) - {""} <= set(categories) and len(categories) > 40
    for operator in {categories[name]: name for name in first if name}.values():
        shown = run("corpus", "show", grown, first[operator]).stdout
        assert f"by {operator}" in shown and categories[operator] in shown
        assert "{+" in shown or "[-" in shown, shown


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_sources(folder)
        base, grown, killed, none = folder / "base", folder / "grown", folder / "killed", folder / "none"
        run("corpus", "build", "--from", folder / "a.rst", folder / "b.jsonl", "--out", base)
        request = ["--samples", 12000, "--format", "json"]
        first = json.loads(run("corpus", "mutate", "--in", base, "--out", grown, "--threads", 1, *request).stdout)
        bases, mutants = check_originals(base, grown)
        assert first["samples"] == 12000 and first["parent"] == "base" and first["base_samples"] == bases
        assert mutants + first["unmutated"] + bases == 12000
        run("corpus", "verify", grown)

        words = ["corpus", "mutate", "--in", base, "--out", killed, "--threads", 2, *request]
        kill_on_the_way(*words, until=lambda: (folder / "killed.tmp" / "shard-00002.json").exists())
        second = json.loads(run(*words).stdout)
        assert second["kept_shards"] >= 1, "the kill came too late to test anything"
        assert second["root"] == first["root"] and second["operators"] == first["operators"]
        check_show(grown)
        grow = ["corpus", "mutate", "--in", base, "--out"]
        bad = run(*grow, none, "--samples", 5, "--operators", "togle_negation", code=2).stderr
        assert "did you mean \"toggle_negation\"" in bad
        assert "--samples is missing" in run(*grow, none, code=2).stderr
        assert "already exists" in run(*grow, grown, "--samples", 5, code=2).stderr
        assert not none.exists()
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
