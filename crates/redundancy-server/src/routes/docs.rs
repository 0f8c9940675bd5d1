//! `GET /docs`: the `OpenAPI` document as a page that reads without scripts. A script adds a form to try each operation.

mod fields;
mod html;

use super::assets::File;
use crate::app::App;
use crate::config::ServerConfig;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use fields::{Field, Schemas};
use html::{escaped, prose};
use serde_json::Value;

/// The page.
pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    app.documentation().page.answer(&headers)
}

/// The page for a service with this `config`.
pub(super) fn file(config: &ServerConfig) -> File {
    // The document is made of strings, numbers and maps by string; an empty page spares a panic that cannot happen.
    let document = serde_json::to_value(crate::openapi::document_of(config)).unwrap_or_default();
    File::page(Page { document: &document }.render())
}

/// The document that is being rendered.
struct Page<'d> {
    document: &'d Value,
}

/// One operation: a method on a path.
struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    described: &'d Value,
}

impl<'d> Page<'d> {
    fn render(&self) -> String {
        let info = &self.document["info"];
        let title = escaped(text(&info["title"]));
        let version = escaped(text(&info["version"]));
        let description = prose(text(&info["description"]));
        let sections: String = list(&self.document["tags"]).map(|tag| self.section(tag)).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>API of {title}</title>\n\
             <link rel=\"icon\" href=\"assets/icon.svg\">\n<link rel=\"stylesheet\" href=\"assets/style.css\">\n\
             <script src=\"assets/access.js\" defer></script>\n<script src=\"assets/docs.js\" defer></script>\n</head>\n<body>\n<header>\n<h1>{title} API</h1>\n\
             <nav><a href=\".\">Dashboard</a> <a href=\"openapi.json\">OpenAPI document</a></nav>\n</header>\n<main>\n\
             <p>Version {version}. {description}</p>\n{sections}</main>\n</body>\n</html>\n"
        )
    }

    fn section(&self, tag: &Value) -> String {
        let name = text(&tag["name"]);
        let operations: String = self
            .operations()
            .filter(|operation| list(&operation.described["tags"]).any(|tagged| tagged == name))
            .map(|operation| self.operation(&operation))
            .collect();
        format!(
            "<section>\n<h2>{}</h2>\n<p>{}</p>\n{operations}</section>\n",
            escaped(name),
            prose(text(&tag["description"])),
        )
    }

    fn operations(&self) -> impl Iterator<Item = Operation<'d>> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        paths.flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, described)| Operation {
                method: method.as_str(),
                path: path.as_str(),
                described,
            })
        })
    }

    fn operation(&self, operation: &Operation<'_>) -> String {
        let Operation { method, path, described } = operation;
        let method = escaped(&method.to_uppercase());
        let path = escaped(path);
        let summary = prose(text(&described["summary"]));
        let description = prose(text(&described["description"]));
        let id = escaped(text(&described["operationId"]));
        let request = self.request(&described["requestBody"]["content"]["application/json"]);
        let parameters = parameter_table(&described["parameters"]);
        let responses = self.responses(&described["responses"]);
        format!(
            "<article id=\"{id}\" data-method=\"{method}\" data-path=\"{path}\">\n\
             <h3><span class=\"method\">{method}</span> <code>{path}</code></h3>\n<p><strong>{summary}.</strong> \
             {description}</p>\n{request}{parameters}{responses}</article>\n"
        )
    }

    fn request(&self, content: &Value) -> String {
        if content.is_null() {
            return String::new();
        }
        let fields = field_table("Request body", &self.schemas().fields(&content["schema"]));
        let example = escaped(&serde_json::to_string_pretty(&content["example"]).unwrap_or_default());
        format!("{fields}<h4>Example</h4>\n<pre class=\"example\">{example}</pre>\n")
    }

    fn responses(&self, responses: &Value) -> String {
        let responses: Vec<_> = responses.as_object().into_iter().flatten().collect();
        let rows = responses.iter().map(|(status, response)| {
            let description = prose(text(&self.schemas().resolve(response)["description"]));
            format!("<tr><td>{}</td><td>{description}</td></tr>\n", escaped(status))
        });
        let rows = table("Status codes", rows);
        let successes = responses.iter().filter(|(status, _)| status.starts_with('2'));
        let fields: String = successes
            .flat_map(|(status, response)| {
                let contents = response["content"].as_object().into_iter().flatten();
                contents.map(move |(_, content)| (status, content))
            })
            .map(|(status, content)| {
                let title = format!("Answer {}", escaped(status));
                field_table(&title, &self.schemas().fields(&content["schema"]))
            })
            .collect();
        format!("{fields}{rows}")
    }

    fn schemas(&self) -> Schemas<'d> {
        Schemas { document: self.document }
    }
}

fn field_table(title: &str, fields: &[Field<'_>]) -> String {
    if fields.is_empty() {
        return String::new();
    }
    let rows = fields.iter().map(|field| {
        let required = if field.required { "" } else { " <em>optional</em>" };
        format!(
            "<tr><td><code>{}</code></td><td>{}{required}</td><td>{}</td></tr>\n",
            escaped(&field.name),
            escaped(&field.kind),
            prose(field.description),
        )
    });
    table(title, rows)
}

/// The parameters of an operation, in the path, the query and the headers.
fn parameter_table(parameters: &Value) -> String {
    let rows = list(parameters).map(|parameter| {
        let (name, place) = (escaped(text(&parameter["name"])), escaped(text(&parameter["in"])));
        let description = prose(text(&parameter["description"]));
        format!("<tr><td><code>{name}</code></td><td>{place}</td><td>{description}</td></tr>\n")
    });
    table("Parameters and headers", rows)
}

/// A table that unfolds.
fn table(title: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    format!("<details>\n<summary>{title}</summary>\n<table>\n{rows}</table>\n</details>\n")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
