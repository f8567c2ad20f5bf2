use super::*;

#[test]
fn the_eleventh_sign_in_of_a_minute_waits_until_the_first_is_a_minute_old() {
    let throttle = Throttle::default();
    for second in 0..10 {
        assert_eq!(
            throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(second)),
            Ok(())
        );
    }

    let refused = throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(10));

    assert_eq!(refused, Err(Wait(Duration::from_secs(50))));
    assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
    assert_eq!(
        throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)),
        Err(Wait(Duration::from_secs(1)))
    );
}

#[test]
fn a_refused_attempt_uses_up_nothing() {
    let throttle = Throttle::default();
    for _ in 0..30 {
        let _ = throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0));
    }

    assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
}

#[test]
fn addresses_and_purposes_have_budgets_of_their_own() {
    let throttle = Throttle::default();
    for _ in 0..10 {
        throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).unwrap();
    }

    assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).is_err());
    assert!(throttle.take_turn(client("192.0.2.2"), Purpose::SignIn, at(0)).is_ok());
    assert!(throttle.take_turn(None, Purpose::SignIn, at(0)).is_ok());
    for _ in 0..60 {
        throttle.take_turn(client("192.0.2.1"), Purpose::Enroll, at(0)).unwrap();
    }
    assert!(throttle.take_turn(client("192.0.2.1"), Purpose::Enroll, at(0)).is_err());
}

#[test]
fn one_ipv6_customer_and_one_mapped_address_count_as_one() {
    let throttle = Throttle::default();
    for host in 0..10 {
        let address = format!("2001:db8:0:1::{host}");
        throttle.take_turn(client(&address), Purpose::SignIn, at(0)).unwrap();
        throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(0)).unwrap();
    }

    assert!(
        throttle
            .take_turn(client("2001:db8:0:1:ffff::"), Purpose::SignIn, at(0))
            .is_err()
    );
    assert!(
        throttle
            .take_turn(client("2001:db8:0:2::"), Purpose::SignIn, at(0))
            .is_ok()
    );
    assert!(
        throttle
            .take_turn(client("::ffff:192.0.2.1"), Purpose::SignIn, at(0))
            .is_err()
    );
}

#[test]
fn five_failures_are_free_and_then_the_delay_doubles_to_a_quarter_of_an_hour() {
    let throttle = Throttle::default();
    let address = client("192.0.2.1");
    let mut now = at(0);
    let mut delays = Vec::new();
    for _ in 0..12 {
        let wait = throttle
            .check_failures(address, "anna", now)
            .err()
            .map_or(0, |wait| wait.0.as_secs());
        delays.push(wait);
        now = now.saturating_add(Duration::from_secs(wait));
        assert!(
            throttle.check_failures(address, "anna", now).is_ok(),
            "the wait is enough"
        );
        throttle.count_failure(address, "anna", now);
    }

    assert_eq!(delays, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
}

#[test]
fn the_victim_can_sign_in_from_elsewhere_and_others_from_here() {
    let throttle = Throttle::default();
    for _ in 0..20 {
        throttle.count_failure(client("192.0.2.1"), "anna", at(0));
    }

    assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(0)).is_err());
    assert!(throttle.check_failures(client("192.0.2.1"), "ANNA", at(0)).is_err());
    assert!(throttle.check_failures(client("192.0.2.2"), "anna", at(0)).is_ok());
    assert!(throttle.check_failures(client("192.0.2.1"), "bert", at(0)).is_ok());
}

#[test]
fn a_good_sign_in_forgets_the_failures() {
    let throttle = Throttle::default();
    for _ in 0..6 {
        throttle.count_failure(client("192.0.2.1"), "anna", at(0));
    }

    throttle.forget_failures(client("192.0.2.1"), "anna");

    assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(0)).is_ok());
}

#[test]
fn an_hour_without_a_failure_forgets_them() {
    let throttle = Throttle::default();
    for _ in 0..12 {
        throttle.count_failure(client("192.0.2.1"), "anna", at(0));
    }

    throttle.count_failure(client("192.0.2.1"), "anna", at(3_600));

    assert!(throttle.check_failures(client("192.0.2.1"), "anna", at(3_600)).is_ok());
}

#[test]
fn failures_of_one_minute_are_recorded_once() {
    let throttle = Throttle::default();
    let count = |name, second| throttle.count_failure(client("192.0.2.1"), name, at(second));

    assert!(count("anna", 0));
    assert!(!count("anna", 59));
    assert!(count("bert", 59));
    assert!(count("anna", 60));
    assert!(!count("anna", 61));
}

#[test]
fn a_clock_that_steps_back_neither_frees_nor_traps() {
    let throttle = Throttle::default();
    for _ in 0..10 {
        throttle
            .take_turn(client("192.0.2.1"), Purpose::SignIn, at(7_200))
            .unwrap();
    }

    let refused = throttle
        .take_turn(client("192.0.2.1"), Purpose::SignIn, at(0))
        .unwrap_err();

    assert_eq!(refused, Wait(WINDOW));
    assert!(throttle.take_turn(client("192.0.2.1"), Purpose::SignIn, at(60)).is_ok());
}

#[expect(clippy::unnecessary_wraps, reason = "the form in which callers have it")]
fn client(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_777_600_000 + second, 0).unwrap()
}
