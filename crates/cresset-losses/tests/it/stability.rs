//! What a loss must survive: rows that do not count, huge numbers, equal vectors, a batch of one.

use burn::tensor::{Device, Int, Tensor};
use cresset_losses::{
    Distance, FocalOptions, InfoNceOptions, TripletOptions, cosines, distillation, focal_count,
    focal_loss, info_nce, info_nce_count, r_drop, triplet_count, triplet_loss, z_loss,
};

/// The loss and the gradients of its inputs.
fn tried(
    inputs: &[[[f32; 3]; 2]],
    loss: impl FnOnce(Vec<Tensor<2>>, &Device) -> Tensor<1>,
) -> (f32, Vec<f32>) {
    let device = Device::flex().autodiff();
    let leaves: Vec<Tensor<2>> = inputs
        .iter()
        .map(|rows| Tensor::<2>::from_floats(*rows, &device).require_grad())
        .collect();
    let sum = loss(leaves.clone(), &device);
    let gradients = sum.backward();
    let of_leaves = leaves.iter().filter_map(|leaf| leaf.grad(&gradients));
    let flat = of_leaves.flat_map(|g| g.into_data().iter::<f32>().collect::<Vec<_>>());
    (sum.into_scalar::<f32>(), flat.collect())
}

fn all_finite((sum, gradients): &(f32, Vec<f32>)) -> bool {
    sum.is_finite() && !gradients.is_empty() && gradients.iter().all(|g| g.is_finite())
}

fn weights(values: [f32; 2], device: &Device) -> Option<Tensor<1>> {
    Some(Tensor::from_floats(values, device))
}

fn focal(gamma: f64, row_weights: Option<Tensor<1>>) -> FocalOptions {
    FocalOptions {
        gamma,
        class_weights: None,
        row_weights,
    }
}

fn triplet(distance: Distance, row_weights: Option<Tensor<1>>) -> TripletOptions {
    TripletOptions {
        distance,
        margin: 0.5,
        row_weights,
    }
}

const DISTANCES: [Distance; 3] = [
    Distance::Cosine,
    Distance::Euclidean,
    Distance::SquaredEuclidean,
];
const USUAL: [[f32; 3]; 2] = [[1.0, -0.5, 2.0], [0.3, 0.2, -1.0]];
const OTHER: [[f32; 3]; 2] = [[0.5, 0.5, -1.0], [2.0, -0.3, 0.1]];
/// A row that counts, and one in which a pass went wrong.
const BROKEN: [[f32; 3]; 2] = [[1.0, -0.5, 2.0], [f32::NAN, f32::INFINITY, -1.0]];

/// Every loss that knows rows that do not count, on two such inputs.
fn with_rows_weighted(rows: [f32; 2], first: [[f32; 3]; 2]) -> Vec<(f32, Vec<f32>)> {
    let targets = |device: &Device| Tensor::<1, Int>::from_ints([2, 0], device);
    let mut out = vec![
        tried(&[first], |x, d| {
            focal_loss(x[0].clone(), targets(d), focal(2.0, weights(rows, d)))
        }),
        tried(&[first], |x, d| z_loss(x[0].clone(), weights(rows, d), 1.0)),
        tried(&[first, OTHER], |x, d| {
            r_drop(x[0].clone(), x[1].clone(), weights(rows, d))
        }),
        tried(&[first, OTHER], |x, d| {
            distillation(x[0].clone(), x[1].clone(), 2.0, weights(rows, d))
        }),
        tried(&[OTHER, first], |x, d| {
            distillation(x[0].clone(), x[1].clone(), 2.0, weights(rows, d))
        }),
    ];
    out.extend(DISTANCES.map(|distance| {
        tried(&[first, OTHER, USUAL], |x, d| {
            let options = triplet(distance, weights(rows, d));
            triplet_loss(x[0].clone(), x[2].clone(), x[1].clone(), options)
        })
    }));
    out
}

#[test]
fn bug_class_23_no_row_at_all_gives_zero_and_gradients_of_zero() {
    for (sum, gradients) in with_rows_weighted([0.0, 0.0], BROKEN) {
        assert_eq!(sum, 0.0);
        assert!(!gradients.is_empty());
        assert!(gradients.iter().all(|g| *g == 0.0), "{gradients:?}");
    }
}

#[test]
fn bug_class_03_a_row_that_is_not_kept_changes_nothing_whatever_stands_there() {
    let usual = with_rows_weighted([1.0, 0.0], USUAL);
    let broken = with_rows_weighted([1.0, 0.0], BROKEN);
    assert_eq!(usual, broken);
    assert!(usual.iter().all(all_finite));
}

/// `exp(-2e4)` is 0, and a product of that with its logarithm is still 0.
#[test]
fn huge_logits_stay_finite() {
    let huge = [[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]];
    let targets = |device: &Device| Tensor::<1, Int>::from_ints([0, 0], device);
    for gamma in [0.0, 0.5, 1.0, 2.0, 5.0] {
        let right_and_wrong = tried(&[huge], |x, d| {
            focal_loss(x[0].clone(), targets(d), focal(gamma, None))
        });
        assert!(all_finite(&right_and_wrong), "{right_and_wrong:?}");
        let (sum, gradients) = right_and_wrong;
        assert!((sum - 2e4).abs() < 1.0, "{sum}");
        assert_eq!(gradients[..3], [0.0; 3], "gamma {gamma}");
        assert_eq!(gradients[3..], [-1.0, 0.5, 0.5], "gamma {gamma}");
    }
    let (sum, gradients) = tried(&[huge], |x, _| z_loss(x[0].clone(), None, 1e-8));
    assert!((sum - 2.0).abs() < 1e-3 && gradients.iter().all(|g| g.is_finite()));
    for (first, second) in [(huge, OTHER), (OTHER, huge)] {
        assert!(all_finite(&tried(&[first, second], |x, _| {
            r_drop(x[0].clone(), x[1].clone(), None)
        })));
        for temperature in [1e-4, 1.0, 100.0] {
            assert!(all_finite(&tried(&[first, second], |x, _| {
                distillation(x[0].clone(), x[1].clone(), temperature, None)
            })));
        }
    }
}

#[test]
fn equal_distributions_are_not_apart() {
    let (sum, gradients) = tried(&[USUAL, USUAL], |x, _| {
        r_drop(x[0].clone(), x[1].clone(), None)
    });
    assert_eq!(sum, 0.0);
    assert!(gradients.iter().all(|g| *g == 0.0));
    let (sum, gradients) = tried(&[USUAL, USUAL], |x, _| {
        distillation(x[0].clone(), x[1].clone(), 0.5, None)
    });
    assert_eq!(sum, 0.0);
    assert!(gradients.iter().all(|g| g.abs() < 1e-7), "{gradients:?}");
}

/// All vectors equal, all zeros, squares beyond f32 on both ends.
#[test]
fn equal_zero_and_huge_vectors_stay_finite() {
    let zeros = [[0.0; 3]; 2];
    let equal = [[0.3, -0.2, 0.5]; 2];
    let huge = [[1e30, -1e30, 1e25], [1e-30, 0.0, -2e-30]];
    for vectors in [zeros, equal, huge] {
        for other in [vectors, USUAL] {
            let contrast = tried(&[vectors, other], |x, _| {
                info_nce(x[0].clone(), x[1].clone(), InfoNceOptions::default())
            });
            assert!(all_finite(&contrast), "{vectors:?} {contrast:?}");
            for distance in [Distance::Cosine, Distance::Euclidean] {
                let triplets = tried(&[vectors, other, vectors], |x, _| {
                    let options = triplet(distance, None);
                    triplet_loss(x[0].clone(), x[1].clone(), x[2].clone(), options)
                });
                assert!(
                    all_finite(&triplets),
                    "{distance:?} {vectors:?} {triplets:?}"
                );
            }
        }
    }
}

/// Every candidate is as near as the right one: the loss of guessing, and for triplets the margin.
#[test]
fn vectors_that_are_all_equal_have_the_loss_of_guessing() {
    let equal = [[0.3, -0.2, 0.5]; 2];
    let (sum, _) = tried(&[equal, equal], |x, _| {
        info_nce(x[0].clone(), x[1].clone(), InfoNceOptions::default())
    });
    assert!((sum - 2.0 * 2f32.ln()).abs() < 1e-5, "{sum}");
    for distance in DISTANCES {
        let (sum, _) = tried(&[equal, equal, equal], |x, _| {
            let options = triplet(distance, None);
            triplet_loss(x[0].clone(), x[1].clone(), x[2].clone(), options)
        });
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
}

#[test]
fn a_small_temperature_stays_finite() {
    for temperature in [1e-6, 1e-3] {
        let options = InfoNceOptions {
            temperature,
            hard_negatives: None,
        };
        let opposite = USUAL.map(|row| row.map(|v| -v));
        let contrast = tried(&[USUAL, opposite], |x, _| {
            info_nce(x[0].clone(), x[1].clone(), options)
        });
        assert!(all_finite(&contrast), "{contrast:?}");
    }
}

#[test]
fn a_batch_of_one_has_nothing_to_be_told_from() {
    let (sum, gradients) = tried(&[USUAL, OTHER], |x, _| {
        let [anchor, positive] = [0, 1].map(|i| x[i].clone().slice(0..1));
        info_nce(anchor, positive, InfoNceOptions::default())
    });
    assert_eq!(sum, 0.0);
    assert!(gradients.iter().all(|g| g.abs() < 1e-6), "{gradients:?}");
}

#[test]
fn the_length_of_a_vector_does_not_enter_the_contrast() {
    let longer = USUAL.map(|row| row.map(|v| v * 7.0));
    let of = |anchors| {
        tried(&[anchors, OTHER], |x, _| {
            info_nce(x[0].clone(), x[1].clone(), InfoNceOptions::default())
        })
        .0
    };
    assert!((of(USUAL) - of(longer)).abs() < 1e-5);
    let device = Device::flex();
    let usual = Tensor::<2>::from_floats(USUAL, &device);
    let with_itself: Vec<f32> = cosines(usual.clone(), usual).into_data().iter().collect();
    assert!((with_itself[0] - 1.0).abs() < 1e-6 && (with_itself[3] - 1.0).abs() < 1e-6);
}

#[test]
fn denominators_count_what_the_sums_count() {
    assert_eq!(focal_count(&[1, 0, 1], None, None), 3.0);
    assert_eq!(focal_count(&[1, 0, 1], Some(&[0.5, 2.0]), None), 4.5);
    let rows = Some(&[1.0, 1.0, 0.0][..]);
    assert_eq!(focal_count(&[1, 0, 1], Some(&[0.5, 2.0]), rows), 2.5);
    assert_eq!(info_nce_count(3), 3.0);
    assert_eq!(triplet_count(3, None), 3.0);
    assert_eq!(triplet_count(3, rows), 2.0);
}
