//! Freed pages stay with the process: a training step asks for the same buffers again, and fresh pages must be zeroed by
//! the kernel each time.

use std::ffi::c_long;

/// Position of `mi_option_purge_delay` in mimalloc's option enumeration; the binding has no name for it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Turns off the return of freed pages to the system.
pub fn keep_freed_pages() {
    let never: c_long = -1;
    // SAFETY: sets one documented integer option of the allocator this process runs on; any value is valid.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, never) }
}
