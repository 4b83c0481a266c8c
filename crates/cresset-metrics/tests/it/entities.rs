//! Entity scores against seqeval.

use std::collections::BTreeMap;

use cresset_metrics::{EntityCounts, EntityMode, MetricError, entities};
use serde::Deserialize;

use crate::cases;
use crate::classes::{Theirs, assert_scores};

#[derive(Deserialize)]
struct Case {
    name: String,
    predictions: Vec<Vec<String>>,
    references: Vec<Vec<String>>,
    lenient: Scored,
    iob2: Option<Scored>,
    iobes: Option<Scored>,
}

#[derive(Deserialize)]
struct Scored {
    micro: Theirs,
    kinds: BTreeMap<String, Theirs>,
}

impl Case {
    fn assert_equal(&self, mode: EntityMode, theirs: Option<&Scored>) {
        let name = format!("{} {mode:?}", self.name);
        let counts = EntityCounts::new(&self.predictions, &self.references, mode);
        let Some(theirs) = theirs else {
            let refused = matches!(counts, Err(MetricError::UnknownTag { .. }));
            assert!(refused, "{name}");
            return;
        };
        let counts = counts.expect("valid input");
        assert_scores(counts.micro_scores(), &theirs.micro, &name);
        let ours = counts.kind_scores();
        let kinds: Vec<&str> = theirs.kinds.keys().map(String::as_str).collect();
        assert_eq!(ours.keys().copied().collect::<Vec<_>>(), kinds, "{name}");
        for (kind, scores) in ours {
            assert_scores(scores, &theirs.kinds[kind], &name);
        }
    }
}

#[test]
fn bug_class_15_entity_scores_equal_seqeval_in_every_mode() {
    for case in cases::<Case>("entities") {
        case.assert_equal(EntityMode::Lenient, Some(&case.lenient));
        case.assert_equal(EntityMode::StrictIob2, case.iob2.as_ref());
        case.assert_equal(EntityMode::StrictIobes, case.iobes.as_ref());
    }
}

#[test]
fn the_mean_over_types_gives_each_the_same_weight() {
    let ours = vec![vec!["B-PER", "B-PER", "B-LOC"]];
    let right = vec![vec!["B-PER", "B-PER", "O"]];
    let counts = EntityCounts::new(&ours, &right, EntityMode::Lenient).expect("valid input");
    assert_eq!(counts.macro_scores().f1, 0.5);
}

#[test]
fn a_tag_of_no_scheme_is_refused_with_its_word() {
    let error = entities(&["O", "NOUN"], EntityMode::Lenient).expect_err("no prefix");
    assert_eq!(
        error.to_string(),
        "word 1 has the tag \"NOUN\", which begins with none of OBIES; write O or a prefix with a type, as in B-PER"
    );
}
