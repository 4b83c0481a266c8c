//! `cresset forward --hidden-states --attention`: every layer's vectors and every head's attention, held to transformers'.

use std::collections::BTreeMap;

use crate::forward::{Numbers, golden_folders, goldens, inputs, read};
use crate::workplace::{Workplace, device};

/// Runs `forward` on a golden folder's inputs with more flags.
fn traced(
    place: &Workplace,
    folder: &std::path::Path,
    flags: &[&str],
) -> BTreeMap<String, Numbers> {
    let expected = read(&folder.join("expected.safetensors"));
    place.write("ids.json", inputs(&expected).to_string());
    let folder = folder.display().to_string();
    let files = ["--input", "ids.json", "--output", "out.safetensors"];
    place.succeeds(&[&["forward", &folder], &files[..], flags].concat());
    read(&place.path("out.safetensors"))
}

/// Whether a query of the tensor is a token: what a decoder leaves at padding means nothing, and the two tools leave different numbers.
fn is_token(kept: &Numbers, shape: &[usize], row: usize) -> bool {
    let [rows, width] = kept.shape[..] else {
        unreachable!("a mask has two dimensions")
    };
    let per_text: usize = shape[1..shape.len() - 1].iter().product();
    assert_eq!(shape[0], rows);
    kept.values[row / per_text * width + row % width] == 1.0
}

#[test]
fn hidden_states_and_attention_equal_those_of_transformers_in_every_architecture() {
    let tolerance = if device().contains("vulkan") {
        2e-3
    } else {
        1e-4
    };
    let place = Workplace::empty();
    let mut n_cases = 0;
    for folder in golden_folders() {
        let theirs = folder.join("traces.safetensors");
        if !theirs.exists() {
            continue;
        }
        n_cases += 1;
        let name = folder.display().to_string();
        let theirs = read(&theirs);
        let inputs = read(&folder.join("expected.safetensors"));
        let ours = traced(&place, &folder, &["--attention"]);
        let is_trace = |field: &&String| field.contains(".");
        let n_traces = ours.keys().filter(is_trace).count();
        assert_eq!(
            n_traces,
            theirs.len(),
            "{name}: {:?}",
            ours.keys().collect::<Vec<_>>()
        );
        for (field, theirs) in &theirs {
            let ours = &ours[field];
            assert_eq!(ours.shape, theirs.shape, "{name}: {field}");
            let width = ours.shape.last().copied().expect("a dimension");
            let counts = |row: usize| {
                !name.ends_with("gpt2") || is_token(&inputs["attention_mask"], &ours.shape, row)
            };
            let pairs = ours.values.iter().zip(&theirs.values).enumerate();
            for (at, (a, b)) in pairs.filter(|(at, _)| counts(at / width)) {
                assert!(
                    (a - b).abs() < tolerance,
                    "{name}: {field} at {at} is {a}, should be {b}"
                );
            }
        }
    }
    assert_eq!(n_cases, 9);
}

#[test]
fn the_probabilities_of_a_query_add_up_to_one_and_padding_gets_none() {
    let place = Workplace::empty();
    let folder = goldens().join("bert_model");
    let kept = &read(&folder.join("expected.safetensors"))["attention_mask"];
    let ours = traced(&place, &folder, &["--attention"]);
    let attention = &ours["attentions.1"];
    let [_, n_heads, n_queries, n_keys] = attention.shape[..] else {
        unreachable!("four dimensions")
    };
    for (query, row) in attention.values.chunks(n_keys).enumerate() {
        let text = query / (n_heads * n_queries);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let of_padding = (0..n_keys).filter(|key| kept.values[text * n_keys + key] == 0.0);
        assert_eq!(of_padding.map(|key| row[key]).sum::<f32>(), 0.0);
    }
}

#[test]
fn hidden_states_alone_come_without_attention_and_neither_comes_unasked() {
    let place = Workplace::empty();
    for folder in golden_folders() {
        if !["bart_classifier", "xlnet_lm", "t5_relu"]
            .iter()
            .any(|case| folder.ends_with(case))
        {
            continue;
        }
        let plain = traced(&place, &folder, &[]);
        let ours = traced(&place, &folder, &["--hidden-states"]);
        assert!(plain.keys().all(|field| !field.contains("hidden_states.")));
        assert!(ours.keys().any(|field| field.contains("hidden_states.1")));
        assert!(ours.keys().all(|field| !field.contains("attentions")));
        // What there was is still there, with the same numbers.
        for (field, before) in &plain {
            assert_eq!(ours[field].values, before.values, "{field}");
        }
    }
}
