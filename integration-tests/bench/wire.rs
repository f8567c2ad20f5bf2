//! How much goes over a connection, as the system counts it: the bytes that TCP carries, TLS included, headers not.

use std::process::Command;

use restic_manager_integration_tests::process;

/// Bytes in both directions so far, over the connections of this machine to a port.
pub(crate) fn bytes_to_port(port: &str) -> f64 {
    let mut command = Command::new("ss");
    command.args(["--no-header", "--tcp", "--info", "--numeric", "state", "established"]);
    command.args(["dport", "=", &format!(":{port}")]);
    let said = process::stdout(&process::run(&mut command));
    let bytes = bytes(&said).unwrap_or_else(|| panic!("no connection to port {port}: {said:?}"));
    f64::from(u32::try_from(bytes).expect("an idle connection carries little"))
}

/// `None` when there is no connection.
fn bytes(said: &str) -> Option<u64> {
    let mut all = None;
    for word in said.split_whitespace() {
        let number = ["bytes_acked:", "bytes_received:"]
            .iter()
            .find_map(|name| word.strip_prefix(name));
        if let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) {
            *all.get_or_insert(0) += number;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_of_all_connections_are_added_up() {
        let said = "0 0 127.0.0.1:5 127.0.0.1:6 \n\t cubic rto:204 bytes_sent:30 bytes_acked:31 bytes_received:400 rcv_space:1\n";

        assert_eq!(bytes(said), Some(431));
        assert_eq!(bytes("\n"), None);
    }
}
