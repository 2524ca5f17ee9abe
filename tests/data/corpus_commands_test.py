"""Builds a corpus with the program, reads its shards with h5py alone, and damages copies of it."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import h5py
import numpy as np

PROGRAM = os.environ["SPILLWAY_BINARY"]


def run(*words, code=0):
    result = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert result.returncode == code, (words, result.returncode, result.stdout, result.stderr)
    return result


def write_sources(folder):
    draw = random.Random(3)
    words = "pipeline stage bucket gradient shard rank replica tensor 鸟 内核".split()
    paragraphs = [" ".join(draw.choices(words, k=draw.randrange(5, 60))) for _ in range(400)]
    (folder / "a.rst").write_text("\n\n".join(paragraphs))
    dialogues = [[["user", f"question {i}"], ["assistant", f"answer {i}\nline two"]] for i in range(30)]
    (folder / "b.jsonl").write_text("".join(
        json.dumps({"turns": [{"role": r, "text": t} for r, t in d]}, ensure_ascii=False) + "\n" for d in dialogues))
    return paragraphs, dialogues


def read_with_h5py(corpus):
    """All samples as (bytes, [(role, text)])."""
    samples = []
    for shard in sorted(corpus.glob("shard-*.h5")):
        with h5py.File(shard, "r") as file:
            assert file.attrs["sealed"] == 1
            data, offsets = file["data/bytes"][:], file["data/offsets"][:].astype(np.int64)
            turn_offsets = file["dialogue/turn_offsets"][:]
            roles = file["names/roles"][:].tobytes().decode().split("\n")
            begin, end, role = (file[f"dialogue/turn_{name}"][:] for name in ("begin", "end", "role"))
            for i in range(len(offsets) - 1):
                text = data[offsets[i]:offsets[i + 1]].tobytes()
                turns = [(roles[role[t]], text[begin[t]:end[t]].decode())
                         for t in range(turn_offsets[i], turn_offsets[i + 1])]
                samples.append((text.decode(), turns))
    return samples


def check_contents(corpus, paragraphs, dialogues):
    samples = read_with_h5py(corpus)
    assert [text for text, turns in samples if not turns] == paragraphs
    assert [[list(turn) for turn in turns] for _, turns in samples if turns] == dialogues
    stats = json.loads(run("corpus", "stats", corpus, "--format", "json").stdout)
    assert stats["samples"] == len(samples) == 430
    assert stats["turns"] == 60 and stats["categories"] == {"dialogue": 30, "text": 400}
    assert stats["tokens"] == sum(len(text.encode()) + 2 + 2 * len(turns) for text, turns in samples)
    shown = json.loads(run("corpus", "show", corpus, 405, "--format", "json").stdout)
    assert shown["text"] == "question 5\nanswer 5\nline two" and shown["origin"] == "b.jsonl:6"
    assert "[assistant] answer 5\nline two" in run("corpus", "show", corpus, 405).stdout


def check_damage(corpus, folder):
    shard = corpus / "shard-00000.h5"
    whole = shard.read_bytes()
    with h5py.File(shard, "r") as file:
        text_begin = file["data/bytes"].id.get_offset()
        offsets = file["data/offsets"][:]
    run("corpus", "verify", corpus)
    draw = random.Random(4)
    places = [(sample, text_begin + draw.randrange(int(offsets[sample]), int(offsets[sample + 1])))
              for sample in draw.sample(range(430), 2)]
    for sample, place in places + [(None, draw.randrange(len(whole))) for _ in range(4)]:
        broken = bytearray(whole)
        broken[place] ^= 1 << draw.randrange(8)
        shard.write_bytes(broken)
        result = run("corpus", "verify", corpus, code=1)
        assert "shard-00000.h5" in result.stdout, (place, result.stdout)
        if sample is not None:
            assert f"sample {sample}:" in result.stdout, (sample, result.stdout)
            assert f"sample {sample}" in run("corpus", "show", corpus, sample, code=3).stderr
    shard.write_bytes(whole[:len(whole) // 2])
    assert "truncated" in run("corpus", "verify", corpus, code=1).stdout
    assert "shard-00000.h5" in run("corpus", "show", corpus, 1, code=2).stderr
    shard.unlink()
    assert "No such file" in run("corpus", "verify", corpus, code=1).stdout
    shard.write_bytes(whole)
    run("corpus", "verify", corpus)


def check_full_disk(folder):
    """A full disk, played by a limit of 16 KiB on the size of files."""
    script = f"ulimit -f 16; trap '' XFSZ; exec {PROGRAM} corpus build --from {folder}/in --out {folder}/full"
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 3, (result.returncode, result.stderr)
    assert not (folder / "full").exists() and not (folder / "full.tmp").exists()
    assert "File too large" in result.stderr and result.stderr.count("\n") == 1, result.stderr


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "in").mkdir()
        paragraphs, dialogues = write_sources(folder / "in")
        corpus = folder / "corpus"
        built = json.loads(run("corpus", "build", "--from", folder / "in/a.rst", folder / "in/b.jsonl", "--out", corpus,
                               "--format", "json").stdout)
        assert built["samples"] == 430 and built["files"] == 2, built
        assert "already exists" in run("corpus", "build", "--from", folder / "in", "--out", corpus, code=2).stderr
        again = json.loads(run("corpus", "build", "--from", folder / "in", "--out", folder / "again", "--format", "json").stdout)
        assert again["root"] == built["root"]
        assert (folder / "again/shard-00000.h5").read_bytes() == (corpus / "shard-00000.h5").read_bytes()
        run("corpus", "build", "--from", folder / "in/b.jsonl", "--out", folder / "again", "--replace")
        assert len(read_with_h5py(folder / "again")) == 30
        check_contents(corpus, paragraphs, dialogues)
        check_damage(corpus, folder)
        check_full_disk(folder)


if __name__ == "__main__":
    sys.exit(main())
