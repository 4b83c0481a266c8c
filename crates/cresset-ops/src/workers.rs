//! Where work runs whose kernels are shared among threads.

use burn::tensor::Device;

use crate::fused::is_host;

/// Runs work on one of the threads that its kernels are shared among, if they run on the CPU: from outside, each kernel would have
/// to wake one of them and wait, which costs as much as a small product. Work that waits for other users of these threads must not
/// run here.
pub fn on_workers<R: Send>(device: &Device, work: impl FnOnce() -> R + Send) -> R {
    if is_host(device) && rayon::current_thread_index().is_none() {
        rayon::join(work, || ()).0
    } else {
        work()
    }
}
