//! The first start: how an admin gets the token that makes the first account.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use domain::Secret;

/// Shows the setup token to whoever started the server, and writes it where automation asked for it.
pub(crate) fn announce(token: &Secret<String>, base_url: &str, file: Option<&Path>) -> io::Result<()> {
    let banner = format!(
        "\n  No user exists yet. Make the first admin at\n\n      {base_url}/bootstrap\n\n  with this setup token (it works once; a restart makes a new one):\n\n      {}\n\n",
        token.expose()
    );
    // Not through the log: it may be shipped elsewhere, and this is a secret.
    io::stderr().write_all(banner.as_bytes())?;
    let Some(file) = file else { return Ok(()) };
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?;
    writeln!(file, "{}", token.expose())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_token_file_is_private_and_replaced_by_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");

        for token in ["first", "second"] {
            announce(&Secret::new(token.to_owned()), "http://localhost:8080", Some(&path)).unwrap();
        }

        assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
