//! Takes apart what Redis answers. Nothing in an answer is believed: what is not as expected is an error.

use super::fault::unexpected;
use redis::Value;
use redundancy_webhook::store::StoreError;
use std::str::FromStr;

/// The items of a list, taken one after the other.
pub(super) struct Items(std::vec::IntoIter<Value>);

impl Items {
    /// The items of `value`.
    pub(super) fn of(value: Value) -> Result<Self, StoreError> {
        if let Value::Array(items) = value { Ok(Self(items.into_iter())) } else { Err(unexpected()) }
    }

    /// Whether all were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// The next item as a text, for people, without taking it.
    pub(super) fn first(&self) -> Result<String, StoreError> {
        let first = self.0.as_slice().first().cloned().ok_or_else(unexpected)?;
        Ok(String::from_utf8_lossy(&bytes(first)?.unwrap_or_default()).into_owned())
    }

    /// The next item, whatever it is.
    pub(super) fn next(&mut self) -> Result<Value, StoreError> {
        self.0.next().ok_or_else(unexpected)
    }

    /// The next item, a list.
    pub(super) fn items(&mut self) -> Result<Self, StoreError> {
        Self::of(self.next()?)
    }

    /// The next item, bytes or nothing.
    pub(super) fn bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        bytes(self.next()?)
    }

    /// The next item, a text or nothing.
    pub(super) fn text(&mut self) -> Result<Option<String>, StoreError> {
        self.bytes()?.map(|bytes| String::from_utf8(bytes).map_err(|_| unexpected())).transpose()
    }

    /// The next item, a text that means a value.
    pub(super) fn parse<T: FromStr>(&mut self) -> Result<T, StoreError> {
        self.text()?.and_then(|text| text.parse().ok()).ok_or_else(unexpected)
    }

    /// The next item, a text that means a value, or nothing or an empty text.
    pub(super) fn parse_optional<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        let text = self.text()?.filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| unexpected())).transpose()
    }

    /// The next item, a whole number.
    pub(super) fn integer(&mut self) -> Result<i64, StoreError> {
        integer(self.next()?)
    }
}

/// A whole number.
pub(super) fn integer(value: Value) -> Result<i64, StoreError> {
    if let Value::Int(number) = value {
        return Ok(number);
    }
    bytes(value)?.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()).ok_or_else(unexpected)
}

/// Bytes, or nothing.
pub(super) fn bytes(value: Value) -> Result<Option<Vec<u8>>, StoreError> {
    if let Value::BulkString(bytes) = value {
        Ok(Some(bytes))
    } else if let Value::SimpleString(text) = value {
        Ok(Some(text.into_bytes()))
    } else if let Value::Int(number) = value {
        Ok(Some(number.to_string().into_bytes()))
    } else if value == Value::Nil {
        Ok(None)
    } else {
        Err(unexpected())
    }
}
