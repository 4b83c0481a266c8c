//! A curve of any length in a few points.

/// Means over stretches of steps, which grow with the curve.
#[derive(Clone, Debug)]
pub struct Curve {
    points: Vec<(f64, f64)>,
    /// Values that a point is the mean of.
    stride: usize,
    /// Sum of steps, sum of values and number of the point to come.
    next: (f64, f64, usize),
}

/// More than a terminal shows.
const MOST: usize = 512;

impl Default for Curve {
    fn default() -> Self {
        Curve {
            points: Vec::new(),
            stride: 1,
            next: (0.0, 0.0, 0),
        }
    }
}

impl Curve {
    /// Adds a value; one that is not finite has no place on a curve.
    pub fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let (steps, values, n) = self.next;
        self.next = (steps + step as f64, values + value, n + 1);
        if self.next.2 < self.stride {
            return;
        }
        let (steps, values, n) = std::mem::take(&mut self.next);
        self.points.push((steps / n as f64, values / n as f64));
        if self.points.len() >= MOST {
            let mean = |pair: &[(f64, f64)]| {
                let n = pair.len() as f64;
                let sum = pair.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
                (sum.0 / n, sum.1 / n)
            };
            self.points = self.points.chunks(2).map(mean).collect();
            self.stride *= 2;
        }
    }

    /// Steps and values.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_course_in_few_points() {
        let mut curve = Curve::default();
        (1..=100_000).for_each(|step| curve.push(step, step as f64 * 2.0));
        curve.push(7, f64::NAN);
        let points = curve.points();
        assert!((MOST / 2..MOST).contains(&points.len()));
        assert!(points.is_sorted_by(|a, b| a.0 < b.0));
        assert!(points.iter().all(|(x, y)| (y - 2.0 * x).abs() < 1e-6));
    }
}
