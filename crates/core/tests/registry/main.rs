//! A registry of two implementations, each in a file of its own.

mod area;
mod shapes;

use shapes::Shape;

#[test]
fn a_line_is_a_module_a_variant_a_name_and_the_trait() {
    assert_eq!(Shape::NAMES, ["square", "full_circle"]);
    let all = Shape::all();
    assert_eq!(
        all.iter().map(Shape::name).collect::<Vec<_>>(),
        Shape::NAMES
    );
    assert!((all[0].area_m2() - 1.0).abs() < 1e-12);
    assert_eq!(Shape::named("full_circle").as_ref(), Some(&all[1]));
    assert_eq!(Shape::named("triangle"), None);
}

#[test]
fn settings_stand_beside_the_kind_and_unknown_ones_are_refused() {
    let read = |text: &str| serde_json::from_str::<Shape>(text);
    let two = read(r#"{"kind": "square", "side_m": 2.0}"#).unwrap();
    assert!((two.area_m2() - 4.0).abs() < 1e-12);
    let text = serde_json::to_string(&two).unwrap();
    assert_eq!(text, r#"{"kind":"square","side_m":2.0}"#);
    assert_eq!(
        read(r#"{"kind": "square"}"#).unwrap(),
        Shape::named("square").unwrap()
    );
    let error = |text: &str| read(text).unwrap_err().to_string();
    assert!(error(r#"{"kind": "square", "sides": 2}"#).contains("unknown field `sides`"));
    let unknown = error(r#"{"kind": "triangle"}"#);
    assert!(
        unknown.contains("triangle") && unknown.contains("full_circle"),
        "{unknown}"
    );
}
