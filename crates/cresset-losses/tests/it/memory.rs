//! Memory of the losses over a vocabulary.

use burn::tensor::{Device, Int, Tensor};
use cresset_losses::token_nll;

use crate::value;

/// The most memory that this process has held since the last [`forget_peak`], in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    let kilobytes: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// A dense target would be as large as the logits, 80 MB; the last lines show that it would be noticed.
#[test]
fn label_smoothing_makes_no_dense_target() {
    const SHAPE: [usize; 2] = [400, 50_000];
    const SIZE: usize = SHAPE[0] * SHAPE[1] * 4;
    let device = Device::flex();
    let logits = Tensor::<2>::full(SHAPE, 0.5, &device);
    let targets = Tensor::<1, Int>::zeros([SHAPE[0]], &device);
    forget_peak();
    let before = peak();
    let sum = value(token_nll(logits.clone(), targets, None, 0.1));
    // The system's count may be off by a few pages, either way.
    let taken = peak().saturating_sub(before);
    assert!((sum / SHAPE[0] as f64 - (SHAPE[1] as f64).ln()).abs() < 1e-3);
    assert!(taken < SIZE / 2, "{taken} bytes");
    let another = logits.clone() * 2.0;
    assert!(
        peak().saturating_sub(before) > SIZE / 2,
        "the peak is not measured"
    );
    drop((logits, another));
}
