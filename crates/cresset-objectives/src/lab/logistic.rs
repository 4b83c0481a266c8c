//! Multinomial logistic regression with an L2 penalty: the linear probe (Alain & Bengio 2017).
//!
//! Minimises `sum_i -log softmax(W x_i + b)[y_i] + |W|^2 / (2 C)`, the bias free, by L-BFGS (Nocedal 1980); scikit-learn's
//! `LogisticRegression(C=C)` minimises the same for three classes or more.

use std::collections::VecDeque;

/// Rows of numbers, each of the same width.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) values: Vec<f64>,
    pub(crate) width: usize,
}

/// A trained probe.
#[derive(Clone, Debug)]
pub(super) struct Logistic {
    /// Per class the weights and then the bias.
    parameters: Vec<f64>,
    n_classes: usize,
    width: usize,
}

/// Pairs of steps that L-BFGS remembers.
const MEMORY: usize = 10;
const MAX_ITERATIONS: usize = 300;
/// The largest entry of the gradient of the mean loss at which training ends.
const TOLERANCE: f64 = 1e-5;

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// The rows at some places.
    pub(super) fn at(&self, places: &[usize]) -> Rows {
        Rows {
            values: places
                .iter()
                .flat_map(|&place| self.row(place))
                .copied()
                .collect(),
            width: self.width,
        }
    }
}

impl Logistic {
    /// Trains on rows and their classes; `c` is the inverse strength of the penalty.
    pub(super) fn fit(x: &Rows, y: &[usize], n_classes: usize, c: f64) -> Logistic {
        let mut probe = Logistic {
            parameters: vec![0.0; n_classes * (x.width + 1)],
            n_classes,
            width: x.width,
        };
        let decay = 1.0 / (c * x.len() as f64);
        let mut steps: VecDeque<Step> = VecDeque::new();
        let (mut loss, mut gradient) = probe.loss(x, y, decay);
        for _ in 0..MAX_ITERATIONS {
            if gradient.iter().all(|g| g.abs() < TOLERANCE) {
                break;
            }
            let direction = direction(&gradient, &steps);
            let slope = dot(&direction, &gradient);
            // The first step has no memory to tell its length.
            let first = 1.0 / gradient.iter().map(|g| g.abs()).sum::<f64>().max(1.0);
            let mut rate = if steps.is_empty() { first } else { 1.0 };
            let from = probe.parameters.clone();
            let found = loop {
                let moved = from.iter().zip(&direction).map(|(p, d)| p + rate * d);
                probe.parameters = moved.collect();
                let (next, next_gradient) = probe.loss(x, y, decay);
                if next <= loss + 1e-4 * rate * slope {
                    break Some((next, next_gradient));
                }
                rate /= 2.0;
                if rate < 1e-12 {
                    break None;
                }
            };
            let Some((next, next_gradient)) = found else {
                // No step lowers the loss any more: this is the minimum as far as 64 bits tell.
                probe.parameters = from;
                break;
            };
            let step = Step {
                moved: difference(&probe.parameters, &from),
                turned: difference(&next_gradient, &gradient),
            };
            if dot(&step.moved, &step.turned) > 1e-14 {
                steps.push_back(step);
                if steps.len() > MEMORY {
                    steps.pop_front();
                }
            }
            (loss, gradient) = (next, next_gradient);
        }
        probe
    }

    /// The class of the largest score.
    pub(super) fn class_of(&self, row: &[f64]) -> usize {
        let scores = self.scores(row);
        let best = (0..self.n_classes).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        best.unwrap_or(0)
    }

    fn scores(&self, row: &[f64]) -> Vec<f64> {
        let class = |weights: &[f64]| dot(&weights[..self.width], row) + weights[self.width];
        self.parameters.chunks(self.width + 1).map(class).collect()
    }

    /// The mean loss with its share of the penalty, and its gradient.
    fn loss(&self, x: &Rows, y: &[usize], decay: f64) -> (f64, Vec<f64>) {
        let n = y.len() as f64;
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut loss = 0.0;
        for (index, &class) in y.iter().enumerate() {
            let row = x.row(index);
            let mut p = self.scores(row);
            let largest = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = p.iter().map(|z| (z - largest).exp()).sum();
            loss += largest + total.ln() - p[class];
            for z in &mut p {
                *z = (*z - largest).exp() / total;
            }
            p[class] -= 1.0;
            for (p, gradient) in p.iter().zip(gradient.chunks_mut(self.width + 1)) {
                for (g, x) in gradient.iter_mut().zip(row) {
                    *g += p * x;
                }
                gradient[self.width] += p;
            }
        }
        let mut penalty = 0.0;
        let classes = self.parameters.chunks(self.width + 1);
        for (weights, gradient) in classes.zip(gradient.chunks_mut(self.width + 1)) {
            for (g, w) in gradient.iter_mut().zip(&weights[..self.width]) {
                *g = *g / n + decay * w;
                penalty += w * w;
            }
            gradient[self.width] /= n;
        }
        (loss / n + decay * penalty / 2.0, gradient)
    }
}

/// What L-BFGS remembers of a step.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
}

/// Where to go: the gradient through the inverse Hessian that the steps tell of, turned round.
fn direction(gradient: &[f64], steps: &VecDeque<Step>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::new();
    for step in steps.iter().rev() {
        let share = dot(&step.moved, &q) / dot(&step.moved, &step.turned);
        add(&mut q, -share, &step.turned);
        shares.push(share);
    }
    if let Some(last) = steps.back() {
        let scale = dot(&last.moved, &last.turned) / dot(&last.turned, &last.turned);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (step, share) in steps.iter().zip(shares.into_iter().rev()) {
        let back = dot(&step.turned, &q) / dot(&step.moved, &step.turned);
        add(&mut q, share - back, &step.moved);
    }
    q
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    for (a, b) in to.iter_mut().zip(what) {
        *a += factor * b;
    }
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// In eight sums, so that it vectorises.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two waves and a slope, in three classes that overlap.
    fn data() -> (Rows, Vec<usize>) {
        let row = |i: usize| {
            let t = i as f64;
            [(t * 0.7).sin(), (t * 1.3).cos(), t / 30.0 - 0.5]
        };
        let class = |i: usize| {
            (row(i)[0] > 0.3) as usize + (row(i)[2] + (i % 3) as f64 * 0.3 > 0.4) as usize
        };
        let values = (0..30).flat_map(row).collect();
        (Rows { values, width: 3 }, (0..30).map(class).collect())
    }

    #[test]
    fn the_probe_equals_that_of_scikit_learn() {
        let (x, y) = data();
        let probe = Logistic::fit(&x, &y, 3, 1.0);
        for (class, weights) in probe.parameters.chunks(4).enumerate() {
            for (ours, theirs) in weights.iter().zip(SKLEARN[class]) {
                assert!((ours - theirs).abs() < 2e-4, "{:?}", probe.parameters);
            }
        }
    }

    /// Of scripts/golden_probe.py: per class the weights and the bias.
    const SKLEARN: [[f64; 4]; 3] = [
        [-1.296078, 0.100569, -0.62918, 0.197584],
        [0.075258, -0.419234, -0.291504, 0.524915],
        [1.22082, 0.318665, 0.920684, -0.722499],
    ];

    #[test]
    fn classes_that_lie_apart_are_told_apart_and_chance_is_not() {
        let (x, y) = data();
        let apart: Vec<usize> = (0..30).map(|i| usize::from(x.row(i)[0] > 0.0)).collect();
        let probe = Logistic::fit(&x, &apart, 2, 1e6);
        assert!((0..30).all(|i| probe.class_of(x.row(i)) == apart[i]));
        // Without anything to tell by, the probe says the commonest class.
        let nothing = Rows {
            values: vec![0.0; 30],
            width: 1,
        };
        let probe = Logistic::fit(&nothing, &y, 3, 1.0);
        let commonest = (0..3).max_by_key(|c| y.iter().filter(|y| *y == c).count());
        assert_eq!(Some(probe.class_of(&[0.0])), commonest);
    }
}
