//! Bootstrap intervals and paired comparisons.

use cresset_metrics::{Bootstrap, MetricError, bootstrap_interval, paired_bootstrap};

fn mean(values: &[f64], items: &[usize]) -> f64 {
    items.iter().map(|&item| values[item]).sum::<f64>() / items.len() as f64
}

#[test]
fn the_interval_of_a_mean_is_about_two_standard_errors_wide() {
    let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
    let interval = bootstrap_interval(values.len(), &Bootstrap::default(), |items| {
        mean(&values, items)
    })
    .expect("valid input");
    // Standard error 0.5 / sqrt(400) = 0.025; 1.96 of them each way, 1,000 resamples give about +-0.005.
    assert_eq!(interval.score, 0.5);
    assert!((interval.low - 0.451).abs() < 0.007, "{interval:?}");
    assert!((interval.high - 0.549).abs() < 0.007, "{interval:?}");
    assert!((interval.mean - 0.5).abs() < 0.005, "{interval:?}");
}

#[test]
fn the_same_seed_gives_the_same_interval() {
    let values: Vec<f64> = (0..20).map(f64::from).collect();
    let at = |seed| {
        let options = Bootstrap {
            seed,
            ..Bootstrap::default()
        };
        bootstrap_interval(20, &options, |items| mean(&values, items)).expect("valid input")
    };
    assert_eq!(at(7), at(7));
    assert_ne!(at(7), at(8));
}

#[test]
fn a_clear_difference_is_significant_and_none_is_not() {
    let worse: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
    let better: Vec<f64> = (0..100)
        .map(|i| f64::from(i % 7) + 1.0 + f64::from(i % 3))
        .collect();
    let options = Bootstrap::default();
    let clear = paired_bootstrap(100, &options, |items| {
        [mean(&better, items), mean(&worse, items)]
    })
    .expect("valid input");
    assert!(
        clear.p_value < 0.01 && clear.difference.low > 0.0,
        "{clear:?}"
    );
    let none = paired_bootstrap(100, &options, |items| {
        [mean(&worse, items), mean(&worse, items)]
    })
    .expect("valid input");
    assert_eq!(none.difference.score, 0.0);
    assert!(none.difference.low <= 0.0 && none.difference.high >= 0.0);
}

#[test]
fn settings_out_of_range_are_refused() {
    let ask = |resamples, confidence| {
        let options = Bootstrap {
            resamples,
            confidence,
            seed: 0,
        };
        bootstrap_interval(3, &options, |_| 0.0).map_err(|error| error.to_string())
    };
    assert_eq!(
        ask(0, 0.95),
        Err("resamples is 0; it must be at least 1".to_owned())
    );
    assert_eq!(
        ask(10, 95.0),
        Err("confidence is 95; it must be between 0 and 1".to_owned())
    );
    assert_eq!(
        bootstrap_interval(0, &Bootstrap::default(), |_| 0.0),
        Err(MetricError::Empty)
    );
}
