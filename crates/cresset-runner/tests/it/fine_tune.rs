//! Fine-tuning from a folder: what it may lack.

use crate::workplace::{Workplace, config};

/// A masked language model, which has no pooler, in `pretrained/model`.
fn pretrained() -> Workplace {
    let place = Workplace::with_sample_data();
    let config = config("tiny/masked-lm.toml");
    let settings = ["--set", "train.out=pretrained", "--set", "train.steps=2"];
    place.succeeds(&[&["train", &config, "--quiet"], &settings[..]].concat());
    place
}

fn args<'a>(config: &'a str, model: &'a str) -> Vec<&'a str> {
    let settings = [
        "train.out=run",
        "train.steps=2",
        "data.max_length=32",
        model,
    ];
    let flags = settings.iter().flat_map(|setting| ["--set", *setting]);
    ["train", config].into_iter().chain(flags).collect()
}

#[test]
fn bug_class_11_a_missing_pooler_is_initialised_only_by_name() {
    let place = pretrained();
    let config = config("tiny/classify.toml");
    let message = place.is_refused(&args(&config, "model={ path = \"pretrained/model\" }"));
    for part in [
        "pretrained/model lacks 2 tensor(s)",
        "bert.pooler.dense.weight",
        "add allow_new = [\"pooler\"] to [model]",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let model = "model={ path = \"pretrained/model\", allow_new = [\"pooler\"] }";
    let output = place.run(&args(&config, model));
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    let new = "4 tensors new, initialised: bert.pooler.dense.weight, bert.pooler.dense.bias, classifier.weight, classifier.bias";
    assert!(said.contains(new), "{said}");
}

#[test]
fn what_may_be_new_must_be_part_of_the_model() {
    let place = pretrained();
    let config = config("tiny/classify.toml");
    for (model, part) in [
        (
            "model={ path = \"pretrained/model\", allow_new = [\"poolr\"] }",
            "no tensor of this model begins so",
        ),
        (
            "model={ path = \"pretrained/model\", allow_new = \"pooler\" }",
            "must be a list of names",
        ),
        (
            "model={ path = \"pretrained/model\", alow_new = [\"pooler\"] }",
            "did you mean `allow_new`?",
        ),
    ] {
        let message = place.is_refused(&args(&config, model));
        assert!(message.contains(part), "{part} in {message}");
    }
}
