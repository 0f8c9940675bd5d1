//! A run that is ended from outside does not leave the service behind that it started. How that is found, only Linux shows.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Place, is_hangup_heeded};

/// The service that a run starts.
struct ServiceOf {
    id: Pid,
    address: SocketAddr,
}

impl ServiceOf {
    /// Waits until a run in `place` has started it.
    fn wait_for(run: &Child, place: &Place) -> Self {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_mins(1), "no service was started");
            std::thread::sleep(Duration::from_millis(10));
            let mut folders = std::fs::read_dir(place.path()).unwrap();
            let Some(Ok(folder)) = folders.next() else { continue };
            let greeting = std::fs::read_to_string(folder.path().join("greeting.txt")).unwrap_or_default();
            let address = greeting.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
            let Some(address) = address.and_then(|address| address.parse().ok()) else { continue };
            let children = format!("/proc/{0}/task/{0}/children", run.id());
            let children = std::fs::read_to_string(children).unwrap();
            let id = children.trim().parse().ok().and_then(Pid::from_raw).unwrap();
            return Self { id, address };
        }
    }
}

impl Drop for ServiceOf {
    fn drop(&mut self) {
        // An error means that it has ended, which it should have.
        let _ = kill_process(self.id, Signal::KILL);
    }
}

#[test]
fn the_service_ends_with_the_run_that_started_it_however_that_ends() {
    for signal in [Signal::KILL, Signal::HUP] {
        if signal == Signal::HUP && !is_hangup_heeded() {
            continue;
        }
        let place = Place::new();
        let mut command =
            place.command(&["bench", "deliver", "--folder", ".", "--seconds", "3600", "--only", "latency"]);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let service = ServiceOf::wait_for(&run, &place);
        kill_process(Pid::from_child(&run), signal).unwrap();
        run.wait().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(service.address).is_ok() {
            assert!(begun.elapsed() < Duration::from_mins(1), "{signal:?}: the service is still there");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
