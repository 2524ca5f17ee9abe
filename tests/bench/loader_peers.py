"""The corpus of loader_bench read the usual way: h5py in a PyTorch Dataset, shuffled DataLoader, padded int64 [32, 512].
usage: loader_peers.py FOLDER; prints one JSON line: medians over 5 rounds of process CPU seconds, workers 0."""
import json
import pathlib
import statistics
import sys
import time

import h5py
import numpy as np
import torch


class Samples(torch.utils.data.Dataset):
    def __init__(self, path, limit):
        self.file = h5py.File(path, "r")
        self.bytes = self.file["data/bytes"]
        self.offsets = self.file["data/offsets"][:limit + 1].astype(np.int64)

    def __len__(self):
        return len(self.offsets) - 1

    def __getitem__(self, index):
        return self.bytes[self.offsets[index]:self.offsets[index + 1]]


def pad(samples):
    batch = np.full((len(samples), 512), 263, np.int64)
    for row, sample in zip(batch, samples):
        row[:len(sample)] = sample[:512]
    return torch.from_numpy(batch), sum(min(len(sample), 512) for sample in samples)


def main():
    torch.set_num_threads(1)
    shard = sorted((pathlib.Path(sys.argv[1]) / "corpus").glob("shard-*.h5"))[0]
    samples = Samples(shard, 20000)
    rates, tokens = [], []
    for seed in range(5):
        loader = torch.utils.data.DataLoader(samples, 32, shuffle=True, collate_fn=pad,
                                             generator=torch.Generator().manual_seed(seed))
        start = time.process_time()
        count = sum(n for _, n in loader)
        seconds = time.process_time() - start
        rates.append(len(samples) / seconds)
        tokens.append(count / seconds)
    print(json.dumps({"bench": "torch DataLoader + h5py", "samples_per_second": statistics.median(rates),
                      "tokens_per_second": statistics.median(tokens)}))


if __name__ == "__main__":
    main()
