//! How batches end that nobody acknowledged.

use super::*;

#[test]
fn a_refusal_does_not_undo_what_an_attempt_before_it_may_have_done() {
    for (first, last, expected) in [
        (lost(), ErrorCode::NOT_ENOUGH_REPLICAS, true),
        (lost(), ErrorCode::TOPIC_AUTHORIZATION_FAILED, true),
        (refused(ErrorCode::NOT_ENOUGH_REPLICAS), ErrorCode::TOPIC_AUTHORIZATION_FAILED, false),
        (refused(ErrorCode::NOT_ENOUGH_REPLICAS), ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND, true),
    ] {
        let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
        play.append(0);
        let sent = play.send_all();
        play.finish(&sent[0].0, first);
        play.pass(Duration::from_millis(100));
        let again = play.send_all();
        play.pass(TIMEOUT);
        play.finish(&again[0].0, refused(last));
        let Some(Err(error)) = play.result(0) else { panic!("{last} is no end") };
        assert_eq!((error.code(), error.possibly_written()), (Some(last), expected), "{error}");
    }
}

/// The sender looked at the time again and again until the answer came.
#[test]
fn nobody_waits_for_the_expiry_of_what_is_on_its_way() {
    let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
    play.append(0);
    assert_eq!(play.send_all().len(), 1);
    play.pass(TIMEOUT * 2);
    let plan = play.core.plan(play.now, |_| Some(1), |_| true);
    assert_eq!(plan.wake_at, None);
}

#[test]
fn what_expires_says_whether_it_may_be_there() {
    for (attempt, expected) in [
        (lost(), true),
        (refused(ErrorCode::NOT_ENOUGH_REPLICAS), false),
        (refused(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND), true),
        (refused(ErrorCode::REQUEST_TIMED_OUT), true),
        (refused(ErrorCode::NOT_LEADER_OR_FOLLOWER), true),
    ] {
        let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
        play.append(0);
        let sent = play.send_all();
        play.finish(&sent[0].0, attempt);
        play.pass(TIMEOUT);
        play.core.expire(play.now);
        match play.result(0) {
            Some(Err(error @ ProduceError::Expired { .. })) => {
                assert_eq!(error.possibly_written(), expected, "{error}");
                assert!(error.is_retriable());
            }
            other => panic!("{other:?}"),
        }
    }
}
