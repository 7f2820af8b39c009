//! One run: start, work under faults, heal, read everything, judge.

use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::drivers::{self, Drivers};
use crate::judge::{self, Verdict};
use crate::network::Network;
use crate::plan::Plan;
use crate::{Options, Outcome, faults, own};

/// The last part of a run is without faults, so that clients can come to an end.
const QUIET: Duration = Duration::from_secs(12);

/// Runs a plan and writes down what came of it.
pub fn run(plan: &Plan, options: &Options) -> Outcome<Verdict> {
    let folder = options.out.join(format!("run-{}", plan.seed));
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let network = Network::make()?;
    let mut cluster = Cluster::start(&options.mekong, &folder)?;
    own::create_topic()?;
    let began = Instant::now();
    let clients = Drivers::start(plan, options, &folder)?;
    let length = Duration::from_secs(plan.seconds);
    let spans = faults::strike(plan.fault, &mut cluster, &network, began + length.saturating_sub(QUIET))?;
    let healed = drivers::now();
    std::thread::sleep((began + length).saturating_duration_since(Instant::now()));
    let (mut history, idle) = clients.collect()?;
    cluster.look_for_the_dead();
    history.faults = spans;
    history.healed = Some(healed);
    own::read_everything(&mut history)?;
    judge::judge(plan, (history, idle), &cluster, options)
}
