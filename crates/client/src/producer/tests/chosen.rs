//! Producers with an identity of the caller's choice.

use super::*;

#[test]
fn an_identity_that_was_chosen_is_never_changed() {
    let chosen = Identity { id: 9, epoch: 7 };
    for code in [
        ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
        ErrorCode::UNKNOWN_PRODUCER_ID,
    ] {
        let mut play = Play::new(|_| ());
        play.core = Accumulator::new(Settings {
            linger: Duration::ZERO,
            fixed: Some(chosen),
            idempotent: true,
            retries: 9,
            request_size_max: 10_000,
            ..settings()
        });
        play.append(0);
        let sent = play.send_all();
        assert_eq!(numbers(&sent), [(7, 0)]);
        play.finish(&sent[0].0, done(0));
        (0..2).for_each(|_| play.append(0));
        play.core.flushing = 1;
        let sent = play.send_all();
        assert_eq!(numbers(&sent), [(7, 1), (7, 2)]);
        // Behind another that is on its way, a refusal says nothing yet.
        play.finish(&sent[1].0, refused(code));
        assert_eq!(play.result(2), None);
        play.finish(&sent[0].0, refused(code));
        for _ in 0..2 {
            for (sending, _, _) in play.send_all() {
                play.finish(&sending, refused(code));
            }
        }
        for ack in [1, 2] {
            let Some(Err(error)) = play.result(ack) else { panic!("{code}: ack {ack} is not refused") };
            assert_eq!((error.code(), error.possibly_written()), (Some(code), false));
        }
    }
}

/// Once another has taken over, the broker looks at no number any more: what an unanswered attempt did is not known.
#[test]
fn a_refusal_of_an_epoch_that_passed_says_nothing_of_earlier_attempts() {
    let fixed = Some(Identity { id: 9, epoch: 7 });
    let mut play = Play::new(|_| ());
    play.core = Accumulator::new(Settings {
        fixed,
        idempotent: true,
        linger: Duration::ZERO,
        retries: 9,
        request_size_max: 10_000,
        ..settings()
    });
    play.append(0);
    let sent = play.send_all();
    play.finish(&sent[0].0, lost());
    play.pass(Duration::from_millis(100));
    let again = play.send_all();
    play.finish(&again[0].0, refused(ErrorCode::INVALID_PRODUCER_EPOCH));
    let Some(Err(error)) = play.result(0) else { panic!("not refused") };
    assert!(error.possibly_written(), "{error}");
}
