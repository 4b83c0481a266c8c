//! Matrix products inside slices, and results that several tasks write side by side.

/// A matrix inside a slice: its first element and the distances between rows and columns.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

/// The columns of a result that one head writes, inside an array that all heads share.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    first: *mut f32,
    len: usize,
}

// SAFETY: the tasks of one call write disjoint elements of the array: each (text, head) its own rows and columns.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(super) fn of(values: &mut [f32]) -> Self {
        Shared {
            first: values.as_mut_ptr(),
            len: values.len(),
        }
    }

    /// `out[start + i * row + j] = alpha * (a b)[i, j]`.
    pub(super) fn product(
        &self,
        start: usize,
        row: usize,
        [m, k, n]: [usize; 3],
        a: Matrix<'_>,
        b: Matrix<'_>,
        alpha: f32,
    ) {
        assert!(
            start + (m - 1) * row + n <= self.len,
            "the result lies inside the array"
        );
        // SAFETY: the bounds of the result were just checked and no other task writes there; `gemm_at` checks a and b.
        unsafe {
            gemm_at(
                self.first.add(start),
                row,
                [m, k, n],
                a,
                b,
                How::alone(alpha),
            )
        }
    }

    /// Copies a block that no other task writes.
    pub(super) fn copy(&self, start: usize, values: &[f32]) {
        assert!(
            start + values.len() <= self.len,
            "the block lies inside the array"
        );
        // SAFETY: the bounds were just checked, and each task writes its own block.
        unsafe {
            std::ptr::copy_nonoverlapping(values.as_ptr(), self.first.add(start), values.len())
        }
    }
}

/// What stands in a result before a product comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Numbers that the product is added to.
    Added,
    /// Nothing that counts.
    Overwritten,
}

/// How a product is made.
#[derive(Clone, Copy)]
struct How {
    alpha: f32,
    start: Start,
    parallelism: gemm::Parallelism,
}

impl How {
    /// By the task that asks for it.
    fn alone(alpha: f32) -> Self {
        How {
            alpha,
            start: Start::Overwritten,
            parallelism: gemm::Parallelism::None,
        }
    }
}

/// # Safety
/// `out` must be valid for writes of an `m x n` matrix with this distance between rows.
unsafe fn gemm_at(
    out: *mut f32,
    row: usize,
    [m, k, n]: [usize; 3],
    a: Matrix<'_>,
    b: Matrix<'_>,
    how: How,
) {
    assert!(
        (m - 1) * a.row + (k - 1) * a.column < a.values.len(),
        "the left matrix lies inside its slice"
    );
    assert!(
        (k - 1) * b.row + (n - 1) * b.column < b.values.len(),
        "the right matrix lies inside its slice"
    );
    // SAFETY: the caller answers for `out`, the assertions for the operands.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            row as isize,
            how.start == Start::Added,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            how.alpha,
            false,
            false,
            false,
            how.parallelism,
        );
    }
}

/// `out = alpha * a b`, dense.
pub(super) fn product(
    out: &mut [f32],
    [m, k, n]: [usize; 3],
    a: Matrix<'_>,
    b: Matrix<'_>,
    alpha: f32,
) {
    assert!(out.len() >= m * n, "room for the result");
    // SAFETY: the room was just checked.
    unsafe { gemm_at(out.as_mut_ptr(), n, [m, k, n], a, b, How::alone(alpha)) }
}

/// Products with at least so many multiplications are shared among the threads.
const PARALLEL: usize = 192 * 192 * 192;

/// `out = a b`, or `out += a b`, dense, by all threads if it is large.
pub(super) fn large_product(
    out: &mut [f32],
    [m, k, n]: [usize; 3],
    a: Matrix<'_>,
    b: Matrix<'_>,
    start: Start,
) {
    assert!(out.len() >= m * n, "room for the result");
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let how = How {
        start,
        parallelism: match m * k * n {
            PARALLEL.. => gemm::Parallelism::Rayon(0),
            _ => gemm::Parallelism::None,
        },
        ..How::alone(1.0)
    };
    // SAFETY: the room was just checked.
    unsafe { gemm_at(out.as_mut_ptr(), n, [m, k, n], a, b, how) }
}
