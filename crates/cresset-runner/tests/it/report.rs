//! `cresset lab report`: what is in the page for which folders, and that it is safe, whole and self-contained.

use std::fs;

use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

/// A token as mischievous as any vocabulary may hold.
const MISCHIEF: &str = "</script><img src=x onerror=\"a()\">&amp;'";

/// A run with two special vectors, three evaluations and everything that can be recorded.
fn write_run(place: &Workplace, folder: &str) {
    place.write(
        &format!("{folder}/config.toml"),
        format!(
            "seed = 3\n[data]\ntrain = [\"a.jsonl\"]\nmax_length = 64\n[special]\nconvention = \"bert\"\noverrides = {{ cls = '''{MISCHIEF}''' }}\n\
             [special.policy.cls]\ninit = \"mean-covariance\"\nlr_factor = 5.0\n[model.bert]\nn_layers = 2\n[objective]\nclassify = {{ pooling = \"cls\" }}\n\
             [optim]\nadamw = {{ lr = 1e-3 }}\n[schedule]\nlinear = {{ warmup = 0.1 }}\n[train]\nout = \"x\"\n"
        ),
    );
    place.write(
        &format!("{folder}/run.json"),
        json!({"version": "0.1.0", "seed": 3, "device": "flex"}).to_string(),
    );
    let (mut events, mut vectors) = (
        vec![json!({"event": "started", "step": 0, "steps": 20})],
        Vec::new(),
    );
    for step in [0, 10, 20] {
        if step > 0 {
            let loss = 1.0 / f64::from(step);
            events.push(json!({"event": "step", "step": step, "loss": loss, "terms": {"nll": loss}, "grad_norm": 1.5, "lr": 1e-3, "tokens": 9}));
            let values = json!({"loss": loss + 0.1, "accuracy": 0.9, "bleu": 31.0});
            events.push(
                json!({"event": "evaluated", "step": step, "values": values, "seconds": 1.0}),
            );
        }
        events.push(special(step));
        vectors.push(json!({"step": step, "mean": [0.1, 0.0, 0.2], "vectors": [
            {"role": "cls", "token": "[CLS]", "stack": null, "vector": [f64::from(step), 1.0, 0.5]},
            {"role": "sep", "token": MISCHIEF, "stack": "encoder", "vector": [0.5, f64::from(step) * 0.5, 2.0]},
        ]}));
    }
    events.push(json!({"event": "an event of a later version", "step": 20}));
    events.push(json!({"event": "finished", "step": 20}));
    place.write(&format!("{folder}/metrics.jsonl"), lines(&events));
    place.write(&format!("{folder}/vectors.jsonl"), lines(&vectors));
}

fn special(step: u32) -> Value {
    let ratio = (step > 0).then_some(0.001);
    let vector = |role: &str, token: &str, stack: Value| {
        json!({"role": role, "token": token, "id": 2, "stack": stack, "norm": 1.2, "mean_norm": 0.9, "cosine_to_start": 0.98,
            "distance_to_start": 0.1, "cosine_to_mean": 0.3, "distance_to_mean": 1.1,
            "nearest": [{"token": "the", "id": 5, "cosine": 0.41}, {"token": MISCHIEF, "id": 6, "cosine": 0.2}],
            "gradient_norm": 0.01, "update_ratio": ratio})
    };
    let shares = json!([[0.21, 0.1], [0.1, null]]);
    json!({"event": "special", "step": step, "seconds": 0.01,
        "vectors": [vector("cls", "[CLS]", Value::Null), vector("sep", MISCHIEF, json!("encoder"))],
        "attention": [{"stack": "encoder", "role": "cls", "token": MISCHIEF, "n_texts": 32, "to": shares, "from_entropy": shares, "from_self": shares}],
        "cloud": {"pooling": "cls", "n": 32, "mean_cosine": 0.8, "effective_rank": 7.1, "first_direction": 0.4, "width": 3},
        "warnings": [format!("a collapse of {MISCHIEF}")]})
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn write_sweep(place: &Workplace) {
    let interval =
        |mean: f64| json!({"n": 5, "mean": mean, "sd": 0.3, "low": mean - 0.4, "high": mean + 0.4});
    let mut difference = interval(-0.2);
    difference["p"] = json!(0.04);
    difference["p_adjusted"] = json!(0.08);
    let curve = json!([{"step": 100, "n": 5, "mean": 2.0, "low": 1.9, "high": 2.1}, {"step": 200, "n": 5, "mean": 1.0, "low": 0.9, "high": 1.1}]);
    let arm = |name: &str, mean: f64| {
        json!({"name": name, "levels": {"start": name}, "runs": [{"seed": 0, "folder": "arms/a/seed-0", "values": {"bleu": mean}}],
            "summary": {"bleu": interval(mean)}, "curves": {"loss": curve}})
    };
    let mut other = arm(MISCHIEF, 28.8);
    other["against_baseline"] = json!({"bleu": difference});
    other["runs"][0]["failed"] = json!(format!("no loss after {MISCHIEF}"));
    let effect = json!({"axis": "start", "level": MISCHIEF, "against": "pad", "comparisons": {"bleu": difference}});
    let sweep = json!({"name": "start", "question": "Does it matter?", "metric": "bleu", "better": "higher", "confidence": 0.95, "seeds": [0, 1],
        "baseline": "pad", "arms": [arm("pad", 29.0), other], "effects": [effect], "verdicts": [{"metric": "bleu", "sentence": format!("no difference is shown for {MISCHIEF}")}]});
    place.write("sweep/results.json", sweep.to_string());
}

fn write_probe(place: &Workplace) {
    let share =
        |value: f64| json!({"value": value, "low": value - 0.1, "high": value + 0.1, "n": 40});
    let probe = |layer: u32, pooling: &str, value: f64| json!({"layer": layer, "pooling": pooling, "accuracy": share(value)});
    let change = json!({"mean": -0.1, "low": -0.2, "high": -0.05});
    let report = json!({"architecture": "BertForSequenceClassification", "convention": "bert", "stack": "encoder", "n_texts": 40, "n_given": 50,
        "layers": {"classes": ["a", "b"], "majority": share(0.5), "folds": 5, "c": 1.0, "seed": 0,
            "probes": [probe(0, "cls", 0.5), probe(0, "mean", 0.6), probe(1, "cls", 0.8), probe(1, "mean", 0.7)]},
        "clouds": {"pooling": "cls", "layers": [
            {"n": 40, "width": 3, "mean_cosine": 1.0, "within_classes": 1.0, "between_classes": 1.0, "effective_rank": null, "first_direction": null},
            {"n": 40, "width": 3, "mean_cosine": 0.5, "within_classes": 0.6, "between_classes": 0.4, "effective_rank": 1.6, "first_direction": 0.9}]},
        "ablations": {"n": 40, "metric": "accuracy", "untouched": {}, "changed": [{"token": "[CLS]", "by": MISCHIEF, "change": -0.1, "paired": change}]},
        "start": {"token": MISCHIEF, "n_texts": 40, "n_targets": 90, "entropy": 2.2, "entropy_of_mean": 3.5, "entropy_of_uniform": 6.6,
            "top": [{"token": MISCHIEF, "probability": 0.12}], "kl_to_unigram": 1.8, "nll": 1.2,
            "changed": [{"by": "zeros", "kl": 4.0, "same_first": share(0.2), "nll": change}]},
        "notes": [format!("nothing of {MISCHIEF}")]});
    place.write("probe.json", report.to_string());
}

fn write_all(place: &Workplace) {
    write_run(place, "run");
    write_run(place, "other-run");
    write_sweep(place);
    write_probe(place);
}

const ALL: [&str; 5] = ["run", "other-run", "sweep", "--probe", "probe.json"];

/// Makes a report of what the arguments say.
fn report(place: &Workplace, args: &[&str]) -> String {
    let out = ["--out", "report.html"];
    place.succeeds(&[&["lab", "report"], args, &out].concat());
    fs::read_to_string(place.path("report.html")).expect("a report")
}

/// What each kind of source adds to the page.
const OF_RUNS: [&str; 8] = [
    "Learning curves",
    "Norms and directions of the special vectors",
    "Trajectories of the special vectors",
    "Nearest tokens over time",
    "Gradients and updates",
    "Attention to the special tokens",
    "The cloud of text vectors",
    "Warnings",
];
const OF_SWEEPS: [&str; 5] = [
    "Verdicts",
    "All arms",
    "Differences from the baseline",
    "Effects of single levels",
    "Curves of the arms",
];
const OF_PROBES: [&str; 4] = [
    "What each layer's vectors tell",
    "The cloud, layer by layer",
    "Another vector in a special token's place",
    "The start token",
];

/// Whether a page has a part.
fn has(page: &str, part: &str) -> bool {
    page.contains(&format!("<h3>{part}"))
}

#[test]
fn verdicts_about_further_metrics_are_folded_away() {
    let place = Workplace::empty();
    let value =
        |mean: f64| json!({"n": 2, "mean": mean, "sd": 0.1, "low": mean - 0.1, "high": mean + 0.1});
    let arm = json!({"name": "pad", "levels": {}, "runs": [], "summary": {"bleu": value(20.0), "loss": value(2.0)}});
    let verdict =
        |metric: Option<&str>, sentence: &str| json!({"metric": metric, "sentence": sentence});
    let verdicts = [
        verdict(Some("loss"), "about the loss"),
        verdict(Some("bleu"), "about the metric"),
        verdict(None, "about all"),
    ];
    let sweep = json!({"name": "start", "question": "", "metric": "bleu", "better": "higher", "confidence": 0.95, "seeds": [0, 1],
        "baseline": "pad", "arms": [arm], "effects": [], "verdicts": verdicts});
    place.write("sweep/results.json", sweep.to_string());
    let page = report(&place, &["sweep"]);
    let (_, after) = page.split_once("<h3>Verdicts").expect("the part");
    let (shown, folded) = after.split_once("<details>").expect("details");
    assert!(shown.contains("<li>about the metric</li><li>about all</li>"));
    assert!(!shown.contains("about the loss") && folded.contains("<li>about the loss</li>"));
}

#[test]
fn every_section_appears_for_a_full_fixture_and_is_left_out_without_its_data() {
    let place = Workplace::empty();
    write_all(&place);
    let page = report(&place, &ALL);
    for text in OF_RUNS.iter().chain(&OF_SWEEPS).chain(&OF_PROBES) {
        assert!(has(&page, text), "{text}");
    }
    assert!(page.contains(">The runs side by side<"));
    let page = report(&place, &["sweep"]);
    assert!(OF_SWEEPS.iter().all(|text| has(&page, text)));
    assert!(
        !OF_RUNS
            .iter()
            .chain(&OF_PROBES)
            .any(|text| has(&page, text))
    );
    // A run without telemetry has its curves and says that there is no more.
    place.write(
        "bare/metrics.jsonl",
        lines(&[json!({"event": "evaluated", "step": 5, "values": {"loss": 0.5}})]),
    );
    let page = report(&place, &["bare"]);
    assert!(
        has(&page, "Learning curves")
            && page.contains("Nothing was recorded of the special vectors")
    );
    assert!(!OF_RUNS[1..].iter().any(|text| has(&page, text)));
    assert!(!page.contains("side by side"));
}

#[test]
fn whatever_stands_in_files_is_text_and_never_markup() {
    let place = Workplace::empty();
    write_all(&place);
    for language in ["en", "zh", "both"] {
        let page = report(
            &place,
            &[&ALL[..], &["--lang", language, "--title", MISCHIEF]].concat(),
        );
        for markup in ["<script", "</script", "<img", "onerror=\"a"] {
            assert!(!page.contains(markup), "{language} {markup}");
        }
        let escaped = "&lt;/script&gt;&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;amp;'";
        assert!(page.matches(escaped).count() > 20, "{language}");
    }
}

#[test]
fn a_report_refers_to_nothing_outside_itself() {
    let place = Workplace::empty();
    write_all(&place);
    let page = report(&place, &ALL);
    for reference in [
        "http", "//", "url(", "@import", "<link", "<script", "<iframe", "<object", "<use",
        " src=\"",
    ] {
        assert!(!page.contains(reference), "{reference}");
    }
    let anchors: Vec<&str> = page
        .split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(anchors.len() >= 6);
    for anchor in anchors {
        let id = anchor.strip_prefix('#').expect("a place in the page");
        assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[test]
fn the_elements_of_a_report_are_closed_in_their_order_and_its_coordinates_are_numbers() {
    let place = Workplace::empty();
    write_all(&place);
    for language in ["en", "zh", "both"] {
        let page = report(&place, &[&ALL[..], &["--lang", language]].concat());
        assert!(!page.contains("NaN") && !page.contains("inf\""));
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(2) {
            let tag = tag.split('>').next().expect("a tag");
            let name = tag.split_whitespace().next().expect("a name");
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
                None if name == "meta" => {}
                None => open.push(name),
            }
        }
        assert_eq!(open, Vec::<&str>::new());
        let drawings = page.matches("<svg role=\"img\"").count();
        assert!(drawings > 20);
        assert_eq!(page.matches("</title><desc>").count(), drawings);
    }
}

#[test]
fn the_glossary_is_in_english_and_chinese_whatever_the_language_of_the_headings() {
    let place = Workplace::empty();
    write_sweep(&place);
    for (language, tag, heading) in [
        ("en", "<html lang=\"en\">", "<h3>Verdicts</h3>"),
        ("zh", "<html lang=\"zh-Hans\">", "<h3>结论</h3>"),
        (
            "both",
            "<html lang=\"en\">",
            "<h3><span lang=\"en\">Verdicts</span> <span class=\"other\" lang=\"zh-Hans\">结论</span></h3>",
        ),
    ] {
        let page = report(&place, &["sweep", "--lang", language]);
        assert!(page.contains(tag) && page.contains(heading), "{language}");
        for word in [
            "teacher forcing",
            "教师强制",
            "Autoregression",
            "自回归",
            "decoder-start vector",
            "解码起始向量",
            "&lt;bos&gt;",
        ] {
            assert!(page.contains(word), "{language} {word}");
        }
    }
}

#[test]
fn bad_input_is_refused_with_file_and_line_and_leaves_no_page() {
    let place = Workplace::empty();
    write_all(&place);
    place.write("empty/readme.txt", "");
    place.write("model/config.json", "{}");
    place.write("damaged/metrics.jsonl", "{\"event\":\"finished\",\"step\":1}\n{\"event\": oops}\n{\"event\":\"finished\",\"step\":1}\n");
    place.write("no-toml/config.toml", "seed = 1\n[data\n");
    place.write("no-sweep/results.json", "{\"name\": \"a\",\n \"arms\": 3}");
    place.write("other.json", "{\"loss\": 1.0}");
    for (args, said) in [
        (vec!["nowhere"], "nowhere is no folder"),
        (vec!["empty"], "empty is neither the folder of a run"),
        (vec!["model"], "give the run's folder, or --model model"),
        (vec!["run", "damaged"], "damaged/metrics.jsonl, line 2: "),
        (vec!["no-toml"], "no-toml/config.toml, line 2: "),
        (vec!["no-sweep"], "no-sweep/results.json, line 2: "),
        (
            vec!["--probe", "other.json"],
            "other.json is no report of a probe",
        ),
        (vec!["--probe", "nothing.json"], "cannot read nothing.json"),
        (vec![], "there is nothing to report on"),
    ] {
        let error =
            place.is_refused(&[&["lab", "report"], &args[..], &["--out", "page.html"]].concat());
        assert!(error.contains(said), "{args:?}: {error}");
        assert!(!place.path("page.html").exists());
    }
    let error = place.is_refused(&["lab", "report", "run", "--out", "no/such/folder.html"]);
    assert!(error.contains("choose another --out"), "{error}");
}

#[test]
fn a_last_line_that_a_killed_run_cut_short_is_left_out() {
    let place = Workplace::empty();
    write_run(&place, "run");
    let whole = report(&place, &["run"]);
    let path = place.path("run/metrics.jsonl");
    let text = fs::read_to_string(&path).expect("a log") + "{\"event\":\"step\",\"st";
    fs::write(path, text).expect("a log");
    assert_eq!(report(&place, &["run"]), whole);
}

#[test]
fn attention_maps_have_the_tokens_of_the_sentences_and_there_are_a_translators_three_kinds() {
    let place = Workplace::with_sample_data();
    for name in ["classify", "seq2seq"] {
        let out = format!("train.out={name}");
        let file = config(&format!("tiny/{name}.toml"));
        place.succeeds(&[
            "train",
            &file,
            "--quiet",
            "--set",
            "train.steps=12",
            "--set",
            &out,
        ]);
    }
    // What `train` and `lab probe` write is what a report reads.
    let data = "sample-data/sentiment/dev.jsonl";
    let probe = [
        "lab",
        "probe",
        "classify/model",
        "--data",
        data,
        "--limit",
        "40",
        "--out",
        "probe.json",
    ];
    place.succeeds(&probe);
    let page = report(&place, &["classify", "seq2seq", "--probe", "probe.json"]);
    for text in OF_RUNS
        .iter()
        .filter(|text| **text != "Warnings")
        .chain(&OF_PROBES[..3])
    {
        assert!(has(&page, text), "{text}");
    }
    let page = report(&place, &["--model", "classify/model"]);
    assert!(page.contains("<h3>the soup was not good</h3>"));
    for text in [
        ">[CLS]</text>",
        ">[SEP]</text>",
        "<title>self-attention, layer 1</title>",
        "head 2",
    ] {
        assert!(page.contains(text), "{text}");
    }
    place.write(
        "pairs.jsonl",
        json!({"text": "the dog <b> sees", "target": "ka dogun vidar"}).to_string() + "\n",
    );
    let page = report(
        &place,
        &["--model", "seq2seq/model", "--sentences", "pairs.jsonl"],
    );
    assert!(page.contains("The target is “ka dogun vidar”.") && !page.contains("<b>"));
    for text in [
        "encoder, layer 1",
        "decoder, layer 1",
        "decoder to encoder, layer 1",
        ">&lt;bos&gt;</text>",
    ] {
        assert!(page.contains(text), "{text}");
    }
    // Without a target the decoder reads what the model writes.
    assert!(report(&place, &["--model", "seq2seq/model"]).contains("The model writes “"));
    place.write("empty.txt", "\n");
    let error = place.is_refused(&[
        "lab",
        "report",
        "--model",
        "seq2seq/model",
        "--sentences",
        "empty.txt",
        "--out",
        "x.html",
    ]);
    assert!(error.contains("empty.txt"), "{error}");
}
