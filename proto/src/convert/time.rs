//! Instants.

use domain::Timestamp;

use super::Invalid;

/// Writes an instant.
pub fn to_timestamp(instant: Timestamp) -> pbjson_types::Timestamp {
    pbjson_types::Timestamp {
        seconds: instant.as_seconds(),
        nanos: instant.subsecond_nanos(),
    }
}

/// Reads an instant. Errors: `invalid_argument` outside the years -9999 to 9999.
pub fn from_timestamp(field: &str, message: &pbjson_types::Timestamp) -> Result<Timestamp, Invalid> {
    let pbjson_types::Timestamp { seconds, nanos } = *message;
    Timestamp::from_seconds(seconds, nanos).map_err(|error| Invalid::argument(field, error))
}

/// Writes a length of time; what is beyond the protobuf range becomes its end.
pub fn to_duration(duration: std::time::Duration) -> pbjson_types::Duration {
    let nanos = i32::try_from(duration.subsec_nanos()).unwrap_or(0);
    pbjson_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_instant_survives_the_round_trip(micros in -377_000_000_000_000_000_i64..=253_000_000_000_000_000) {
            let instant = Timestamp::from_micros(micros).unwrap();

            prop_assert_eq!(from_timestamp("at", &to_timestamp(instant)), Ok(instant));
        }
    }

    #[test]
    fn nonsense_names_its_field() {
        let refused = from_timestamp(
            "from",
            &pbjson_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            },
        )
        .unwrap_err();

        assert_eq!(refused.problems()[0].field, "from");
    }
}
