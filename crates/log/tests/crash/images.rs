//! Recorded traces turned into crash images: the disk as a power loss at some place of a workload could have left it, recovered
//! by the real log and compared with what had been acknowledged by then.
//!
//! `MEKONG_CRASH_TRACES=100..200` records other workloads than the default, `MEKONG_CRASH_IMAGES=245` makes so many of each.

use std::collections::BTreeMap;
use std::ops::Range;

use env::{FileClass, Random, SeededRandom, Trace};

use crate::world::{Moment, World};

/// Where the power went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    BeforeSync,
    AfterSync,
    Between,
}

type Counters = BTreeMap<(FileClass, Place), u64>;

/// Makes the images of these traces, checks each, and prints where the power went.
pub fn run(traces: Range<u64>) {
    let images: u64 = std::env::var("MEKONG_CRASH_IMAGES").map_or(40, |text| text.parse().expect("a number"));
    let (mut counters, mut made) = (Counters::new(), 0);
    for seed in traces.clone() {
        made += images_of(seed, images, &mut counters);
        if (seed + 1 - traces.start).is_multiple_of(20) {
            println!("{} traces, {made} images", seed + 1 - traces.start);
        }
    }
    if cfg!(feature = "planted-bugs") {
        return;
    }
    println!(
        "{made} images of {} traces hold what was acknowledged; the power went",
        traces.end - traces.start
    );
    for ((class, place), count) in counters {
        println!("{count:>7} {place:?} of {class:?}");
    }
}

fn images_of(seed: u64, count: u64, counters: &mut Counters) -> u64 {
    let (trace, moments) = World::record(seed);
    let random = SeededRandom::new(!seed);
    let mut places: Vec<_> = (0..count).map(|_| place(&trace, &random)).collect();
    places.sort_by_key(|(place, ..)| *place);
    let mut images = trace.images();
    for (number, (place, class, kind)) in places.into_iter().enumerate() {
        images.advance_to(place);
        *counters.entry((class, kind)).or_default() += 1;
        let disk = images.image(random.next_u64());
        let checked = std::panic::catch_unwind(|| World::visit(seed, disk, expected(&moments, place)));
        if let Err(panic) = checked {
            eprintln!(
                "trace {seed}, image {number}, {kind:?} of {class:?} at step {place} of {} failed",
                trace.len()
            );
            std::panic::resume_unwind(panic);
        }
    }
    count
}

/// Mostly where something is synced, just before or behind it.
fn place(trace: &Trace, random: &SeededRandom) -> (usize, FileClass, Place) {
    let syncs: Vec<_> = trace.syncs().collect();
    let any = random.below(trace.len() as u64 + 1) as usize;
    let next = syncs.iter().find(|(place, _)| *place >= any).or(syncs.last());
    let (sync, class) = next.copied().expect("a sync");
    match random.below(10) {
        0..=3 => (sync, class, Place::BeforeSync),
        4..=6 => (sync + 1, class, Place::AfterSync),
        _ => (any, class, Place::Between),
    }
}

fn expected(moments: &[Moment], place: usize) -> BTreeMap<i32, crate::model::Model> {
    let behind = moments.partition_point(|moment| moment.place < place).min(moments.len() - 1);
    let (before, after) = (&moments[behind.saturating_sub(1)], &moments[behind]);
    let merge = |(partition, later)| match before.models.get(partition) {
        Some(earlier) => (*partition, earlier.upto(later)),
        None => (*partition, later.clone()),
    };
    after.models.iter().map(merge).collect()
}
