//! Looks keys up in their sources, environment before file, and collects what is wrong.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use domain::Secret;
use serde_yaml_ng::Value;

use super::env;
use super::keys::{self, DefaultValue, Key, yaml_name};
use super::problems::{Problem, Source};

/// Reads a text file; the file system in production, a map in tests.
pub type ReadFile<'a> = dyn Fn(&Path) -> io::Result<String> + 'a;

pub(super) struct Reader<'a> {
    /// The more important first.
    layers: Vec<Layer>,
    read_file: &'a ReadFile<'a>,
    problems: Vec<Problem>,
}

/// The values of one source, by YAML name.
struct Layer {
    source: Source,
    values: BTreeMap<String, Secret<String>>,
}

/// A value that was given, and where.
struct Found {
    spelling: String,
    source: Source,
    value: Secret<String>,
}

impl<'a> Reader<'a> {
    /// Takes the `RM_*` variables, of which a later one replaces an earlier one, and the file that they or the default
    /// name.
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>, read_file: &'a ReadFile<'a>) -> Self {
        let mut reader = Self {
            layers: Vec::new(),
            read_file,
            problems: Vec::new(),
        };
        reader.add_environment(variables);
        let path: PathBuf = reader.required(&keys::CONFIG, path);
        reader.add_file(&path);
        reader
    }

    /// The value of a key with a default text. After a problem it is the default, which nobody gets to see.
    pub(super) fn required<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Option<T>) -> T {
        let DefaultValue::Text(default) = key.default else {
            unreachable!("{} has no default text", key.env);
        };
        self.optional(key, &parse)
            .or_else(|| parse(default))
            .expect("the default of a key is an allowed value")
    }

    /// The value of a key; `None` when it is not set, or after a problem.
    pub(super) fn optional<T>(&mut self, key: &Key, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let found = self.find(key)?;
        let parsed = parse(found.value.expose());
        if parsed.is_none() {
            let shown = if key.secret {
                "the value".to_owned()
            } else {
                format!("`{}`", found.value.expose())
            };
            let sentence = format!("{shown} is not allowed; give {}", key.allowed);
            self.refuse(found.spelling, found.source, sentence);
        }
        parsed
    }

    /// Adds a problem that shows only when several keys are seen together, at the key that is set.
    pub(super) fn refuse_key(&mut self, key: &Key, sentence: impl Into<String>) {
        if let Some(found) = self.find(key) {
            self.refuse(found.spelling, found.source, sentence);
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn add_environment(&mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) {
        let mut values = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|name| name.starts_with(env::PREFIX)) else {
                continue;
            };
            if env::OF_OTHERS.contains(&name) || name.starts_with(env::TEST_PREFIX) {
                continue;
            }
            if !is_known(name) {
                let sentence = "there is no such setting; correct the name or remove it";
                self.refuse(name, Source::Environment, sentence);
            } else if let Ok(value) = value.into_string() {
                values.insert(yaml_name(name), Secret::new(value));
            } else {
                self.refuse(name, Source::Environment, "the value is not UTF-8 text");
            }
        }
        self.layers.push(Layer {
            source: Source::Environment,
            values,
        });
    }

    fn add_file(&mut self, path: &Path) {
        let source = Source::File(path.to_owned());
        let text = match (self.read_file)(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.refuse("the file", source, format!("it cannot be read: {error}"));
            }
        };
        let entries = match serde_yaml_ng::from_str(&text) {
            Ok(Value::Mapping(entries)) => entries,
            Ok(Value::Null) => return,
            Ok(_) => return self.refuse("the file", source, "it must hold `key: value` lines"),
            Err(error) => return self.refuse("the file", source, format!("it is not YAML: {error}")),
        };
        let mut values = BTreeMap::new();
        for (name, value) in entries {
            let name = scalar(&name).unwrap_or_else(|| "a key that is not a word".to_owned());
            let env_name = format!("{}{}", env::PREFIX, name.to_ascii_uppercase());
            if name != yaml_name(&env_name) || !is_known(&env_name) {
                self.refuse(
                    name,
                    source.clone(),
                    "there is no such setting; correct the name or remove it",
                );
            } else if env_name == env::CONFIG {
                self.refuse(
                    name,
                    source.clone(),
                    "the file cannot name another file; set it in the environment",
                );
            } else if let Some(value) = scalars(&value) {
                values.insert(name, Secret::new(value));
            } else {
                self.refuse(
                    name,
                    source.clone(),
                    "the value must be one text, number or list of them",
                );
            }
        }
        self.layers.push(Layer { source, values });
    }

    /// An empty value counts as not set, so that `RM_TLS_CERT=` in a compose file means what it looks like.
    fn find(&mut self, key: &Key) -> Option<Found> {
        let names = [Some(key.env.to_owned()), key.file_env()];
        for layer in &self.layers {
            let mut given = names.iter().flatten().filter_map(|name| {
                let value = layer.values.get(&yaml_name(name))?;
                (!value.expose().is_empty()).then(|| (spelling(name, &layer.source), value.clone()))
            });
            let Some((spelling, value)) = given.next() else {
                continue;
            };
            let second = given.next().map(|(spelling, _)| spelling);
            let source = layer.source.clone();
            if let Some(second) = second {
                let sentence = format!("{spelling} is set as well; set one of the two");
                self.refuse(second, source, sentence);
                return None;
            }
            if spelling == self::spelling(key.env, &source) {
                return Some(Found {
                    spelling,
                    source,
                    value,
                });
            }
            return self.read_value(spelling, source, Path::new(value.expose()));
        }
        None
    }

    fn read_value(&mut self, spelling: String, source: Source, path: &Path) -> Option<Found> {
        match (self.read_file)(path) {
            Ok(content) => {
                let content = Secret::new(content);
                let value = Secret::new(content.expose().trim_end_matches(['\r', '\n']).to_owned());
                Some(Found {
                    spelling,
                    source,
                    value,
                })
            }
            Err(error) => {
                self.refuse(spelling, source, format!("{} cannot be read: {error}", path.display()));
                None
            }
        }
    }

    /// The same problem is reported once, however often the key is looked at.
    fn refuse(&mut self, key: impl Into<String>, source: Source, sentence: impl Into<String>) {
        let problem = Problem {
            key: key.into(),
            source,
            sentence: sentence.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Takes any text as a path.
#[expect(clippy::unnecessary_wraps, reason = "the form of every parser of a value")]
pub(super) fn path(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text))
}

/// Reads any value that has a `FromStr`.
pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn is_known(env_name: &str) -> bool {
    keys::ALL
        .iter()
        .any(|key| key.env == env_name || key.file_env().is_some_and(|file| file == env_name))
}

fn spelling(env_name: &str, source: &Source) -> String {
    match source {
        Source::Environment => env_name.to_owned(),
        Source::File(_) => yaml_name(env_name),
    }
}

/// A list becomes what the environment would say: the parts separated by commas.
fn scalars(value: &Value) -> Option<String> {
    let Value::Sequence(parts) = value else {
        return scalar(value);
    };
    let parts: Option<Vec<String>> = parts.iter().map(scalar).collect();
    parts.map(|parts| parts.join(","))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value.clone()),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}
