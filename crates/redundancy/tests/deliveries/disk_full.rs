//! The disk of the embedded store is full: that is said, nothing that was acknowledged is lost, and there is room again when
//! there is room.

use crate::service::Service;
use crate::sink::{Gate, Sink, answer};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const BALLAST_BYTES: usize = 4 * 1024 * 1024;

/// A disk of a few MiB. Dropping it takes it away.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it at `path`, or says why that cannot be done here.
    fn mount(path: &Path) -> Result<Self, String> {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=10m", "tmpfs"]).arg(path);
        let output = mount.output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(Self(path.to_owned()))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Files on it may still be open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_what_is_new_loses_nothing_and_works_again_when_there_is_room() {
    let gate = Arc::new(Gate::default());
    let closed = Arc::clone(&gate);
    let sink = Sink::with(move |_, stream| {
        closed.pass();
        answer(stream, 204)
    });
    let mut service = Service::embedded(&[]);
    let disk = match SmallDisk::mount(&service.folder().join("data")) {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("SKIPPED: no small disk can be mounted here (that takes root): {reason}");
            return;
        }
    };
    let ballast = disk.0.join("ballast");
    fs::write(&ballast, vec![0; BALLAST_BYTES]).unwrap();
    service.start();
    service.register("sink", &sink.url(), "report.*", &json!({}));
    let data = json!({"filling": "x".repeat(100_000)});
    let mut accepted = Vec::new();
    let refused = loop {
        let answer = service.try_publish("report.ready", &data);
        if answer.status() != 202 {
            break answer;
        }
        accepted.push(answer.data(202)["event_id"].as_str().unwrap().to_owned());
        assert!(accepted.len() < 1000, "so much has no room on this disk");
    };
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")), "{}", refused.json());
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("no room"), "{}", refused.json());
    let ready = service.ask("GET", "/health/ready", None);
    assert_eq!((ready.status(), &ready.json()["status"]), (200, &json!("degraded")));
    let health = service.get("/api/v1/health/status");
    assert_eq!(health["status"], "degraded", "{health}");
    assert!(health["parts"]["store"]["warnings"][0].as_str().unwrap().contains("full"), "{health}");
    // What arrives now cannot be written down as delivered, and must not be forgotten for it.
    gate.open();
    sink.until(|seen| !seen.taken.is_empty());
    assert_eq!(service.try_publish("report.ready", &data).status(), 503);
    fs::remove_file(&ballast).unwrap();
    sink.until(|seen| accepted.iter().all(|event| seen.taken.contains_key(event)));
    service.until_idle();
    service.until("/health/ready", |answer| answer.json()["status"] == "ok");
    let event = service.publish("report.ready");
    sink.until_taken(&event);
    println!("{} events of 100 kB had room", accepted.len());
    // The file is sound, and has everything.
    service.kill();
    service.start();
    service.until_idle();
    let show =
        |event: &String| service.ask("GET", &format!("/api/v1/webhooks/events/{event}"), None).status();
    assert!(accepted.iter().all(|event| show(event) == 200));
    service.kill();
}
