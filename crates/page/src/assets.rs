//! The files of the page. They are in the program: nothing is loaded from elsewhere.

/// A file's content type and content.
pub(crate) type Asset = (&'static str, &'static str);

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page itself, for whoever is in.
pub(crate) const PAGE: &str = include_str!("../web/index.html");
/// What others see.
pub(crate) const DOOR: &str = include_str!("../web/enter.html");

/// A file by its name; these hold nothing that only operators may see.
pub(crate) fn asset(name: &str) -> Option<Asset> {
    Some(match name {
        "style.css" => ("text/css; charset=utf-8", include_str!("../web/style.css")),
        "main.js" => (SCRIPT, include_str!("../web/main.js")),
        "place.js" => (SCRIPT, include_str!("../web/place.js")),
        "player.js" => (SCRIPT, include_str!("../web/player.js")),
        "elements.js" => (SCRIPT, include_str!("../web/elements.js")),
        "dragging.js" => (SCRIPT, include_str!("../web/dragging.js")),
        "marking.js" => (SCRIPT, include_str!("../web/marking.js")),
        "order.js" => (SCRIPT, include_str!("../web/order.js")),
        "requests.js" => (SCRIPT, include_str!("../web/requests.js")),
        "robot.js" => (SCRIPT, include_str!("../web/robot.js")),
        "viewer.js" => (SCRIPT, include_str!("../web/viewer.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../web/icon.svg")),
        _ => return None,
    })
}
