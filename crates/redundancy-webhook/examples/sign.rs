//! Signs what stands on standard input: one JSON object a line with `secret`, `id`, `timestamp` (seconds) and `body`, and for
//! each a line with the headers. `previous`, a list of earlier secrets that still sign, may stand beside them.
//!
//! ```sh
//! echo '{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","id":"evt_1","timestamp":1700000000,"body":"{}"}' |
//!   cargo run -q -p redundancy-webhook --example sign
//! ```

use redundancy_webhook::{Scheme, SigningSecret, sign_headers};
use serde_json::{Value, json};
use std::error::Error;
use std::io::{self, BufRead as _, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", signed(&serde_json::from_str(&line?)?)?)?;
    }
    Ok(())
}

fn signed(case: &Value) -> Result<Value, Box<dyn Error>> {
    let text = |field: &str| case[field].as_str().ok_or_else(|| format!("{field} is no text"));
    let timestamp = case["timestamp"].as_u64().ok_or("timestamp is no whole number of seconds")?;
    let current: SigningSecret = text("secret")?.parse()?;
    let previous = case["previous"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let previous: Vec<SigningSecret> = previous.map(str::parse).collect::<Result<_, _>>()?;
    let secrets: Vec<&SigningSecret> = [&current].into_iter().chain(&previous).collect();
    let signatures = sign_headers(&secrets, Scheme::V1a, text("id")?, timestamp, text("body")?.as_bytes())?;
    Ok(json!({
        "webhook-id": text("id")?,
        "webhook-timestamp": timestamp.to_string(),
        "webhook-signature": signatures.webhook_signature,
        "x-webhook-signature": signatures.hex,
        "public_key": current.public_key().to_string(),
    }))
}
