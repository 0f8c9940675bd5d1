//! Takes an object apart field by field and collects every fault on the way.

use super::json::{Json, Member};
use super::rules::Refusal;
use crate::error::{ApiError, FieldFault};
use std::collections::HashSet;

/// How many faults one answer lists. A body can have thousands, and none of those helps a person more than the first.
const MAX_FAULTS: usize = 100;
/// Longest name of an unknown field that is repeated in an answer, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Everything that is wrong with one request.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The first [`MAX_FAULTS`].
    listed: Vec<FieldFault>,
    total: usize,
    /// Whether one of them is a value that is too long.
    too_large: bool,
}

/// The members of one object, handed out by name.
pub(crate) struct Fields<'f, 'b> {
    members: Vec<Member<'b>>,
    faults: &'f mut Faults,
    /// JSON pointer to the object: empty for the body itself.
    place: String,
}

/// What a request says of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given<T> {
    /// Nothing.
    Absent,
    /// `null`.
    Null,
    /// Something that will not do, which has been reported.
    AtFault,
    /// This.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is a sound one.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null | Self::AtFault => None,
        }
    }

    /// Whether it changes the field: a value, or `null` for the default.
    pub(crate) const fn is_set(&self) -> bool {
        matches!(self, Self::Null | Self::Value(_))
    }

    /// The same with another value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Absent => Given::Absent,
            Self::Null => Given::Null,
            Self::AtFault => Given::AtFault,
            Self::Value(value) => Given::Value(change(value)),
        }
    }
}

impl Faults {
    /// Adds a fault of `field`, which is a JSON pointer, `?name` or the name of a header.
    pub(crate) fn add(&mut self, field: String, message: String) {
        self.total += 1;
        if self.listed.len() < MAX_FAULTS {
            self.listed.push(FieldFault { field, message });
        }
    }

    /// Adds a fault of `field` unless another one of it is listed already: the same mistake can show twice.
    pub(crate) fn add_new(&mut self, field: String, message: String) {
        if !self.listed.iter().any(|fault| fault.field == field) {
            self.add(field, message);
        }
    }

    /// Adds what a rule said about `field`.
    pub(crate) fn refuse(&mut self, field: String, refusal: Refusal) {
        self.too_large |= refusal.too_large;
        self.add(field, refusal.message);
    }

    /// The answer, when there is any fault.
    pub(crate) fn into_error(self) -> Option<ApiError> {
        let message = match self.listed.as_slice() {
            [] => return None,
            [only] if only.field.is_empty() => format!("The body {}.", only.message),
            [only] => format!("{} {}.", only.field, only.message),
            _ => format!("{} fields have to be corrected; each is named in details.", self.total),
        };
        Some(if self.too_large {
            ApiError::value_too_large(message, self.listed)
        } else {
            ApiError::invalid(message, self.listed)
        })
    }
}

impl<'f, 'b> Fields<'f, 'b> {
    pub(crate) fn new(members: Vec<Member<'b>>, faults: &'f mut Faults) -> Self {
        Self { members, faults, place: String::new() }
    }

    /// Everything that is wrong so far.
    pub(crate) fn faults(&mut self) -> &mut Faults {
        self.faults
    }

    /// What the request says of the field `name`.
    pub(crate) fn given<T>(
        &mut self,
        name: &str,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Given<T> {
        match self.take(name) {
            None => Given::Absent,
            Some(Json::Null) => Given::Null,
            Some(value) => self.obey(name, value, rule).map_or(Given::AtFault, Given::Value),
        }
    }

    /// What the request says of a list, each of whose items obeys `rule`.
    pub(crate) fn given_list<T>(
        &mut self,
        name: &str,
        rule: impl Fn(Json<'b>) -> Result<T, Refusal>,
    ) -> Given<Vec<T>> {
        let items = self.given(name, |value| {
            let Json::Array(items) = value else { return Err(Refusal::must_be("a list", &value)) };
            Ok(items)
        });
        let named = items.map(|items| {
            items.into_iter().enumerate().map(|(index, item)| (index.to_string().into(), item)).collect()
        });
        self.obey_all(name, named, |_, item| rule(item))
    }

    /// What the request says of an object with any names, each of whose values obeys `rule`.
    pub(crate) fn given_map<T>(
        &mut self,
        name: &str,
        rule: impl Fn(Json<'b>) -> Result<T, Refusal>,
    ) -> Given<Vec<(String, T)>> {
        let members = self.given(name, members);
        self.obey_all(name, members, |name, value| Ok((name.to_owned(), rule(value)?)))
    }

    /// What the request says of an object, which `read` takes apart. It has to know every field of it.
    pub(crate) fn given_object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Fields<'_, 'b>) -> T,
    ) -> Given<T> {
        self.given(name, members).map(|members| {
            let place = self.pointer(name);
            let mut fields = Fields { members, faults: self.faults, place };
            let value = read(&mut fields);
            fields.refuse_rest();
            value
        })
    }

    /// Reports the field `name` if it was not given.
    pub(crate) fn demand<T>(&mut self, name: &str, given: &Given<T>) {
        let message = match given {
            Given::Absent => "is missing",
            Given::Null => "must not be null",
            Given::AtFault | Given::Value(_) => return,
        };
        self.faults.add(self.pointer(name), message.to_owned());
    }

    /// Reports the list `name` if it is given without items: nothing would be meant by it.
    pub(crate) fn demand_items<T>(&mut self, name: &str, given: &Given<Vec<T>>) {
        if matches!(given, Given::Value(items) if items.is_empty()) {
            self.faults.add(self.pointer(name), "must have at least one item, or be left out".to_owned());
        }
    }

    /// Reports the field `name` if it is given, with the reason why it must not be.
    pub(crate) fn refuse(&mut self, name: &str, reason: &str) {
        if self.take(name).is_some() {
            self.faults.add(self.pointer(name), reason.to_owned());
        }
    }

    /// Applies `rule` to what is inside of `name` and reports each fault at its place.
    fn obey_all<T>(
        &mut self,
        name: &str,
        parts: Given<Vec<Member<'b>>>,
        rule: impl Fn(&str, Json<'b>) -> Result<T, Refusal>,
    ) -> Given<Vec<T>> {
        let before = self.faults.total;
        let mut are_sound = true;
        let sound = parts.map(|parts| {
            let (mut sound, mut seen) =
                (Vec::with_capacity(parts.len()), HashSet::with_capacity(parts.len()));
            for (part, value) in parts {
                let outcome = rule(&part, value);
                let place = format!("{}{}", self.pointer(name), pointer(&shortened(&part)));
                let is_new = seen.insert(part);
                match outcome {
                    Ok(value) if is_new => sound.push(value),
                    Ok(_) => self.faults.add(place, "is given more than once: keep one".to_owned()),
                    Err(refusal) => self.faults.refuse(place, refusal),
                }
            }
            are_sound = self.faults.total == before;
            sound
        });
        if are_sound { sound } else { Given::AtFault }
    }

    /// The value of a field that must be there. `None` when it is at fault, which is then reported.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Option<T> {
        let Some(value) = self.take(name) else {
            self.faults.add(self.pointer(name), "is missing".to_owned());
            return None;
        };
        self.obey(name, value, rule)
    }

    /// The value of a field that may be left out; `null` counts as left out. The outer `None` means that it is at fault.
    #[expect(
        clippy::option_option,
        reason = "a field at fault differs from one left out, and `?` sorts them"
    )]
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Option<Option<T>> {
        match self.take(name) {
            None | Some(Json::Null) => Some(None),
            Some(value) => self.obey(name, value, rule).map(Some),
        }
    }

    /// Reports every field that nobody asked for.
    pub(crate) fn refuse_rest(self) {
        for (name, _) in &self.members {
            let message = "is not a known field: leave it out or correct its name";
            self.faults.add(self.pointer(&shortened(name)), message.to_owned());
        }
    }

    fn obey<T>(
        &mut self,
        name: &str,
        value: Json<'b>,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Option<T> {
        rule(value).map_err(|refusal| self.faults.refuse(self.pointer(name), refusal)).ok()
    }

    /// Takes the member `name` out. JSON lets a name stand twice and leaves open which value counts, so that is a fault.
    fn take(&mut self, name: &str) -> Option<Json<'b>> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.remove(position);
        let others = self.members.len();
        self.members.retain(|(member, _)| member != name);
        if self.members.len() < others {
            self.faults.add(self.pointer(name), "is given more than once: keep one".to_owned());
        }
        Some(value)
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}{}", self.place, pointer(name))
    }
}

/// The members of an object.
fn members(value: Json<'_>) -> Result<Vec<Member<'_>>, Refusal> {
    let Json::Object(members) = value else { return Err(Refusal::must_be("an object", &value)) };
    Ok(members)
}

/// `name`, of which an answer repeats no more than this.
fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

/// The JSON pointer (RFC 6901) of a member of an object, from there.
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::super::json::parse;
    use super::super::rules;
    use super::*;

    /// Reads a required field `a` and an optional field `b`, both whole numbers up to 9, and gives back every fault.
    fn check(body: &str, expected: &[&str]) {
        let Json::Object(members) = parse(body.as_bytes(), None).unwrap() else { panic!("no object") };
        let mut faults = Faults::default();
        let mut fields = Fields::new(members, &mut faults);
        fields.required("a", rules::whole_number(0..=9));
        fields.optional("b", rules::whole_number(0..=9));
        fields.refuse_rest();
        let found: Vec<String> =
            faults.listed.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn an_optional_field_may_be_left_out_or_null() {
        check(r#"{"a": 1}"#, &[]);
        check(r#"{"a": 1, "b": null}"#, &[]);
        check(r#"{"b": 1, "a": 9}"#, &[]);
    }

    #[test]
    fn every_fault_is_collected() {
        let unknown = "is not a known field: leave it out or correct its name";
        check(
            r#"{"c": 1, "b": "x", "d/~": 2}"#,
            &[
                "/a is missing",
                "/b must be a whole number from 0 to 9, not a string",
                &format!("/c {unknown}"),
                &format!("/d~1~0 {unknown}"),
            ],
        );
    }

    #[test]
    fn a_field_given_twice_is_a_fault_even_where_both_say_the_same() {
        check(r#"{"a": 1, "a": 1, "a": 1}"#, &["/a is given more than once: keep one"]);
    }

    #[test]
    fn a_required_field_cannot_be_null() {
        check(r#"{"a": null}"#, &["/a must be a whole number from 0 to 9, not null"]);
    }

    #[test]
    fn faults_inside_of_lists_and_objects_are_named_with_their_place() {
        let body = r#"{"list": [1, "x", 3, 10], "map": {"a/b": "x", "c": 1, "c": 2}, "object": {"a": 1, "nope": 2, "a": 3}, "other": 1}"#;
        let Json::Object(members) = parse(body.as_bytes(), None).unwrap() else { panic!("no object") };
        let mut faults = Faults::default();
        let mut fields = Fields::new(members, &mut faults);
        let digit = || rules::whole_number(0..=9);
        assert_eq!(fields.given_list("list", digit()), Given::AtFault);
        assert_eq!(fields.given_map("map", digit()), Given::AtFault);
        assert_eq!(
            fields.given_object("object", |inner| inner.optional("a", digit())),
            Given::Value(Some(Some(1)))
        );
        assert_eq!(fields.given_object("other", |_| ()), Given::AtFault);
        let missing = fields.given_list("missing", digit());
        fields.demand("missing", &missing);
        fields.refuse_rest();
        let found: Vec<&str> = faults.listed.iter().map(|fault| &*fault.field).collect();
        let expected =
            ["/list/1", "/list/3", "/map/a~1b", "/map/c", "/object/a", "/object/nope", "/other", "/missing"];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_list_of_faults_and_the_names_in_it_are_bounded() {
        let mut faults = Faults::default();
        let members =
            (0..MAX_FAULTS * 2).map(|number| (format!("{number}{}", "x".repeat(1000)).into(), Json::Null));
        Fields::new(members.collect(), &mut faults).refuse_rest();
        assert_eq!((faults.listed.len(), faults.total), (MAX_FAULTS, MAX_FAULTS * 2));
        assert!(faults.listed.iter().all(|fault| fault.field.chars().count() == 1 + MAX_NAME_CHARS));
    }
}
