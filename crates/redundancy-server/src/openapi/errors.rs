//! The error answers in the `OpenAPI` document: which there are, and which route can give which.

use super::request_id_header;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type};

/// One kind of error answer.
struct ErrorAnswer {
    status: u16,
    name: &'static str,
    description: &'static str,
    message: &'static str,
    r#type: &'static str,
}

const MALFORMED: ErrorAnswer = ErrorAnswer {
    status: 400,
    name: "Malformed",
    description: "The body is not JSON in UTF-8, or it did not arrive whole",
    message: "The body is not valid JSON at line 1, column 14. Check quotes, commas and brackets there.",
    r#type: "ValidationError",
};
const UNAUTHORIZED: ErrorAnswer = ErrorAnswer {
    status: 401,
    name: "Unauthorized",
    description: "The service asks who is there, and the request does not prove it",
    message: "This service asks for an API key. Send it as `Authorization: Bearer <key>` or `X-Api-Key: <key>`.",
    r#type: "Unauthorized",
};
const FORBIDDEN: ErrorAnswer = ErrorAnswer {
    status: 403,
    name: "Forbidden",
    description: "The caller is known and may not do this, or a page of an origin that may not call asks for a change",
    message: "This takes the scope write, which your credential does not have.",
    r#type: "Forbidden",
};
const RATE_LIMITED: ErrorAnswer = ErrorAnswer {
    status: 429,
    name: "RateLimited",
    description: "The caller asks too often; `Retry-After` says when to try again",
    message: "You ask more often than is allowed. Try again after the time in Retry-After.",
    r#type: "RateLimited",
};
const NOT_FOUND: ErrorAnswer = ErrorAnswer {
    status: 404,
    name: "NotFound",
    description: "What the path names is not there",
    message: "There is no analysis with this id, or it was forgotten: ask for it anew.",
    r#type: "NotFound",
};
const TOO_LARGE: ErrorAnswer = ErrorAnswer {
    status: 413,
    name: "TooLarge",
    description: "A text or the whole body is too long",
    message: "/content has 1200000 bytes, and at most 1048576 are taken: split the text.",
    r#type: "PayloadTooLarge",
};
const UNSUPPORTED: ErrorAnswer = ErrorAnswer {
    status: 415,
    name: "Unsupported",
    description: "The body is not marked as JSON, or it is compressed in an unknown way",
    message: "The body is not marked as JSON. Send JSON in UTF-8 with the header `Content-Type: application/json`.",
    r#type: "UnsupportedMediaType",
};
const INVALID: ErrorAnswer = ErrorAnswer {
    status: 422,
    name: "Invalid",
    description: "Fields or query parameters that will not do, all of them in `details`",
    message: "/threshold must be between 0 and 1.",
    r#type: "ValidationError",
};
const INTERNAL: ErrorAnswer = ErrorAnswer {
    status: 500,
    name: "Internal",
    description: "A defect of the service",
    message: "The request met a defect of this service. Please report it with the request id.",
    r#type: "Internal",
};
const UNAVAILABLE: ErrorAnswer = ErrorAnswer {
    status: 503,
    name: "Unavailable",
    description: "Too many requests are under way; `Retry-After` says when to try again",
    message: "Too many requests are under way. Try again after the time in Retry-After.",
    r#type: "Unavailable",
};
const TIMEOUT: ErrorAnswer = ErrorAnswer {
    status: 504,
    name: "Timeout",
    description: "The request was not done in time",
    message: "The request was not done within 30 s: its body came too slowly or the work took too long. Send less text at \
              once, or try again later.",
    r#type: "Timeout",
};

const ALL: [ErrorAnswer; 11] = [
    MALFORMED,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    TOO_LARGE,
    UNSUPPORTED,
    INVALID,
    RATE_LIMITED,
    INTERNAL,
    UNAVAILABLE,
    TIMEOUT,
];

/// The answers, by the name under which operations refer to them.
pub(super) fn responses() -> BTreeMap<String, RefOr<Response>> {
    ALL.iter().map(|answer| (answer.name.to_owned(), RefOr::T(answer.response()))).collect()
}

/// Adds the error answers that the operation at `path` can give.
pub(super) fn add_to(operation: &mut Operation, path: &str) {
    let takes_body = operation.request_body.is_some();
    let is_api = path.starts_with("/api/");
    // They have to answer when the service is busy.
    let is_monitoring = path.contains("/health") || path == "/api/v1/slo";
    let names_something = path.contains('{');
    let possible: [(bool, &[ErrorAnswer]); 6] = [
        (names_something, &[NOT_FOUND]),
        (takes_body, &[MALFORMED, TOO_LARGE, UNSUPPORTED]),
        (is_api, &[INVALID]),
        (is_api || path == "/metrics", &[UNAUTHORIZED, FORBIDDEN, RATE_LIMITED]),
        (is_api && !is_monitoring, &[UNAVAILABLE]),
        (true, &[INTERNAL, TIMEOUT]),
    ];
    for answer in possible.iter().filter(|(can, _)| *can).flat_map(|(_, answers)| *answers) {
        let reference = RefOr::Ref(Ref::from_response_name(answer.name));
        operation.responses.responses.insert(answer.status.to_string(), reference);
    }
}

impl ErrorAnswer {
    fn response(&self) -> Response {
        let content = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("Failure"))))
            .example(Some(self.example()))
            .build();
        let mut response =
            ResponseBuilder::new().description(self.description).content("application/json", content).build();
        response.headers.insert("X-Request-Id".to_owned(), RefOr::T(request_id_header()));
        if [UNAVAILABLE.status, RATE_LIMITED.status].contains(&self.status) {
            let retry_after = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)))
                .description(Some("Seconds to wait before the next try"))
                .build();
            response.headers.insert("Retry-After".to_owned(), RefOr::T(retry_after));
        }
        response
    }

    fn example(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "code": self.status,
            "type": self.r#type,
            "request_id": "req_0c59d5ab3f6a4b0e8d5b0f2f9d1f7a3e",
        });
        // The messages about fields begin with the field.
        if let (Some(error), Some((field, fault))) =
            (error.as_object_mut(), self.message.strip_prefix('/').and_then(|rest| rest.split_once(' ')))
        {
            let details = json!([{"field": format!("/{field}"), "message": fault.trim_end_matches('.')}]);
            error.insert("details".to_owned(), details);
        }
        json!({"success": false, "error": error})
    }
}
