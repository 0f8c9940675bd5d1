//! Takes an object apart field by field and collects every fault on the way.

use super::json::{Json, Member};
use super::rules::Refusal;
use crate::error::{ApiError, FieldFault};

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
}

impl Faults {
    /// Adds a fault of `field`, which is a JSON pointer, `?name` or the name of a header.
    pub(crate) fn add(&mut self, field: String, message: String) {
        self.total += 1;
        if self.listed.len() < MAX_FAULTS {
            self.listed.push(FieldFault { field, message });
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
        Self { members, faults }
    }

    /// The value of a field that must be there. `None` when it is at fault, which is then reported.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Option<T> {
        let Some(value) = self.take(name) else {
            self.faults.add(pointer(name), "is missing".to_owned());
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
            let short: String = name.chars().take(MAX_NAME_CHARS).collect();
            self.faults
                .add(pointer(&short), "is not a known field: leave it out or correct its name".to_owned());
        }
    }

    fn obey<T>(
        &mut self,
        name: &str,
        value: Json<'b>,
        rule: impl FnOnce(Json<'b>) -> Result<T, Refusal>,
    ) -> Option<T> {
        rule(value).map_err(|refusal| self.faults.refuse(pointer(name), refusal)).ok()
    }

    /// Takes the member `name` out. JSON lets a name stand twice and leaves open which value counts, so that is a fault.
    fn take(&mut self, name: &str) -> Option<Json<'b>> {
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.remove(position);
        let others = self.members.len();
        self.members.retain(|(member, _)| member != name);
        if self.members.len() < others {
            self.faults.add(pointer(name), "is given more than once: keep one".to_owned());
        }
        Some(value)
    }
}

/// The JSON pointer (RFC 6901) of a member of the body.
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
        let Json::Object(members) = parse(body.as_bytes()).unwrap() else { panic!("no object") };
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
    fn the_list_of_faults_and_the_names_in_it_are_bounded() {
        let mut faults = Faults::default();
        let members =
            (0..MAX_FAULTS * 2).map(|number| (format!("{number}{}", "x".repeat(1000)).into(), Json::Null));
        Fields::new(members.collect(), &mut faults).refuse_rest();
        assert_eq!((faults.listed.len(), faults.total), (MAX_FAULTS, MAX_FAULTS * 2));
        assert!(faults.listed.iter().all(|fault| fault.field.chars().count() == 1 + MAX_NAME_CHARS));
    }
}
