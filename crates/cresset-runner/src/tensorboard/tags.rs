//! Which number of an event goes under which tag.

use cresset_train::{Event, Special, SpecialVector, TokenAttention};

/// Every number of an event that is worth a curve.
pub(super) fn scalars(event: &Event) -> Vec<(String, f64)> {
    match event {
        Event::Step {
            report,
            seconds,
            tokens_per_second,
            ..
        } => {
            let named = [
                ("train/loss", report.loss),
                ("train/grad_norm", report.grad_norm),
                ("train/lr", report.lr),
                ("train/tokens_per_second", *tokens_per_second),
                ("train/seconds", *seconds),
            ];
            let terms = report.terms.iter();
            let terms = terms.map(|(name, value)| (format!("train/term/{name}"), *value));
            let named = named.map(|(tag, value)| (tag.to_owned(), value));
            named.into_iter().chain(terms).collect()
        }
        Event::Evaluated {
            values, seconds, ..
        } => {
            let metrics = values.iter();
            let metrics = metrics.map(|(name, value)| (format!("eval/{name}"), *value));
            metrics
                .chain([("eval_seconds".to_owned(), *seconds)])
                .collect()
        }
        Event::Special(look) => of_look(look),
        _ => Vec::new(),
    }
}

fn of_look(look: &Special) -> Vec<(String, f64)> {
    let mut scalars = vec![
        ("special/seconds".to_owned(), look.seconds),
        ("special/warnings".to_owned(), look.warnings.len() as f64),
    ];
    for vector in &look.vectors {
        scalars.extend(of_vector(&group(look, vector), vector));
    }
    if let Some(cloud) = &look.cloud {
        let named = [
            ("mean_cosine", Some(cloud.mean_cosine)),
            ("effective_rank", cloud.effective_rank),
            ("first_direction", cloud.first_direction),
        ];
        let tag = |name: &str| format!("cloud/{}/{name}", cloud.pooling);
        scalars.extend(named.into_iter().filter_map(|(n, v)| Some((tag(n), v?))));
    }
    for of_token in &look.attention {
        let several = look
            .attention
            .iter()
            .filter(|other| (&other.role, &other.stack) == (&of_token.role, &of_token.stack));
        let name = match several.count() {
            1 => of_token.role.clone(),
            _ => format!("{}{}", of_token.role, of_token.token),
        };
        scalars.extend(of_attention(&name, of_token));
    }
    scalars
}

/// `special/cls`, with the stack where there are two tables and the token where several play the role.
fn group(look: &Special, vector: &SpecialVector) -> String {
    let same =
        |other: &&SpecialVector| (&other.role, &other.stack) == (&vector.role, &vector.stack);
    let mut parts = vec!["special"];
    parts.extend(vector.stack.as_deref());
    parts.push(&vector.role);
    if look.vectors.iter().filter(same).count() > 1 {
        parts.push(&vector.token);
    }
    parts.join("/")
}

fn of_vector(group: &str, vector: &SpecialVector) -> Vec<(String, f64)> {
    let relative = (vector.mean_norm > 0.0).then(|| vector.norm / vector.mean_norm);
    let numbers = [
        ("norm", Some(vector.norm)),
        ("norm_to_mean_norm", relative),
        ("cosine_to_start", vector.cosine_to_start),
        ("distance_to_start", vector.distance_to_start),
        ("cosine_to_mean", vector.cosine_to_mean),
        ("distance_to_mean", Some(vector.distance_to_mean)),
        (
            "cosine_to_nearest",
            vector.nearest.first().map(|n| n.cosine),
        ),
        ("gradient_norm", vector.gradient_norm),
        ("update_ratio", vector.update_ratio),
    ];
    let numbers = numbers.into_iter();
    numbers
        .filter_map(|(name, value)| Some((format!("{group}/{name}"), value?)))
        .collect()
}

/// Of each layer the mean over its heads, and each head.
fn of_attention(name: &str, of: &TokenAttention) -> Vec<(String, f64)> {
    let kinds = [
        ("to", &of.to),
        ("entropy_of", &of.from_entropy),
        ("self_of", &of.from_self),
    ];
    let mut scalars = Vec::new();
    for (kind, layers) in kinds {
        for (layer, heads) in layers.iter().flatten().enumerate() {
            let tag = format!("attention/{}/layer_{layer}/{kind}_{name}", of.stack);
            let mean = heads.iter().sum::<f64>() / heads.len().max(1) as f64;
            let each = heads.iter().enumerate();
            scalars.extend(each.map(|(head, value)| (format!("{tag}/head_{head}"), *value)));
            scalars.push((tag, mean));
        }
    }
    scalars
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cresset_train::CloudShape;
    use serde_json::json;

    use super::*;

    fn vector(role: &str, token: &str, stack: Option<&str>) -> serde_json::Value {
        json!({"role": role, "token": token, "id": 2, "stack": stack, "norm": 2.0, "mean_norm": 4.0, "cosine_to_start": 0.9,
               "distance_to_start": null, "cosine_to_mean": null, "distance_to_mean": 1.0, "nearest": [], "gradient_norm": 0.25,
               "update_ratio": null})
    }

    #[test]
    fn a_look_has_a_tag_for_every_number_and_none_twice() {
        let look: Special = serde_json::from_value(json!({
            "step": 4, "seconds": 0.5,
            "vectors": [vector("cls", "[CLS]", Some("encoder")), vector("sentinels", "<0>", None), vector("sentinels", "<1>", None)],
            "attention": [
                {"stack": "encoder", "role": "cls", "token": "[CLS]", "n_texts": 2, "to": [[0.25, 0.75]], "from_self": [[0.5, 0.5]]},
                {"stack": "encoder", "role": "sentinels", "token": "<0>", "n_texts": 2, "to": [[0.1, 0.1]]},
                {"stack": "encoder", "role": "sentinels", "token": "<1>", "n_texts": 2, "to": [[0.2, 0.2]]},
            ],
            "cloud": CloudShape { pooling: "cls".into(), n: 2, mean_cosine: 0.5, effective_rank: None, first_direction: None, width: 8 },
            "warnings": ["a warning"],
        }))
        .expect("a look");
        let scalars = scalars(&Event::Special(Box::new(look)));
        let value = |tag: &str| scalars.iter().find(|(t, _)| t == tag).map(|(_, v)| *v);
        for (tag, expected) in [
            ("special/encoder/cls/norm", Some(2.0)),
            ("special/encoder/cls/norm_to_mean_norm", Some(0.5)),
            ("special/encoder/cls/distance_to_start", None),
            ("special/sentinels/<1>/gradient_norm", Some(0.25)),
            ("attention/encoder/layer_0/to_cls", Some(0.5)),
            ("attention/encoder/layer_0/to_cls/head_1", Some(0.75)),
            ("attention/encoder/layer_0/self_of_cls", Some(0.5)),
            ("attention/encoder/layer_0/to_sentinels<1>", Some(0.2)),
            ("cloud/cls/mean_cosine", Some(0.5)),
            ("cloud/cls/effective_rank", None),
            ("special/warnings", Some(1.0)),
        ] {
            assert_eq!(value(tag), expected, "{tag}");
        }
        let different: BTreeSet<&String> = scalars.iter().map(|(tag, _)| tag).collect();
        assert_eq!(different.len(), scalars.len());
    }
}
