use super::*;

/// Pointers and details, by a document whose body `B` is this schema.
fn told(schemas: Value, body: Value) -> Vec<(String, String)> {
    let document = json!({
        "components": {"schemas": schemas},
        "paths": {"/": {"post": {"requestBody": {"content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/B"}}}}}}},
    });
    let bodies = Bodies::of(&document).unwrap();
    let mut told = Vec::new();
    for error in bodies.validators["B"].iter_errors(&body) {
        told::tell(&error, &bodies.root, &mut told);
    }
    let mut told: Vec<_> = told.into_iter().map(|field| (field.pointer, field.detail)).collect();
    told.sort();
    told
}

/// A union of every sort that the wire has.
fn unions() -> Value {
    let word = |word: &str| json!({"type": "string", "enum": [word]});
    let object = |name: &str, fields: Value| {
        let mut properties = fields;
        properties["name"] = word(name);
        json!({"type": "object", "required": ["name"], "properties": properties, "additionalProperties": false})
    };
    let keyed =
        |key: &str, schema: Value| json!({"type": "object", "required": [key], "properties": {key: schema}});
    json!({
        "B": {
            "type": "object", "additionalProperties": false, "required": ["part"],
            "properties": {
                "part": {"$ref": "#/components/schemas/Part"},
                "maybe": {"oneOf": [{"$ref": "#/components/schemas/Part"}, {"type": "null"}]},
                "rows": {"oneOf": [keyed("sample", json!({"type": "integer", "minimum": 1})), keyed("all", json!({"type": "boolean"}))]},
                "item": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "maxLength": 3}]},
                "shape": {"oneOf": [word("sqrt"), word("log"), keyed("power", json!({"type": "number", "exclusiveMinimum": 0}))]},
                "labels": {"type": "object", "maxProperties": 1, "propertyNames": {"maxLength": 2}},
            },
        },
        "Part": {"oneOf": [{"$ref": "#/components/schemas/Leaf"}, {"$ref": "#/components/schemas/Mix"}]},
        "Leaf": object("leaf", json!({"size": {"type": "integer"}})),
        "Mix": object("mix", json!({"parts": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Part"}}})),
    })
}

#[test]
fn every_offence_is_told_where_it_is_and_in_the_alternative_that_was_meant() {
    for (body, expected) in [
        (
            json!({"part": {"name": "leaf", "size": 1}, "maybe": null, "rows": {"sample": 1}, "item": "a", "shape": "log"}),
            &[][..],
        ),
        (json!(7), &[("", "found 7, expected an object")]),
        (json!({}), &[("/part", "missing")]),
        (json!({"part": {}}), &[("/part/name", "missing; expected one of \"leaf\", \"mix\"")]),
        (json!({"part": []}), &[("/part", "found a list, expected an object")]),
        (
            json!({"part": {"name": "lief", "size": "x"}}),
            &[("/part/name", "found \"lief\", expected one of \"leaf\", \"mix\"")],
        ),
        (
            json!({"part": {"name": "leaf", "size": "x", "parts": []}, "maybe": 1, "x": 1}),
            &[
                ("/maybe", "found 1, expected null or an object"),
                ("/part/parts", "unknown field; expected one of name, size"),
                ("/part/size", "found \"x\", expected an integer"),
                ("/x", "unknown field; expected one of item, labels, maybe, part, rows, shape"),
            ],
        ),
        (
            json!({"part": {"name": "mix", "parts": [{"name": "leaf"}, {"name": "mix", "parts": [{"name": "leaf", "size": null}, 5]}]}}),
            &[
                ("/part/parts/1/parts/0/size", "found null, expected an integer"),
                ("/part/parts/1/parts/1", "found 5, expected an object"),
            ],
        ),
        (
            json!({"part": {"name": "mix", "parts": []}, "rows": {"sample": 0}, "item": -1, "shape": "cos"}),
            &[
                ("/item", "found -1, expected at least 0"),
                ("/part/parts", "0 items, expected at least 1"),
                ("/rows/sample", "found 0, expected at least 1"),
                ("/shape", "found \"cos\", expected one of \"sqrt\", \"log\""),
            ],
        ),
        (
            json!({"part": {"name": "leaf"}, "rows": {}, "item": "four", "shape": {"power": 0}}),
            &[
                ("/item", "4 characters, expected at most 3"),
                ("/rows", "0 fields, expected at least 1: one of all, sample"),
                ("/shape/power", "found 0, expected more than 0"),
            ],
        ),
        (
            json!({"part": {"name": "leaf"}, "rows": {"all": true, "sample": 1}, "item": 1.5, "labels": {"a/b": 1, "c": 2}}),
            &[
                ("/item", "found 1.5, expected an integer or a string"),
                ("/labels", "2 fields, expected at most 1"),
                ("/labels/a~1b", "the name: 3 characters, expected at most 2"),
                ("/rows", "2 fields, expected at most 1: one of all, sample"),
            ],
        ),
    ] {
        let found = told(unions(), body.clone());
        let found: Vec<_> =
            found.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str())).collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[test]
fn a_rewritten_union_allows_what_the_plain_one_does() {
    let plain = json!({"$ref": "#/components/schemas/B", "components": {"schemas": unions()}});
    let plain = jsonschema::draft202012::new(&plain).unwrap();
    let values = [
        json!(null),
        json!(0),
        json!(-1),
        json!(2.0),
        json!("log"),
        json!("ab"),
        json!([]),
        json!({}),
        json!({"sample": 1}),
        json!({"all": true}),
        json!({"power": 0.5}),
        json!({"name": "leaf"}),
        json!({"name": "mix", "parts": [{"name": "leaf"}]}),
        json!({"name": "mix", "parts": [{}]}),
    ];
    for field in ["maybe", "rows", "item", "shape"] {
        for value in &values {
            let body = json!({"part": {"name": "leaf"}, field: value});
            assert_eq!(told(unions(), body.clone()).is_empty(), plain.is_valid(&body), "{body}");
        }
    }
}

#[test]
fn the_services_own_bodies_compile() {
    let bodies = Bodies::of(openapi::document()).unwrap();
    assert!(bodies.validators.contains_key("JobRequest"));
}
