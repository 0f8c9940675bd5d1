//! Flattens a JSON schema into a list of fields: `repeated_passages[].occurrences[].start` and so on.

use super::{list, text};
use serde_json::Value;
use std::fmt::Write as _;

/// How deep schemas are followed. None of ours nests as deep; one that contained itself would without end.
const MAX_DEPTH: usize = 8;

/// The schemas of one document.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'d> {
    pub(super) document: &'d Value,
}

/// One field of a body.
pub(super) struct Field<'d> {
    /// Its path: names joined by dots, `[]` for the items of a list.
    pub(super) name: String,
    /// Its type and limits, for people.
    pub(super) kind: String,
    pub(super) required: bool,
    pub(super) description: &'d str,
}

impl<'d> Schemas<'d> {
    /// What a reference refers to; anything else is itself.
    pub(super) fn resolve(self, value: &'d Value) -> &'d Value {
        let pointer = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        pointer.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    /// Every field of `schema`, each before those inside it.
    pub(super) fn fields(self, schema: &'d Value) -> Vec<Field<'d>> {
        let mut fields = Vec::new();
        self.add_fields(schema, "", MAX_DEPTH, &mut fields);
        fields
    }

    fn add_fields(self, schema: &'d Value, prefix: &str, depth_left: usize, fields: &mut Vec<Field<'d>>) {
        let schema = self.resolve(schema);
        let Some(depth_left) = depth_left.checked_sub(1) else { return };
        for part in list(&schema["allOf"]) {
            self.add_fields(part, prefix, depth_left, fields);
        }
        let Some(properties) = schema["properties"].as_object() else { return };
        // The list of required fields keeps the order of declaration, which says more than the alphabet.
        let required: Vec<&str> = list(&schema["required"]).map(text).collect();
        let optional = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
        for name in required.iter().copied().chain(optional) {
            let Some(property) = properties.get(name) else { continue };
            let (value, suffix) = self.value(property);
            let name_in_full = format!("{prefix}{name}");
            fields.push(Field {
                kind: self.kind(property),
                required: required.contains(&name),
                description: self.description(property),
                name: name_in_full.clone(),
            });
            self.add_fields(value, &format!("{name_in_full}{suffix}."), depth_left, fields);
        }
    }

    /// The schema of a value or, of a list, that of its items, with what a path says of it.
    fn value(self, schema: &'d Value) -> (&'d Value, &'static str) {
        let schema = self.present(schema);
        if schema["items"].is_object() { (self.present(&schema["items"]), "[]") } else { (schema, "") }
    }

    /// The schema of a value that may be `null`, when it is not.
    fn present(self, schema: &'d Value) -> &'d Value {
        let mut alternatives = list(&schema["oneOf"]).filter(|one| one["type"] != "null");
        match (alternatives.next(), alternatives.next()) {
            (Some(only), None) => self.resolve(only),
            _ => self.resolve(schema),
        }
    }

    fn description(self, schema: &'d Value) -> &'d str {
        let alternatives = list(&schema["oneOf"]).map(|one| text(&one["description"]));
        let own = std::iter::once(text(&schema["description"])).chain(alternatives);
        own.chain([text(&self.present(schema)["description"])])
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    fn kind(self, schema: &'d Value) -> String {
        let (value, suffix) = self.value(schema);
        // A type is one name or a list of them.
        let types = value["type"].as_str().into_iter().chain(list(&value["type"]).map(text));
        let alternatives = list(&value["oneOf"]).map(|one| text(&one["type"]));
        let present: Vec<&str> = types.chain(alternatives).filter(|one| *one != "null").collect();
        let mut kind = present.join(" or ");
        if suffix == "[]" {
            kind = format!("list of {kind}s");
        }
        let names: Vec<&str> = list(&value["enum"]).map(text).collect();
        if !names.is_empty() {
            kind = names.join(", ");
        }
        // Writing to a string cannot fail.
        if let (Some(from), Some(to)) = (value["minimum"].as_f64(), value["maximum"].as_f64()) {
            let _ = write!(kind, " from {from} to {to}");
        }
        if let (Some(from), Some(to)) = (value["minLength"].as_u64(), value["maxLength"].as_u64()) {
            let _ = write!(kind, " of {from} to {to} characters");
        }
        if !schema["default"].is_null() {
            let _ = write!(kind, ", default {}", schema["default"]);
        }
        kind
    }
}
