"""Compares exported models, gradients and tokenizer with `transformers`, and imports what it saves.

Usage: exchange_test.py EXCHANGE_BINARY
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file

EXCHANGE = sys.argv[1]
CLASSES = {"gpt2": transformers.GPT2LMHeadModel, "llama": transformers.LlamaForCausalLM}
failures = []


def expect(condition, message):
    print(("ok    " if condition else "FAIL  ") + message)
    if not condition:
        failures.append(message)


def difference(a, b):
    return (a.double() - b.double()).abs().max().item()


transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def load(folder, dtype):
    family = folder.name.split("-")[0]
    model, report = CLASSES[family].from_pretrained(folder, dtype=dtype, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        expect(not report[kind], f"{folder.name}: {kind} {sorted(report[kind])}")
    return model.eval()


def check_export(folder):
    expected = load_file(folder / "expected.safetensors")
    tokens = expected["tokens"].long()
    stored = load_file(folder / "model.safetensors")
    bf16 = folder.name.endswith("bf16")
    dtype = torch.bfloat16 if bf16 else torch.float32
    expect(all(t.dtype == dtype for t in stored.values()), f"{folder.name}: stored as {dtype}")
    expect(transformers.AutoConfig.from_pretrained(folder).dtype == dtype, f"{folder.name}: config says {dtype}")
    with torch.no_grad():
        logits = load(folder, dtype)(tokens).logits
    # bf16: transformers rounds at other places, so only the size of the difference is bounded.
    limit = 0.05 * expected["logits"].abs().max().item() if bf16 else 1e-4
    expect(difference(logits, expected["logits"]) <= limit,
           f"{folder.name}: logits differ by {difference(logits, expected['logits']):.2e} (limit {limit:.1e})")
    if not bf16:
        check_gradients(folder, tokens, expected["loss"])


def check_gradients(folder, tokens, loss):
    """Against the gradients of transformers in float64."""
    model = load(folder, torch.float64)
    theirs = model(tokens, labels=tokens).loss
    expect(difference(theirs, loss) <= 1e-5, f"{folder.name}: loss differs by {difference(theirs, loss):.2e}")
    theirs.backward()
    ours = load_file(folder / "gradients" / "model.safetensors")
    worst, where = 0.0, ""
    for name, parameter in model.named_parameters():
        scale = parameter.grad.abs().max().item() + 1e-12
        relative = difference(parameter.grad, ours[name]) / scale
        if relative > worst:
            worst, where = relative, name
    expect(worst <= 1e-5, f"{folder.name}: gradients differ by {worst:.1e} of their largest entry ({where})")


def check_tokenizer(folder, texts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expect(len(tokenizer) == texts["vocabulary"], f"tokenizer: {len(tokenizer)} entries")
    for pair in texts["pairs"]:
        ids = tokenizer(pair["text"], add_special_tokens=False)["input_ids"]
        expect(ids == pair["ids"], f"tokenizer: ids of {pair['text'][:24]!r}")
        expect(tokenizer.decode(ids) == pair["text"], f"tokenizer: text of {pair['text'][:24]!r}")
    expect(tokenizer.convert_tokens_to_ids("<document_end>") == 257, "tokenizer: control tokens have their ids")


def check_import(folder, model, shards):
    torch.manual_seed(1)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.eval().save_pretrained(folder, max_shard_size="20KB" if shards else "1GB")
    expect((folder / "model.safetensors.index.json").exists() == shards, f"{folder.name}: saved in shards: {shards}")
    tokens = torch.randint(0, model.config.vocab_size, (2, 13))
    save_file({"tokens": tokens.float()}, folder / "tokens.safetensors")
    subprocess.run([EXCHANGE, "import", folder], check=True, timeout=60)
    ours = load_file(folder / "logits.safetensors")["logits"]
    with torch.no_grad():
        theirs = model(tokens).logits
    expect(difference(ours, theirs) <= 1e-4, f"{folder.name}: logits differ by {difference(ours, theirs):.2e}")


def check_imports(root):
    gpt2 = transformers.GPT2Config(vocab_size=61, n_positions=17, n_embd=24, n_layer=3, n_head=4)
    llama = {"vocab_size": 77, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3,
             "num_attention_heads": 6, "num_key_value_heads": 3, "max_position_embeddings": 17, "rms_norm_eps": 1e-6}
    check_import(root / "import-gpt2", transformers.GPT2LMHeadModel(gpt2), shards=False)
    check_import(root / "import-gpt2-shards", transformers.GPT2LMHeadModel(gpt2), shards=True)
    for theta in (10000.0, 500000.0):
        config = transformers.LlamaConfig(**llama, rope_parameters={"rope_type": "default", "rope_theta": theta})
        check_import(root / f"import-llama-{theta:.0f}", transformers.LlamaForCausalLM(config), shards=theta > 1e5)


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        subprocess.run([EXCHANGE, "export", root], check=True, timeout=60)
        folders = sorted(path for path in root.iterdir() if path.is_dir())
        expect(len(folders) == 8, f"{len(folders)} exported folders")
        for folder in folders:
            check_export(folder)
        check_tokenizer(folders[0], json.loads((root / "texts.json").read_text()))
        check_imports(root)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
