//! Lists that come in pages.

use serde::Serialize;
use serde_json::Value;

use super::address::with_query;
use super::error::ClientError;
use super::{Call, Client};

/// More the service does not put into one page.
const LARGEST_PAGE: usize = 200;

/// The first items of a list, in the form of the service.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The items.
    pub items: Vec<Value>,
    /// Where the list goes on; `None` at its end.
    pub next_cursor: Option<String>,
}

impl Client {
    /// Follows the list at `path` until it has `limit` items, or to its end.
    pub fn list(
        &self,
        path: &str,
        parameters: &[(&str, Option<String>)],
        limit: usize,
    ) -> Result<Listed, ClientError> {
        let foreign = || ClientError::Foreign(self.address().to_string());
        let mut listed = Listed { items: Vec::new(), next_cursor: None };
        loop {
            let wanted = (limit - listed.items.len()).min(LARGEST_PAGE);
            let mut query = parameters.to_vec();
            query.push(("limit", Some(wanted.to_string())));
            query.push(("cursor", listed.next_cursor.clone()));
            let mut page = self.data(&Call::get(with_query(path, &query)))?;
            let items = page.get_mut("items").and_then(Value::as_array_mut).ok_or_else(foreign)?;
            listed.items.extend(items.drain(..).take(wanted));
            let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            // A list that goes on where it was would never end.
            if next.is_some() && next == listed.next_cursor {
                return Err(foreign());
            }
            listed.next_cursor = next;
            if listed.next_cursor.is_none() || listed.items.len() >= limit {
                return Ok(listed);
            }
        }
    }
}
