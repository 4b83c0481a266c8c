//! Matrix products inside slices, and results that several tasks write side by side.

/// A matrix inside a slice: its first element and the distances between rows and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Matrix<'_> {
    /// Rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Matrix {
            row: self.column,
            column: self.row,
            ..self
        }
    }
}

/// The columns of a result that one head writes, inside an array that all heads share.
#[derive(Clone, Copy, Debug)]
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

    /// `out[first + i * row + j] = alpha * (a b)[i, j]`, or added to what stands there, by the task that asks for it.
    pub(super) fn product(&self, product: Product, a: Matrix<'_>, b: Matrix<'_>) {
        let [m, k, n] = product.sizes;
        if m == 0 || k == 0 || n == 0 {
            return;
        }
        assert!(
            product.first + (m - 1) * product.row + n <= self.len,
            "the result lies inside the array"
        );
        let how = How {
            alpha: product.alpha,
            start: product.start,
            parallelism: gemm::Parallelism::None,
        };
        // SAFETY: the bounds of the result were just checked and no other task writes there; `gemm_at` checks a and b.
        unsafe {
            gemm_at(
                self.first.add(product.first),
                product.row,
                [m, k, n],
                a,
                b,
                how,
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

/// Products with at least so many multiplications are shared among the threads.
const PARALLEL: usize = 192 * 192 * 192;

/// A product into a dense array: its sizes, where it goes, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    /// Rows, inner size, columns.
    pub(super) sizes: [usize; 3],
    /// Where its first element goes.
    pub(super) first: usize,
    /// Distance between rows of the result.
    pub(super) row: usize,
    pub(super) alpha: f32,
    pub(super) start: Start,
}

impl Product {
    /// One that fills its array.
    pub(super) fn of(sizes: [usize; 3]) -> Self {
        Product {
            sizes,
            first: 0,
            row: sizes[2],
            alpha: 1.0,
            start: Start::Overwritten,
        }
    }

    /// How the whole of it is made.
    fn how(&self) -> How {
        let [m, k, n] = self.sizes;
        How {
            alpha: self.alpha,
            start: self.start,
            parallelism: match m * k * n {
                PARALLEL.. => gemm::Parallelism::Rayon(0),
                _ => gemm::Parallelism::None,
            },
        }
    }

    /// The same times a number.
    pub(super) fn times(self, alpha: f32) -> Self {
        Product { alpha, ..self }
    }

    /// The same, over or onto what stands there.
    pub(super) fn start(self, start: Start) -> Self {
        Product { start, ..self }
    }
}

/// `alpha * a b` as a new array, which is not filled with zeros first; by all threads if it is large.
pub(super) fn new_product(product: Product, a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    let [m, k, n] = product.sizes;
    debug_assert!(product.first == 0 && product.row == n, "a dense result");
    if m * k * n == 0 {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    // SAFETY: there is room for `m * n` elements; the product writes each of them and, not being added to anything, reads none.
    unsafe {
        let how = How {
            start: Start::Overwritten,
            ..product.how()
        };
        gemm_at(out.as_mut_ptr(), n, [m, k, n], a, b, how);
        out.set_len(m * n);
    }
    out
}

/// `out = alpha * a b`, or `out += alpha * a b`, by all threads if it is large.
pub(super) fn large_product(out: &mut [f32], product: Product, a: Matrix<'_>, b: Matrix<'_>) {
    let [m, k, n] = product.sizes;
    if m == 0 || n == 0 {
        return;
    }
    assert!(
        product.first + (m - 1) * product.row + n <= out.len(),
        "room for the result"
    );
    if k == 0 {
        if product.start == Start::Overwritten {
            let rows = out[product.first..].chunks_mut(product.row).take(m);
            rows.for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    // SAFETY: the room was just checked.
    unsafe {
        gemm_at(
            out.as_mut_ptr().add(product.first),
            product.row,
            [m, k, n],
            a,
            b,
            product.how(),
        )
    }
}
