//! What a program asks of its kernel, answered the same each time, so that a seed takes one course.
//!
//! str0m keeps what it knows in the standard library's hash maps, whose order comes from keys that
//! each thread draws once, and its SCTP takes an association's first moment from the clock. What
//! is left to chance is the length of signatures, which a path of little bandwidth would notice.

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::{ptr, thread};

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
    static CLOCK_STANDS: Cell<bool> = const { Cell::new(false) };
}

/// Stands in this program for the C library's function of that name (getrandom(2)).
///
/// # Safety
///
/// `buffer` is to point to `length` bytes that may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, _flags: c_uint) -> isize {
    for place in 0..length {
        // SplitMix64 (Steele, Lea and Flood 2014), its highest byte.
        let drawn = DRAWN.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        DRAWN.set(drawn);
        let mixed = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // SAFETY: the caller vouches for `length` bytes from `buffer` on.
        unsafe { ptr::write(buffer.cast::<u8>().add(place), (mixed >> 56) as u8) };
    }
    length as isize
}

/// Stands in this program for the C library's function of that name (clock_gettime(2)): once a
/// thread has called [`leave_nothing`] no time passes on it but the virtual one.
///
/// # Safety
///
/// `time` is to point to a `timespec` that may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    if CLOCK_STANDS.get() {
        let day = libc::timespec {
            tv_sec: 86_400,
            tv_nsec: 0,
        };
        // SAFETY: the caller vouches for `time`.
        unsafe { ptr::write(time, day) };
        return 0;
    }
    // SAFETY: the kernel checks both arguments.
    unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as c_int }
}

/// Stops this thread's clock and has what str0m draws by itself come from a seed.
pub fn leave_nothing(seed: u64) {
    CLOCK_STANDS.set(true);
    fastrand::seed(seed);
}

/// Plays something as a program would that has just begun.
pub fn afresh<T: Send>(play: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(play).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
