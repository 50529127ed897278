//! The JSON Schemas of `contract`, compiled.

use std::{collections::BTreeMap, fs, path::Path};

use jsonschema::{Registry, Validator};
use serde_json::Value;

/// Folder of the contract.
pub(crate) fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contract")
}

/// Schemas by stream, such as `vds-interval`.
pub(crate) struct Schemas {
    compiled: BTreeMap<String, Validator>,
    documents: BTreeMap<String, Value>,
}

const COMMON: &str = "common";

impl Schemas {
    /// Reads every schema of the folder.
    pub(crate) fn load() -> Self {
        let mut documents = BTreeMap::new();
        for file in fs::read_dir(folder()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if let Some(name) = name.strip_suffix(".schema.json") {
                let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                documents.insert(name.to_owned(), document);
            }
        }
        let uri = |name: &str| format!("file:///contract/{name}.schema.json");
        let registry = Registry::new()
            .extend(documents.iter().map(|(name, document)| (uri(name), document.clone())))
            .unwrap()
            .prepare()
            .unwrap();
        let compile = |(name, document): (&String, &Value)| {
            let validator = jsonschema::options()
                .with_base_uri(uri(name))
                .with_registry(&registry)
                .should_validate_formats(true)
                .build(document)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name.clone(), validator)
        };
        let compiled = documents.iter().filter(|(name, _)| *name != COMMON).map(compile).collect();
        Self { compiled, documents }
    }

    /// The schema of a stream.
    pub(crate) fn get(&self, stream: &str) -> Option<&Validator> {
        self.compiled.get(stream)
    }

    /// Every stream that has a schema.
    pub(crate) fn streams(&self) -> impl Iterator<Item = &str> {
        self.compiled.keys().map(String::as_str)
    }

    /// The document of a stream.
    pub(crate) fn document(&self, stream: &str) -> &Value {
        &self.documents[stream]
    }

    /// `schema` of the document of `stream`, with its reference or its alternative to null resolved.
    pub(crate) fn resolved<'a>(
        &'a self,
        stream: &'a str,
        schema: &'a Value,
    ) -> (&'a str, &'a Value) {
        let schema = schema["anyOf"].get(0).unwrap_or(schema);
        let Some(reference) = schema["$ref"].as_str() else { return (stream, schema) };
        let (file, pointer) = reference.split_once('#').unwrap();
        let stream = if file.is_empty() { stream } else { COMMON };
        self.resolved(stream, self.documents[stream].pointer(pointer).expect(reference))
    }
}

#[test]
fn schemas_are_valid_schemas() {
    for (name, document) in &Schemas::load().documents {
        let result = jsonschema::draft202012::meta::validate(document);
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}

#[test]
fn every_property_is_described() {
    fn check(schemas: &Schemas, stream: &str, path: &str, schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let (file, target) = schemas.resolved(stream, property);
            let described =
                [property, target].iter().any(|schema| schema["description"].is_string());
            assert!(described, "{stream}{path}");
            check(schemas, file, &path, target);
        }
        if !schema["items"].is_null() {
            let (file, items) = schemas.resolved(stream, &schema["items"]);
            check(schemas, file, &format!("{path}[]"), items);
        }
    }
    let schemas = Schemas::load();
    for stream in schemas.streams() {
        check(&schemas, stream, "", schemas.document(stream));
    }
}
