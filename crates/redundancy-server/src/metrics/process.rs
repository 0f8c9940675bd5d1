//! What the operating system knows of this process: the metrics `process_*` that every Prometheus client library has. Read
//! from `/proc`, so only Linux has them; elsewhere they are left out.

use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use redundancy_engine::Timestamp;
use std::fmt;
use std::fs;

/// Clock ticks per second in `/proc`. The kernel's interface to programs has this value on every platform built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the figures on every scrape.
#[derive(Debug)]
pub(super) struct Collector {
    /// When the process began.
    pub(super) started_at: Timestamp,
}

/// Memory of this process that is in RAM, in bytes.
pub(crate) fn resident_bytes() -> Option<u64> {
    status_bytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

impl collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut write = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
        };
        let start_seconds = self.started_at.as_millis() as f64 / 1000.0;
        write(
            "process_start_time_seconds",
            "Start, in seconds since the Unix epoch.",
            &ConstGauge::new(start_seconds),
        )?;
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
            write("process_cpu_seconds", "CPU time, user and system.", &ConstCounter::new(seconds))?;
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(bytes) = status_bytes(&status, "VmRSS:") {
            write("process_resident_memory_bytes", "Memory in RAM.", &ConstGauge::new(bytes))?;
        }
        if let Some(bytes) = status_bytes(&status, "VmSize:") {
            write("process_virtual_memory_bytes", "Address space in use.", &ConstGauge::new(bytes))?;
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            write(
                "process_open_fds",
                "Open file descriptors.",
                &ConstGauge::new(descriptors.count() as u64),
            )?;
        }
        if let Some(limit) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(max_descriptors)
        {
            write("process_max_fds", "Most file descriptors that may be open.", &ConstGauge::new(limit))?;
        }
        Ok(())
    }
}

/// Of `/proc/self/stat`: fields 14 and 15, counted from 1. The second field is the name of the program, in parentheses, and
/// may hold anything, parentheses included.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut ticks = rest.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    Some((ticks.next()? + ticks.next()?) as f64 / TICKS_PER_SECOND)
}

/// Of `/proc/self/status`: the line that begins with `key`, which counts in KiB.
fn status_bytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Of `/proc/self/limits`: the soft limit.
fn max_descriptors(limits: &str) -> Option<u64> {
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_program_name() {
        let stat = "4711 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 4 0 100 1000 50";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("4711 (a) R 1"), None);
    }

    #[test]
    fn memory_is_given_in_bytes() {
        let status = "VmPeak:\t   2000 kB\nVmSize:\t   1000 kB\nVmRSS:\t     64 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), Some(65_536));
        assert_eq!(status_bytes(status, "VmSwap:"), None);
    }

    #[test]
    fn a_limit_may_be_missing() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(max_descriptors(limits), Some(1024));
        assert_eq!(max_descriptors("Max open files unlimited unlimited files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes().unwrap() > 1024 * 1024);
    }
}
