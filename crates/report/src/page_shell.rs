//! What is around the content of every page: one file that needs nothing else.

const STYLE: &str = include_str!("page.css");

/// A page of this title, escaped already, and content.
#[must_use]
pub fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title} \u{b7} Apprentice</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
}
