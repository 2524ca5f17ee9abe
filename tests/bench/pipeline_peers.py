"""One rank of torch.distributed.pipelining over gloo, for pipeline_bench.py: the GPT of the benchmark in plain PyTorch eager.

usage: pipeline_peers.py RANK RENDEZVOUS_FILE
Reads lines "SCHEDULE STEPS" from stdin ("one-rank": the same model without a pipeline, on rank 0 alone) and answers each with
one JSON line, a list with one entry a step: seconds (of the step: pipeline, gradient norm over all ranks, clip, fused AdamW),
makespan (of the pipeline on this rank), busy (seconds inside its actions), costs ({stage: [F, I, W]}, medians over the
micro-batches; a whole backward is under I), gradient_norm."""
import datetime
import json
import statistics
import sys
import time

import torch
import torch.distributed as dist
import torch.distributed.pipelining as pipelining
import torch.nn.functional as F
from torch import nn

RANKS = 2
LAYERS, HIDDEN, HEADS, LENGTH, VOCABULARY = 8, 256, 4, 128, 512
MICROBATCHES, MICROBATCH_SIZE = 8, 2
CLIP_NORM = 1.0


def fold(rank):
    return [rank, 2 * RANKS - 1 - rank]


def loop(rank):
    return [rank, rank + RANKS]


# Schedule -> its class, and the stages of a rank.
SCHEDULES = {
    "gpipe": (pipelining.ScheduleGPipe, lambda rank: [rank]),
    "1f1b": (pipelining.Schedule1F1B, lambda rank: [rank]),
    "interleaved-1f1b": (pipelining.ScheduleInterleaved1F1B, loop),
    "interleaved-zb": (pipelining.ScheduleInterleavedZeroBubble, loop),
    "zbv": (pipelining.ScheduleZBVZeroBubble, fold),
}


def start(module, number):
    """Weights of layer `number`: the same in any stage."""
    torch.manual_seed(number)
    for weight in module.parameters():
        if weight.dim() == 2:
            nn.init.normal_(weight, std=0.02)
    return module


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(HIDDEN), nn.LayerNorm(HIDDEN)
        self.query_key_value, self.attention_output = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.up, self.down = nn.Linear(HIDDEN, 4 * HIDDEN), nn.Linear(4 * HIDDEN, HIDDEN)
        for linear in (self.query_key_value, self.attention_output, self.up, self.down):
            nn.init.zeros_(linear.bias)

    def forward(self, x):
        batch, length, _ = x.shape
        projected = self.query_key_value(self.attention_norm(x)).view(batch, length, 3, HEADS, -1)
        query, key, value = (part.transpose(1, 2) for part in projected.unbind(2))
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attention_output(mixed.transpose(1, 2).reshape(batch, length, HIDDEN))
        return x + self.down(F.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))


class Part(nn.Module):
    """Stage `stage` of `stages` equal ones; ids [B, T] in at the first, logits [B, T, V] out of the last."""

    def __init__(self, stage, stages):
        super().__init__()
        first, last, count = stage == 0, stage + 1 == stages, LAYERS // stages
        self.token = start(nn.Embedding(VOCABULARY, HIDDEN), LAYERS) if first else None
        self.position = start(nn.Embedding(LENGTH, HIDDEN), LAYERS + 1) if first else None
        self.blocks = nn.ModuleList(start(Block(), stage * count + i) for i in range(count))
        self.norm = nn.LayerNorm(HIDDEN) if last else None
        self.head = start(nn.Linear(HIDDEN, VOCABULARY, bias=False), LAYERS + 2) if last else None

    def forward(self, x):
        if self.token is not None:
            x = self.token(x) + self.position.weight[:x.shape[1]]
        for block in self.blocks:
            x = block(x)
        return x if self.head is None else self.head(self.norm(x))


def loss_of(logits, targets):
    """This micro-batch's share of the mean over the step's tokens."""
    whole = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    return whole / (MICROBATCHES * MICROBATCH_SIZE * LENGTH)


class Actions:
    """What a schedule's actions on this rank took: (stage, F | B | I | W) -> seconds of each micro-batch."""

    def __init__(self):
        self.seconds = {}

    def watch(self, schedule, stages):
        for stage in stages:
            self.wrap(stage, "forward_one_chunk", lambda _: "F")
            self.wrap(stage, "backward_one_chunk", lambda how: "B" if how.get("full_backward", True) else "I")
            self.wrap(stage, "backward_weight_one_chunk", lambda _: "W")
        compute_loss = schedule._maybe_compute_loss

        def timed_loss(stage, *rest):
            begin = time.perf_counter()
            compute_loss(stage, *rest)
            if stage.is_last:  # part of the forward before it
                self.seconds[stage.stage_index, "F"][-1] += time.perf_counter() - begin

        schedule._maybe_compute_loss = timed_loss

    def wrap(self, stage, name, op_of):
        call = getattr(stage, name)

        def timed(*words, **how):
            begin = time.perf_counter()
            result = call(*words, **how)
            self.seconds.setdefault((stage.stage_index, op_of(how)), []).append(time.perf_counter() - begin)
            return result

        setattr(stage, name, timed)

    def take(self):
        """Busy seconds, and the costs of each stage."""
        seconds, self.seconds = self.seconds, {}
        busy = sum(map(sum, seconds.values()))
        median = lambda stage, op: statistics.median(seconds.get((stage, op), [0.0]))
        costs = {stage: [median(stage, "F"), median(stage, "I") + median(stage, "B"), median(stage, "W")] for stage, _ in seconds}
        return busy, costs


class Pipeline:
    """A schedule's pipeline of this rank."""

    def __init__(self, name, rank):
        kind, stages_of = SCHEDULES[name]
        numbers = stages_of(rank)
        count = RANKS * len(numbers)
        self.parts = [Part(number, count) for number in numbers]
        stages = [pipelining.PipelineStage(part, number, count, torch.device("cpu")) for part, number in zip(self.parts, numbers)]
        for stage in stages:  # a message to itself on a rank with two neighbours, which gloo refuses; it only opens connections
            stage._get_init_p2p_neighbors_ops = list
        one = len(stages) == 1
        self.schedule = kind(stages[0] if one else stages, MICROBATCHES, loss_fn=loss_of, scale_grads=False)
        self.has_first, self.has_last = 0 in numbers, count - 1 in numbers
        self.actions = Actions()
        self.actions.watch(self.schedule, stages)

    def run(self, tokens, targets):
        self.schedule.step(*([tokens] if self.has_first else []), target=targets if self.has_last else None, return_outputs=False)


class OneRank:
    """The whole model, micro-batch after micro-batch."""

    def __init__(self):
        self.parts = [Part(0, 1)]
        self.actions = Actions()

    def run(self, tokens, targets):
        begin = time.perf_counter()
        for x, y in zip(tokens.chunk(MICROBATCHES), targets.chunk(MICROBATCHES)):
            loss_of(self.parts[0](x), y).backward()
        self.actions.seconds = {(0, "B"): [time.perf_counter() - begin]}


def measure(pipeline, steps, ranks):
    weights = [weight for part in pipeline.parts for weight in part.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    tokens, targets = torch.randint(VOCABULARY, (2, MICROBATCHES * MICROBATCH_SIZE, LENGTH), generator=torch.Generator().manual_seed(1))
    result = []
    for _ in range(steps):
        begin = time.perf_counter()
        pipeline.run(tokens, targets)
        makespan = time.perf_counter() - begin
        gradients = [weight.grad for weight in weights]
        square = nn.utils.get_total_norm(gradients) ** 2
        if ranks > 1:
            dist.all_reduce(square)
        nn.utils.clip_grads_with_norm_(weights, CLIP_NORM, square.sqrt())
        optimizer.step()
        optimizer.zero_grad()
        busy, costs = pipeline.actions.take()
        seconds = time.perf_counter() - begin
        result.append({"seconds": seconds, "makespan": makespan, "busy": busy, "costs": costs, "gradient_norm": square.sqrt().item()})
    return result


def main():
    rank, rendezvous = int(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=RANKS, timeout=datetime.timedelta(seconds=60))
    for line in sys.stdin:
        name, steps = line.split()
        if name == "one-rank":
            result = measure(OneRank(), int(steps), 1) if rank == 0 else []
        else:
            result = measure(Pipeline(name, rank), int(steps), RANKS)
        print(json.dumps(result), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
