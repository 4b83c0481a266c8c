"""Golden files of cresset-data: Python's tokenizers and transformers on the tokenizers' test corpus.

    python scripts/golden_tokenizer.py vocabulary
        trains with Python's tokenizers and writes tests/golden/vocabulary.json
    CRESSET_FOLDERS=FOLDERS cargo test --release -p cresset-data write_folders -- --ignored
    python scripts/golden_tokenizer.py encodings FOLDERS
        loads the folders that the test wrote with transformers and writes tests/golden/encodings.json

Needs tokenizers and transformers. Hugging Face's WordPiece trainer numbers the pieces inside words in the order of a
hash map and breaks ties by number, so it gives another vocabulary each time: what all of many runs have in common is
kept, and what any of them has.
"""
import json
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent.parent / "crates/cresset-data/tests/golden"
CORPUS = (GOLDEN / "corpus.txt").read_text(encoding="utf8").splitlines()
PAIRS = [
    ["The old dog ran across the river.", None],
    ["She said: \"I don't know!\"", "The keys are under the stone."],
    ["Ein unbekanntes Wort: Quizzaciously, 世界, ꙮ, naïve", None],
    ["  two  spaces and\ta tab ", "x"],
]
RUNS = 20


def word_pieces():
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(CORPUS, vocab_size=300, min_frequency=2, show_progress=False)
    return sorted(tokenizer.get_vocab())


def byte_level():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<bos>", "<eos>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.get), [tokenizer.encode(text).ids for text, _ in PAIRS]


def vocabulary():
    # A process of its own for each run: the hash maps differ by process.
    command = [sys.executable, __file__, "one-run"]
    runs = [set(json.loads(subprocess.check_output(command))) for _ in range(RUNS)]
    pieces, ids = byte_level()
    write("vocabulary.json", {
        "word_pieces_always": sorted(set.intersection(*runs)),
        "word_pieces_sometimes": sorted(set.union(*runs) - set.intersection(*runs)),
        "byte_level": pieces,
        "byte_level_ids": ids,
    })


def encodings(folders):
    from transformers import AutoTokenizer

    result = {}
    for folder in sorted(Path(folders).iterdir()):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        encoded = [tokenizer(text, pair) if pair else tokenizer(text) for text, pair in PAIRS]
        entry = {"ids": [e["input_ids"] for e in encoded]}
        if "token_type_ids" in encoded[0]:
            entry["segments"] = [e["token_type_ids"] for e in encoded]
        entry["decoded"] = [tokenizer.decode(e["input_ids"], skip_special_tokens=True) for e in encoded]
        entry["pad"] = tokenizer.pad_token_id
        result[folder.name] = entry
    write("encodings.json", result)


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (GOLDEN / name).write_text(text + "\n", encoding="utf8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["vocabulary"]:
            vocabulary()
        case ["one-run"]:
            print(json.dumps(word_pieces()))
        case ["encodings", folders]:
            encodings(folders)
        case _:
            sys.exit(__doc__)
