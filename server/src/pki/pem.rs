//! Certificates as PEM text.

use std::fmt::Write as _;

use data_encoding::BASE64;
use rustls::pki_types::CertificateDer;

/// Characters of base64 in a line. Source: RFC 7468.
const LINE: usize = 64;

/// Writes certificates one after the other.
pub(super) fn certificates<'a>(chain: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> String {
    let mut text = String::new();
    for certificate in chain {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in certificate.chunks(LINE / 4 * 3) {
            writeln!(text, "{}", BASE64.encode(line)).expect("writing to a string cannot fail");
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for length in [1, 47, 48, 49, 96, 1_000] {
            let first = CertificateDer::from(vec![7; length]);
            let second = CertificateDer::from(vec![8; 50]);

            let text = certificates([&first, &second]);

            assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
            let read: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(text.as_bytes())
                .map(Result::unwrap)
                .collect();
            assert_eq!(read, [first, second]);
        }
    }
}
