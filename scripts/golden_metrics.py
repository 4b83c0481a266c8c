"""Golden values for cresset-metrics from sacrebleu, scikit-learn, scipy and seqeval, and from the rules of SQuAD and CMRC 2018.

python scripts/golden_metrics.py      (needs sacrebleu, scikit-learn, scipy, seqeval; the versions used are in the files)
Writes crates/cresset-metrics/tests/golden/{bleu,chrf,classes,multi_label,correlation,entities,squad}.json, small and meant to be read.
"""
import collections
import json
import random
import re
import string
import warnings
from importlib.metadata import version
from pathlib import Path

import sacrebleu
import scipy
import scipy.stats
import sklearn
import sklearn.metrics as sk
from sacrebleu.metrics import BLEU, CHRF
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as lenient_prf
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_prf
from seqeval.metrics.v1 import unique_labels
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES

OUT = Path(__file__).resolve().parent.parent / "crates/cresset-metrics/tests/golden"

# Each corpus: hypotheses and, per segment, its references.
CORPORA = {
    "ordinary": (
        ["The cat sat on the mat.", "He has read the book because it was about history.", "A dog barks."],
        [["The cat sat on a mat."], ["He read the book because he was interested in history."], ["A dog is barking."]],
    ),
    "identical": (["One two three four five.", "Six seven."], [["One two three four five."], ["Six seven."]]),
    "empty_hypothesis": (["", "A small house stands by the sea."], [["Nobody is here."], ["A small house stands near the sea."]]),
    "all_hypotheses_empty": (["", "  "], [["Nobody."], ["Nothing at all."]]),
    "empty_reference": (["some words", "A small house stands by the sea."], [[""], ["A small house stands by a sea."]]),
    "nothing_in_common": (["alpha beta gamma delta"], [["one two three four"]]),
    "too_short_for_four_grams": (["a b", "c"], [["a b"], ["c d"]]),
    "one_word": (["yes"], [["yes"]]),
    "no_four_gram_matches": (["a b c x d e f y", "g h"], [["a b c z d e f w"], ["g i"]]),
    "numbers": (
        ["It cost 1,234.50 euros, about 10-20% more than in 1999.", "Version 2.0, 3-4 weeks, .5 and 5."],
        [["It cost 1,234.50 euros, around 10-20 % more than in 1999."], ["Version 2.0; 3-4 weeks, 0.5 and 5."]],
    ),
    "punctuation": (
        ['"Well," she said -- (quietly) -- [no]! {yes} a/b @c #d $e ^f `g` ~h | i\\j <k>; l=m+n*o_p?', "don't won't U.S.A. e.g. ..."],
        [['"Well", she said - (quietly) - [no]! {yes} a / b @c #d $e ^f `g` ~h | i\\j <k>; l = m+n*o_p?'], ["do n't won't USA e.g. …"]],
    ),
    "markup": (
        ["Tom &amp; Jerry &quot;run&quot; &lt;b&gt; &amp;lt; <skipped>fast", "a hyphen-\nated word\nand a break"],
        [['Tom & Jerry "run" <b> &lt; fast'], ["a hyphenated word and a break"]],
    ),
    "white_space": (
        ["  a\tb  c\u00a0d\u3000e \u2009f\u200bg\u0085h\u001ci\u001fj \r\n", "trailing   "],
        [["a b c d e f g h i j"], ["trailing "]],
    ),
    "unicode": (
        ["Zwei Männer stehen „am Ufer“ – naïve façade.", "Ελλάδα: καλημέρα κόσμε·", "👩‍👩‍👧 family 😀 €5 ½ Ⅷ №7", "e\u0301galite\u0301 İstanbul ΣΑΣ"],
        [["Zwei Männer stehen am Ufer - naive Fassade."], ["Ελλάδα, καλημέρα κόσμε."], ["👩‍👧 family 😃 € 5 ½ Ⅷ № 7"], ["égalité istanbul σας"]],
    ),
    "chinese": (
        ["我喜欢自然语言处理。", "他买了3本书,花了12.5元!", "“引号”和…省略号、㍿ｆｕｌｌ", "𠀀生僻字 mixed with English words."],
        [["我爱自然语言处理。"], ["他买了三本书,花了12.5元。"], ["“引号”与…省略号、㍿ｆｕｌｌ"], ["𠀀僻字 mixed with some English words."]],
    ),
    "case": (["THE CAT SAT ON THE MAT", "the Dog Barks at Night"], [["the cat sat on the mat"], ["The dog barks at night"]]),
    "repeated_words": (["the the the the the the the", "a a a b b"], [["the cat is on the mat"], ["a b a b a"]]),
    "several_references": (
        ["It is a guide to action which ensures that the military always obeys the commands of the party.", "the the the"],
        [
            ["It is a guide to action that ensures that the military will forever heed Party commands.",
             "It is the guiding principle which guarantees the military forces always being under the command of the Party.",
             "It is the practical guide for the army always to heed the directions of the party."],
            ["the cat the", "the dog", "a the the b"],
        ],
    ),
    "varying_number_of_references": (["a b c d e", "f g h i"], [["a b c d f", "a b c d"], ["f g h j"]]),
    "tie_of_reference_lengths": (["a b c d e"], [["a b c d e f g", "a b c"]]),
    "too_short_an_output": (["a b c d e", "f"], [["a b c d e f g h i j"], ["f g h i"]]),
    "ends_in_a_lone_mark": (["Yes , he said .", "No !", "?", "."], [["Yes, he said."], ["No!"], ["?"], ["!"]]),
}


def streams(references):
    """sacrebleu wants one list per reference number, with None where a segment has fewer."""
    most = max(map(len, references))
    return [[refs[i] if i < len(refs) else None for refs in references] for i in range(most)]


def bleu():
    settings = [dict()] + [dict(tokenize=t) for t in ("none", "char", "intl", "zh")] + [
        dict(lowercase=True), dict(effective_order=True), dict(smooth_method="none"), dict(smooth_method="floor"), dict(smooth_method="add-k"),
    ]
    cases = []
    for name, (hypotheses, references) in CORPORA.items():
        scores = []
        for setting in settings:
            metric = BLEU(**setting)
            got = metric.corpus_score(hypotheses, streams(references))
            signature = str(metric.get_signature())
            scores.append(dict(signature=signature, score=got.score))
            if not setting:
                detail = dict(precisions=got.precisions, brevity_penalty=got.bp, hypothesis_length=got.sys_len, reference_length=got.ref_len, line=got.format(signature=signature))
        cases.append(dict(name=name, hypotheses=hypotheses, references=references, default=detail, scores=scores))
    return dict(sacrebleu=sacrebleu.__version__, cases=cases)


def chrf():
    settings = [dict(), dict(word_order=2), dict(word_order=1, beta=1), dict(char_order=3, beta=3), dict(lowercase=True)]
    cases = []
    for name, (hypotheses, references) in CORPORA.items():
        scores = []
        for setting in settings:
            metric = CHRF(**setting)
            got = metric.corpus_score(hypotheses, streams(references))
            scores.append(dict(
                char_order=metric.char_order, word_order=metric.word_order, beta=metric.beta, lowercase=metric.lowercase,
                score=got.score, name=got.name, signature=str(metric.get_signature()),
            ))
        cases.append(dict(name=name, hypotheses=hypotheses, references=references, scores=scores))
    return dict(sacrebleu=sacrebleu.__version__, cases=cases)


def classes():
    random.seed(0)
    lists = {
        "three_classes": ([0, 1, 2, 1, 0, 2, 2, 1], [0, 1, 1, 1, 0, 0, 2, 2], 3),
        "two_classes": ([0, 1, 1, 0, 1, 1], [0, 1, 0, 0, 1, 0], 2),
        "all_right": ([0, 1, 2], [0, 1, 2], 3),
        "all_wrong": ([1, 0, 1], [0, 1, 0], 2),
        "a_class_that_occurs_nowhere": ([0, 2, 2, 0], [0, 2, 0, 0], 4),
        "a_class_never_predicted": ([0, 0, 1, 0], [0, 2, 1, 2], 3),
        "a_class_only_predicted": ([0, 3, 1, 3], [0, 0, 1, 1], 4),
        "one_class_predicted": ([1, 1, 1, 1], [0, 1, 1, 0], 2),
        "one_class_in_the_references": ([0, 1, 1, 0], [1, 1, 1, 1], 2),
        "one_class_in_both": ([1, 1], [1, 1], 2),
        "one_row": ([0], [1], 2),
        "random": ([random.randrange(6) for _ in range(60)], [random.randrange(6) for _ in range(60)], 6),
    }
    cases = []
    for name, (predictions, references, n) in lists.items():
        def prf(**how):
            got = sk.precision_recall_fscore_support(references, predictions, zero_division=0, **how)
            return dict(precision=got[0], recall=got[1], f1=got[2])
        per_class = {key: list(map(float, value)) for key, value in prf(labels=range(n)).items()}
        averages = {how: {key: float(value) for key, value in prf(average=how).items()} for how in ("macro", "micro", "weighted")}
        binary = {key: value[1] for key, value in per_class.items()}
        cases.append(dict(
            name=name, predictions=predictions, references=references, n_classes=n, accuracy=float(sk.accuracy_score(references, predictions)),
            confusion=sk.confusion_matrix(references, predictions, labels=range(n)).tolist(), per_class=per_class, binary=binary, **averages,
            matthews=float(sk.matthews_corrcoef(references, predictions)),
        ))
    return dict(scikit_learn=sklearn.__version__, cases=cases)


def multi_label():
    random.seed(2)
    tables = {
        "three_labels": ([[1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 1]], [[1, 0, 0], [0, 1, 0], [1, 1, 1], [1, 0, 1]]),
        "all_right": ([[1, 0], [0, 1], [0, 0]], [[1, 0], [0, 1], [0, 0]]),
        "all_wrong": ([[1, 0], [0, 1]], [[0, 1], [1, 0]]),
        "a_label_that_occurs_nowhere": ([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 1, 0]]),
        "a_label_never_predicted": ([[1, 0], [1, 0], [0, 0]], [[1, 1], [0, 1], [0, 0]]),
        "a_label_only_predicted": ([[1, 1], [0, 1]], [[1, 0], [1, 0]]),
        "nothing_predicted": ([[0, 0], [0, 0]], [[1, 0], [1, 1]]),
        "no_label_at_all": ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
        "one_row": ([[1, 0, 1]], [[1, 1, 1]]),
        "random": ([[random.randrange(2) for _ in range(5)] for _ in range(30)], [[random.randrange(2) for _ in range(5)] for _ in range(30)]),
    }
    cases = []
    for name, (predictions, references) in tables.items():
        def prf(**how):
            got = sk.precision_recall_fscore_support(references, predictions, zero_division=0, **how)
            return dict(precision=got[0], recall=got[1], f1=got[2])
        per_label = {key: list(map(float, value)) for key, value in prf().items()}
        averages = {how: {key: float(value) for key, value in prf(average=how).items()} for how in ("macro", "micro")}
        cases.append(dict(name=name, predictions=predictions, references=references, exact_match=float(sk.accuracy_score(references, predictions)),
                          f1=per_label["f1"], **averages))
    return dict(scikit_learn=sklearn.__version__, cases=cases)


def correlation():
    random.seed(1)
    noise = [random.gauss(0, 1) for _ in range(30)]
    lists = {
        "straight_line": ([1, 2, 3, 4], [2, 4, 6, 8]),
        "falling_line": ([1, 2, 3, 4], [8, 6, 4, 2]),
        "two_pairs": ([0.5, 0.1], [3, 9]),
        "ties": ([1, 2, 2, 3, 3, 3], [3, 1, 1, 2, 2, 5]),
        "ties_across_zero": ([0.0, -0.0, 1, -1], [0, 1, 2, 2]),
        "one_far_off": ([1, 2, 3, 4, 1e6], [5, 4, 3, 2, 1]),
        "large_mean": ([1e8 + 1, 1e8 + 2, 1e8 + 4, 1e8 + 3], [1, 2, 3, 4]),
        "ratings": ([2.5, 3.8, 0.0, 5.0, 4.2, 1.0, 2.5], [2.0, 4.0, 0.2, 4.8, 4.8, 1.6, 3.0]),
        "noise": (noise, [x * 0.3 + random.gauss(0, 1) for x in noise]),
        "constant": ([1, 1, 1], [1, 2, 3]),
        "both_constant": ([1, 1, 1], [2, 2, 2]),
    }
    cases = []
    for name, (predictions, references) in lists.items():
        value = {}
        for kind, function in (("pearson", scipy.stats.pearsonr), ("spearman", scipy.stats.spearmanr)):
            r = float(function(predictions, references)[0])
            value[kind] = None if r != r else r
        value["mse"] = float(sk.mean_squared_error(references, predictions))
        cases.append(dict(name=name, predictions=list(map(float, predictions)), references=list(map(float, references)), **value))
    return dict(scipy=scipy.__version__, cases=cases)


def entities():
    rng = random.Random(3)
    def drawn(prefixes, n):
        return [[rng.choice(["O"] + [f"{p}-{t}" for p in prefixes for t in ("PER", "LOC")]) for _ in range(rng.randrange(9))] for _ in range(n)]
    def pair(prefixes, n):
        right = drawn(prefixes, n)
        ours = [[tag if rng.random() < 0.6 else rng.choice(["O"] + [f"{p}-PER" for p in prefixes]) for tag in row] for row in right]
        return ours, right
    one = lambda ours, right: ([ours.split()], [right.split()])
    tagged = {
        "all_right": one("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC"),
        "one_word_too_many": one("B-PER I-PER I-PER O", "B-PER I-PER O O"),
        "another_type": one("B-LOC I-LOC O", "B-PER I-PER O"),
        "inside_without_begin": one("I-PER I-PER O", "B-PER I-PER O"),
        "type_changes_inside": one("B-PER I-LOC I-LOC O", "B-PER I-PER I-PER O"),
        "type_changes_inside_the_reference": one("B-PER O O O", "B-PER I-LOC I-PER O"),
        "two_neighbours": one("B-PER I-PER B-PER", "B-PER B-PER B-PER"),
        "two_neighbours_as_one": one("B-PER I-PER", "B-PER B-PER"),
        "entity_at_the_end_of_a_sequence": ([["O", "B-PER"], ["I-PER", "O"]], [["O", "B-PER"], ["B-PER", "O"]]),
        "nothing_predicted": one("O O O", "B-PER I-PER O"),
        "nothing_there": one("O O", "O O"),
        "only_predicted": one("B-PER O", "O O"),
        "an_empty_sequence": ([[], ["B-PER"]], [[], ["B-PER"]]),
        "no_types": one("B I O B", "B I O O"),
        "types_with_hyphens": one("B-A-B I-A-B B-A", "B-A-B I-A-B B-A-B"),
        "single_and_end": one("S-PER O B-LOC I-LOC E-LOC", "S-PER O B-LOC E-LOC O"),
        "begin_without_end": one("B-PER I-PER O S-LOC", "B-PER E-PER O S-LOC"),
        "end_without_begin": one("E-PER O I-PER E-PER", "S-PER O B-PER E-PER"),
        "single_inside": one("B-PER S-PER E-PER", "B-PER I-PER E-PER"),
        "two_ends": one("B-PER E-PER E-PER I-PER", "B-PER E-PER S-PER O"),
        "end_of_another_type": one("B-PER E-LOC O", "B-PER E-PER O"),
        "random_iob2": pair("BI", 40),
        "random_iobes": pair("BIES", 40),
    }
    cases = []
    for name, (predictions, references) in tagged.items():
        def scored(prf, kinds, **how):
            keys = ("precision", "recall", "f1")
            per_kind = prf(references, predictions, average=None, zero_division=0, **how)
            rows = {kind: {key: float(per_kind[k][i]) for k, key in enumerate(keys)} for i, kind in enumerate(kinds)}
            micro = prf(references, predictions, average="micro", zero_division=0, **how)
            return dict(micro={key: float(micro[k]) for k, key in enumerate(keys)}, kinds=rows)
        def strict(scheme):
            try:
                kinds = unique_labels(references, predictions, scheme)
            except ValueError:  # a prefix that the scheme does not have
                return None
            return scored(strict_prf, kinds, scheme=scheme)
        kinds = sorted({kind for rows in (predictions, references) for kind, *_ in get_entities(rows)})
        cases.append(dict(name=name, predictions=predictions, references=references, lenient=scored(lenient_prf, kinds), iob2=strict(IOB2), iobes=strict(IOBES)))
    return dict(seqeval=version("seqeval"), cases=cases)


def squad_normalized(text):
    """SQuAD v1.1's rules: lower case, no ASCII punctuation, no articles, single spaces."""
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def f1_of(shared, ours, theirs):
    if shared == 0:
        return 0.0
    precision, recall = shared / len(ours), shared / len(theirs)
    return 2 * precision * recall / (precision + recall)


def squad_by_word(prediction, reference):
    ours, theirs = squad_normalized(prediction), squad_normalized(reference)
    shared = sum((collections.Counter(ours.split()) & collections.Counter(theirs.split())).values())
    return float(ours == theirs), f1_of(shared, ours.split(), theirs.split())


CMRC_MARKS = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")


def squad_by_character(prediction, reference):
    """CMRC 2018's rules; between Chinese characters words, numbers and single marks instead of NLTK's tokens."""
    strip = lambda text: "".join(c for c in text.lower().strip() if c not in CMRC_MARKS)
    cut = lambda text: re.findall(r"[\u4e00-\u9fa5]|(?:(?![\u4e00-\u9fa5])[^\W_]|(?<=[0-9])[.,](?=[0-9]))+|\S", text)
    a, b = cut(strip(prediction)), cut(strip(reference))
    runs = [size for i in range(len(a)) for j in range(len(b)) for size in range(1, min(len(a) - i, len(b) - j) + 1) if a[i:i + size] == b[j:j + size]]
    return float(strip(prediction) == strip(reference)), f1_of(max(runs, default=0), a, b)


def squad():
    answers = {
        "equal": ("Denver Broncos", ["Denver Broncos"]),
        "case_and_article": ("the Denver broncos", ["Denver Broncos", "Broncos"]),
        "articles_alone": ("The a an", ["a", "the"]),
        "article_inside_a_word": ("theatre another banana", ["another theatre"]),
        "article_beside_punctuation": ("(a) dog-the-cat, an. owl", ["dogthecat owl"]),
        "article_behind_an_apostrophe": ("rock 'n' the-roll", ["rock n roll"]),
        "article_beside_a_typographic_mark": ("“the” dog’s a–b", ["dogs b"]),
        "article_with_an_accent": ("a\u0301 \u00e1 the\u0301", ["\u00e1"]),
        "punctuation_alone": ("!?.,", ["..."]),
        "currency_and_percent": ("$1,000.50 (5%)", ["1000.50 5 %"]),
        "repeated_words": ("to be or not to be", ["to to to be"]),
        "several_references": ("in the 10th century", ["10th and 11th centuries", "in the 10th century CE", "10th century"]),
        "other_order": ("b a c", ["c b"]),
        "nothing_shared": ("left", ["right"]),
        "empty_answer": ("", ["something"]),
        "empty_reference": ("something", [""]),
        "both_empty": ("", [""]),
        "spaces": ("  two\u00a0words\tand\u2003more\x1cstill\n", ["two words and more still"]),
        "upper_case_unicode": ("ÉCOLE Straße ΑΣ İ", ["école straße ας i̇"]),
        "not_in_the_basic_plane": ("\U0001d4d0 \U0001f600 word", ["\U0001f600 word"]),
        "chinese": ("光荣和ω-force", ["光荣和ω-force", "光荣"]),
        "chinese_part": ("由光荣公司开发", ["光荣", "光荣公司。"]),
        "chinese_gap": ("北京和上海市", ["北京上海市"]),
        "chinese_marks": ("《战国无双3》（）", ["战国无双3"]),
        "chinese_with_numbers": ("1,234.5万人，约5%", ["1,234.5万人"]),
        "chinese_with_words": ("乘坐Air Force One抵达", ["air force one"]),
        "chinese_and_typographic_marks": ("“你好”…… ‘世界’", ["你好……世界"]),
    }
    cases = []
    for name, (prediction, references) in answers.items():
        case = dict(name=name, prediction=prediction, references=references, normalized=squad_normalized(prediction))
        for unit, rule in dict(word=squad_by_word, character=squad_by_character).items():
            exact, f1 = zip(*(rule(prediction, reference) for reference in references))
            case[unit] = dict(exact_match=max(exact), f1=max(f1))
        cases.append(case)
    return dict(rules="SQuAD v1.1, CMRC 2018", cases=cases)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    for name, make in dict(bleu=bleu, chrf=chrf, classes=classes, multi_label=multi_label, correlation=correlation, entities=entities, squad=squad).items():
        path = OUT / f"{name}.json"
        path.write_text(json.dumps(make(), ensure_ascii=False, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n", encoding="utf-8")
        print(path.name, path.stat().st_size)
