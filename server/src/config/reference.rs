//! The reference page of all settings, made from the key table.

use std::fmt::Write as _;

use super::keys::{self, DefaultValue, Key};

const INTRODUCTION: &str = "\
# Server configuration

Every setting is an environment variable, or a key of the YAML file that `RM_CONFIG` names. The environment wins over the
file, and the file over the defaults. The YAML key is the name of the variable without `RM_`, in lower case; lists may be
YAML lists. An empty value counts as not set. Durations are a number and a unit: `15s`, `10m`, `24h`, `365d`.

The server refuses to start with unknown keys or values that are not allowed. It names all of them at once and exits with
code 78; `restic-manager-server config check` does the same without starting.
";

/// Writes the page as Markdown. It ends with a line break.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for key in keys::ALL {
        write_key(&mut page, key).expect("writing to a string cannot fail");
    }
    page
}

fn write_key(page: &mut String, key: &Key) -> std::fmt::Result {
    let Key {
        env,
        default,
        allowed,
        meaning,
        secret: _,
    } = key;
    write!(page, "\n## {env}\n\n{meaning}\n\n")?;
    match default {
        DefaultValue::Text(default) | DefaultValue::From(default) => writeln!(page, "- Default: `{default}`")?,
        DefaultValue::Unset => writeln!(page, "- Default: not set")?,
    }
    writeln!(page, "- Allowed: {allowed}")?;
    match (key.env == super::env::CONFIG, key.file_env()) {
        (true, _) => writeln!(page, "- In the file: not possible"),
        (false, None) => writeln!(page, "- In the file: `{}`", key.yaml()),
        (false, Some(file_env)) => writeln!(
            page,
            "- In the file: `{}`\n- From a file of its own: `{file_env}` or `{}_file`",
            key.yaml(),
            key.yaml()
        ),
    }
}
