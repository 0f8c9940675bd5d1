//! The head of a request as people have it: copied from a log, a proxy, or what curl prints.

/// The headers among the lines of `text`: what has a name, a colon and a value. Lines without them, such as the request's
/// first, are passed over, and so are the marks `> ` and `< ` that curl puts before them. An empty line behind a header ends
/// the head; what follows is the body.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for line in text.lines() {
        let line = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")).unwrap_or(line).trim();
        if line.is_empty() && !pairs.is_empty() {
            break;
        }
        let header = line.split_once(':').filter(|(name, _)| is_name(name.trim_end()));
        pairs.extend(header.map(|(name, value)| (name.trim_end().to_owned(), value.trim().to_owned())));
    }
    pairs
}

/// Whether `text` can be the name of a header.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_what_proxies_and_curl_print() {
        let expected = [("Webhook-Id".to_owned(), "evt_1".to_owned()), ("a".to_owned(), "b:c".to_owned())];
        for text in [
            "Webhook-Id: evt_1\na:b:c",
            "POST /hook?a=b:c HTTP/1.1\r\nWebhook-Id: evt_1\r\na:  b:c \r\n\r\nbody: yes",
            "* Connected to 127.0.0.1\n> POST / HTTP/1.1\n> Webhook-Id: evt_1\n> a: b:c\n> \n< HTTP/1.1 200 OK\n< x: y",
            "\n\nWebhook-Id : evt_1\na: b:c",
        ] {
            assert_eq!(pairs(text), expected, "{text}");
        }
        assert_eq!(pairs(""), []);
    }
}
