//! The process that started the service, as far as the service depends on it.

use std::future::Future;
use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Ends when standard input does, if that is `wanted`, and else never. A process that starts the service holds the other end of a pipe
/// for that: the system closes it with the process, also when that is killed outright.
pub(super) fn gone(wanted: bool) -> impl Future<Output = ()> {
    let (tell, told) = oneshot::channel::<()>();
    if wanted {
        // Nobody waits for this thread: it ends with the process.
        thread::spawn(move || {
            // An error is an end as well.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            let _ = tell.send(());
        });
    }
    async move {
        if wanted {
            let _ = told.await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}
