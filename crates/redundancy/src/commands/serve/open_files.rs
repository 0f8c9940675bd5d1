//! How many files and connections the system lets the process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to `wanted`, or as far as the system allows. Shells start programs with room for about a thousand, far
/// less than the service is ready for.
pub(super) fn allow(wanted: u64) {
    let limits = getrlimit(Resource::Nofile);
    let most = limits.maximum.map_or(wanted, |most| most.min(wanted));
    if limits.current.is_some_and(|current| current < most) {
        // If the system says no after all, the service works with fewer connections, and its log says when they run out.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limits.maximum });
    }
}
