//! Telemetry of every kind of model.

use serde_json::{Value, json};

use crate::telemetry::{list, looks, number, train};
use crate::workplace::Workplace;

/// What is expected of a config: the special vectors and the attention, by stack and role.
struct Expected {
    name: &'static str,
    settings: &'static [&'static str],
    vectors: &'static [&'static str],
    attention: &'static [&'static str],
    cloud: bool,
}

const EXPECTED: &[Expected] = &[
    Expected {
        name: "masked-lm",
        settings: &["data.packing=true"],
        vectors: &["cls", "sep", "mask"],
        attention: &["encoder cls", "encoder sep", "encoder mask"],
        cloud: true,
    },
    Expected {
        name: "permuted-lm",
        settings: &[],
        vectors: &["cls", "sep", "mask", "eos", "bos"],
        attention: &["encoder cls", "encoder sep"],
        cloud: true,
    },
    Expected {
        name: "multi",
        settings: &[],
        vectors: &["cls", "sep", "mask"],
        attention: &["encoder cls", "encoder sep", "encoder mask"],
        cloud: true,
    },
    Expected {
        name: "causal-lm",
        settings: &[
            "data.format=text",
            "objective={causal-lm={rows=\"documents\"}}",
        ],
        vectors: &["decoder_start", "eos"],
        attention: &["decoder decoder_start"],
        cloud: false,
    },
    Expected {
        name: "classify",
        settings: &[
            "model={bart={n_layers=1,hidden_size=32,n_heads=2,intermediate_size=32,max_positions=64}}",
            "tokenizer.train={kind=\"bpe\",vocab_size=300}",
        ],
        vectors: &["cls", "decoder_start", "mask"],
        attention: &[
            "encoder cls",
            "encoder sep",
            "decoder decoder_start",
            "decoder bos",
            "cross cls",
            "cross sep",
            "cross decoder_start",
            "cross bos",
        ],
        cloud: true,
    },
    Expected {
        name: "seq2seq-bert2bert",
        settings: &[],
        vectors: &[
            "encoder cls",
            "encoder sep",
            "encoder mask",
            "decoder decoder_start",
            "decoder sep",
            "decoder mask",
        ],
        attention: &[
            "encoder cls",
            "encoder sep",
            "decoder decoder_start",
            "cross cls",
            "cross sep",
            "cross decoder_start",
        ],
        cloud: true,
    },
    Expected {
        name: "seq2seq-t5",
        settings: &[
            "special.policy.mask={init=\"zeros\"}",
            "special.overrides.mask=<extra_id_4>",
        ],
        vectors: &[
            "decoder_start",
            "mask",
            "eos",
            "sentinels",
            "sentinels",
            "sentinels",
        ],
        attention: &[
            "encoder eos",
            "decoder decoder_start",
            "cross eos",
            "cross decoder_start",
        ],
        cloud: false,
    },
];

#[test]
fn every_kind_of_model_tells_of_its_special_vectors() {
    let place = Workplace::with_sample_data();
    for expected in EXPECTED {
        let name = expected.name;
        let out = format!("train.out={name}");
        let fixed = [
            &*out,
            "train.steps=2",
            "train.eval_every=2",
            "schedule={constant={}}",
        ];
        train(&place, name, &[&fixed[..], expected.settings].concat());
        let looks = looks(&place.path(name));
        assert_eq!(looks.len(), 2, "{name}");
        for look in &looks {
            let vectors = list(&look["vectors"]).iter().map(|vector| {
                let stack = vector["stack"]
                    .as_str()
                    .map_or(String::new(), |s| format!("{s} "));
                format!("{stack}{}", vector["role"].as_str().expect("a role"))
            });
            assert_eq!(vectors.collect::<Vec<_>>(), expected.vectors, "{name}");
            let attention = list(&look["attention"]);
            let named = attention.iter().map(|of| {
                let text = |key: &str| of[key].as_str().expect("a text");
                format!("{} {}", text("stack"), text("role"))
            });
            assert_eq!(named.collect::<Vec<_>>(), expected.attention, "{name}");
            attention.iter().for_each(|of| check_shares(name, of));
            assert_eq!(look["cloud"].is_object(), expected.cloud, "{name}");
            assert_eq!(look["warnings"], json!([]), "{name}");
        }
    }
}

fn check_shares(name: &str, of: &Value) {
    let mut n = 0;
    for key in ["to", "from_entropy", "from_self"] {
        let Some(layers) = of[key].as_array() else {
            continue;
        };
        for head in layers.iter().flat_map(list) {
            n += 1;
            let most = if key == "from_entropy" {
                10.0
            } else {
                1.000_001
            };
            assert!((0.0..most).contains(&number(head)), "{name}: {key} of {of}");
        }
    }
    assert!(
        n > 0 && of["n_texts"].as_u64().expect("a number") > 0,
        "{name}: {of}"
    );
}
