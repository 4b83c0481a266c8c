//! When a look is alarming. What was so from the beginning is not: the vectors of an untrained model are naturally alike.

use std::collections::BTreeMap;

use cresset_train::{CloudShape, Special, SpecialVector};

/// Vectors of different texts are one above this mean cosine.
const ALIKE: f64 = 0.99;
/// They are nearly one above this mean cosine, if they differ in less than [`FEW_DIRECTIONS`].
const NEARLY_ALIKE: f64 = 0.95;
/// An effective rank below which vectors lie on a line. By itself it is no fault: those of a classifier with two classes do.
const FEW_DIRECTIONS: f64 = 1.5;
/// How many times longer or shorter than the vocabulary's a vector may become.
const OUT_OF_SCALE: f64 = 100.0;

/// What is alarming at what time.
#[derive(Clone, Debug)]
pub(super) struct Alarms {
    /// The token whose vectors the cloud is of.
    cls: String,
    /// From which step on vectors must have come apart that were alike from the beginning; `None` if no loss reads them and so
    /// drives them apart.
    apart_from: Option<u64>,
    has_been_wide: bool,
    /// Vectors that were out of scale before the first step.
    strange_at_start: BTreeMap<Key, bool>,
}

type Key = (String, String, Option<String>);

impl Alarms {
    pub(super) fn new(cls: &str, apart_from: Option<u64>) -> Self {
        Alarms {
            cls: cls.to_owned(),
            apart_from,
            has_been_wide: false,
            strange_at_start: BTreeMap::new(),
        }
    }

    /// Takes note of an earlier look.
    pub(super) fn remember(&mut self, look: &Special) {
        if look.cloud.as_ref().is_some_and(|cloud| !is_narrow(cloud)) {
            self.has_been_wide = true;
        }
        if look.step == 0 {
            let strange = |vector: &SpecialVector| (key(vector), is_out_of_scale(vector));
            self.strange_at_start = look.vectors.iter().map(strange).collect();
        }
    }

    /// What is alarming in a look.
    pub(super) fn warnings(&self, look: &Special) -> Vec<String> {
        if look.step == 0 {
            return Vec::new();
        }
        let cloud = look
            .cloud
            .as_ref()
            .and_then(|c| self.of_cloud(c, look.step));
        let vectors = look.vectors.iter().filter_map(|v| self.of_vector(v));
        cloud.into_iter().chain(vectors).collect()
    }

    fn of_cloud(&self, cloud: &CloudShape, step: u64) -> Option<String> {
        if !is_narrow(cloud) {
            return None;
        }
        let rank = match cloud.effective_rank {
            Some(rank) => format!("an effective rank of {rank:.2}"),
            None => "no direction in which they differ".to_owned(),
        };
        let seen = format!(
            "the {} vectors of {} different texts have a mean cosine of {:.4} and {rank}",
            self.cls, cloud.n, cloud.mean_cosine
        );
        let cls = &self.cls;
        match self.apart_from {
            Some(_) if self.has_been_wide => Some(format!(
                "{seen}, though they differed earlier in this run: they have collapsed into one; lower the learning rate, lengthen the warm-up or clip the gradients"
            )),
            None if self.has_been_wide => Some(format!(
                "{seen}, though they differed earlier in this run: they have collapsed into one, since no loss of this run reads {cls}; read another pooling of this model"
            )),
            Some(late) if step > late => Some(format!(
                "{seen}, as before the first step: they have not come apart, so that {cls} says nothing of a text; lower the learning rate, lengthen the warm-up or read another pooling"
            )),
            _ => None,
        }
    }

    fn of_vector(&self, vector: &SpecialVector) -> Option<String> {
        let was_strange = self.strange_at_start.get(&key(vector)).copied();
        if !is_out_of_scale(vector) || was_strange == Some(true) {
            return None;
        }
        let (norm, mean) = (vector.norm, vector.mean_norm);
        let how = if norm > mean { "above" } else { "below" };
        Some(format!(
            "the vector of {} ({}) has a norm of {norm:.4}, more than {OUT_OF_SCALE} times {how} the vocabulary's mean of {mean:.4}; give special.policy.{} a smaller lr_factor, or another weight_decay",
            vector.token, vector.role, vector.role
        ))
    }
}

fn key(vector: &SpecialVector) -> Key {
    let SpecialVector {
        role, token, stack, ..
    } = vector;
    (role.clone(), token.clone(), stack.clone())
}

fn is_narrow(cloud: &CloudShape) -> bool {
    let lie_on_a_line = cloud
        .effective_rank
        .is_none_or(|rank| rank < FEW_DIRECTIONS);
    cloud.mean_cosine > ALIKE || (lie_on_a_line && cloud.mean_cosine > NEARLY_ALIKE)
}

fn is_out_of_scale(vector: &SpecialVector) -> bool {
    let SpecialVector {
        norm, mean_norm, ..
    } = *vector;
    mean_norm > 0.0 && !(mean_norm / OUT_OF_SCALE..=mean_norm * OUT_OF_SCALE).contains(&norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(step: u64, mean_cosine: f64, rank: f64, norm: f64) -> Special {
        Special {
            step,
            cloud: Some(CloudShape {
                pooling: "cls".to_owned(),
                n: 32,
                mean_cosine,
                effective_rank: Some(rank),
                first_direction: Some(0.5),
                width: 64,
            }),
            vectors: vec![SpecialVector {
                role: "cls".to_owned(),
                token: "[CLS]".to_owned(),
                id: 2,
                stack: None,
                norm,
                mean_norm: 1.0,
                cosine_to_start: None,
                distance_to_start: None,
                cosine_to_mean: None,
                distance_to_mean: 0.0,
                nearest: Vec::new(),
                gradient_norm: None,
                update_ratio: None,
            }],
            ..Special::default()
        }
    }

    /// The numbers of warnings of looks that follow each other.
    fn warned(apart_from: Option<u64>, looks: &[Special]) -> Vec<usize> {
        let mut alarms = Alarms::new("[CLS]", apart_from);
        let mut tell = |look: &Special| {
            let n = alarms.warnings(look).len();
            alarms.remember(look);
            n
        };
        looks.iter().map(&mut tell).collect()
    }

    #[test]
    fn vectors_that_were_apart_and_become_one_are_alarming() {
        let looks = [
            look(0, 0.999, 5.0, 1.0),
            look(10, 0.5, 4.0, 1.0),
            look(20, 0.997, 1.2, 1.0),
            look(30, 0.6, 4.0, 1.0),
        ];
        assert_eq!(warned(None, &looks), [0, 0, 1, 0]);
        let mut alarms = Alarms::new("[CLS]", None);
        alarms.remember(&looks[1]);
        let warnings = alarms.warnings(&looks[2]);
        assert!(
            warnings[0].contains("no loss of this run reads [CLS]")
                && warnings[0].contains("0.9970"),
            "{warnings:?}"
        );
    }

    #[test]
    fn vectors_that_were_alike_from_the_beginning_alarm_only_late_and_only_if_something_drives_them_apart()
     {
        let looks: Vec<Special> = [0, 10, 20, 30]
            .map(|step| look(step, 0.999, 5.0, 1.0))
            .into();
        assert_eq!(warned(Some(20), &looks), [0, 0, 0, 1]);
        assert_eq!(warned(None, &looks), [0, 0, 0, 0]);
    }

    #[test]
    fn a_classifier_with_two_classes_has_vectors_on_a_line_and_that_is_no_fault() {
        let looks = [
            look(0, 0.9, 9.0, 1.0),
            look(50, 0.1, 1.05, 1.0),
            look(90, 0.7, 1.1, 1.0),
        ];
        assert_eq!(warned(Some(0), &looks), [0, 0, 0]);
        let line = [look(0, 0.5, 9.0, 1.0), look(50, 0.97, 1.05, 1.0)];
        assert_eq!(warned(Some(0), &line), [0, 1]);
    }

    #[test]
    fn a_vector_that_leaves_the_vocabularys_scale_is_alarming_and_one_that_began_outside_is_not() {
        let grown = [
            look(0, 0.5, 4.0, 1.0),
            look(10, 0.5, 4.0, 99.0),
            look(20, 0.5, 4.0, 101.0),
        ];
        assert_eq!(warned(None, &grown), [0, 0, 1]);
        let shrunk = [look(0, 0.5, 4.0, 1.0), look(10, 0.5, 4.0, 0.009)];
        assert_eq!(warned(None, &shrunk), [0, 1]);
        let zeros = [look(0, 0.5, 4.0, 0.0), look(10, 0.5, 4.0, 0.0)];
        assert_eq!(warned(None, &zeros), [0, 0]);
    }
}
