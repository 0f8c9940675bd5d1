//! Names under the test's control.

use async_trait::async_trait;
use redundancy_webhook::transport::Resolver;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

/// Gives one answer after the other, the last one for ever, and remembers what it was asked for.
pub(crate) struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    /// Each answer is a list of addresses divided by blanks; an empty one says that the name has none.
    pub(crate) fn answering(answers: &[&str]) -> Self {
        let parsed = answers.iter().rev().map(|answer| addresses(answer)).collect();
        Self { answers: Mutex::new(parsed), asked: Mutex::new(Vec::new()) }
    }

    /// The names that were looked up, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Addresses divided by blanks.
pub(crate) fn addresses(text: &str) -> Vec<IpAddr> {
    text.split_whitespace().map(|address| address.parse().unwrap()).collect()
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        match answers.as_slice() {
            [] => Err(io::Error::other("no such name")),
            [last] => Ok(last.clone()),
            _ => Ok(answers.pop().unwrap()),
        }
    }
}

/// Takes for ever.
pub(crate) struct Silence;

#[async_trait]
impl Resolver for Silence {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}
