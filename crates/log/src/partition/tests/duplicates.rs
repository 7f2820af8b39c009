//! A producer's retries, before a restart and after one.

use super::*;

#[test]
fn duplicates_get_their_first_offsets_also_after_a_restart() {
    let home = Home::new(1 << 20, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    for place in 0..5 {
        log.append(batch(&[NOW, NOW], Some((9, 0, place * 2))), &how(0)).unwrap();
    }
    let again =
        |log: &mut PartitionLog, sequence| log.append(batch(&[NOW, NOW], Some((9, 0, sequence))), &how(0));
    let info = again(&mut log, 2).unwrap();
    assert!(info.duplicate && info.first_offset == Offset(2) && info.last_offset == Offset(3));
    assert!(matches!(again(&mut log, 20), Err(LogError::OutOfOrderSequence { .. })));
    log.close().unwrap();
    for load in [Load::clean(NOW), Load::unclean(NOW)] {
        let mut log = home.open(&load).log;
        // Each of those in flight may be asked again, also where a snapshot is all that is read of them.
        for sequence in [4, 0, 8] {
            let info = again(&mut log, sequence).unwrap();
            assert!(info.duplicate && info.first_offset == Offset(i64::from(sequence)), "{info:?}");
        }
        assert_eq!(log.log_end(), Offset(10));
        assert!(matches!(again(&mut log, 20), Err(LogError::OutOfOrderSequence { .. })));
    }
}
