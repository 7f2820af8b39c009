//! The account of a stream of readings: which number of each device came next, and what was wrong.

use std::collections::BTreeMap;

/// A device's number.
pub type Device = u32;

/// What was wrong with one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The number came before.
    Doubled,
    /// A smaller number than the last one, that had not come before.
    Reordered,
}

/// So many missing readings of a device are known one by one.
const MISSING_MAX: usize = 100_000;

/// Readings noted in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    devices: BTreeMap<Device, Account>,
    noted: u64,
    doubled: u64,
    reordered: u64,
    first_fault: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    last: u64,
    /// Numbers below `last` that were skipped: lost, unless they come late.
    missing: Vec<u64>,
}

/// What a ledger comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Readings noted.
    pub noted: u64,
    /// Numbers that should have come and did not.
    pub lost: u64,
    /// Readings that came more than once.
    pub doubled: u64,
    /// Readings that came after a later one of their device.
    pub reordered: u64,
    /// Readings that nobody is known to have sent.
    pub unknown: u64,
    /// The first thing that was wrong.
    pub first_fault: Option<String>,
}

impl Findings {
    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.unknown == 0 && self.first_fault.is_none()
    }
}

impl Ledger {
    /// Notes the reading `number` of `device`, met at `place`.
    pub fn note(&mut self, device: Device, number: u64, place: impl FnOnce() -> String) -> Option<Fault> {
        self.noted += 1;
        let account = self.devices.entry(device).or_default();
        let last = account.last;
        let fault = if number > last {
            // A number from elsewhere may be any: the readings before it are not all to be held.
            let room = MISSING_MAX.saturating_sub(account.missing.len());
            account.missing.extend((last + 1..number).take(room));
            account.last = number;
            None
        } else if let Some(at) = account.missing.iter().position(|missing| *missing == number) {
            account.missing.swap_remove(at);
            self.reordered += 1;
            Some(Fault::Reordered)
        } else {
            self.doubled += 1;
            Some(Fault::Doubled)
        };
        if let (Some(fault), None) = (fault, &self.first_fault) {
            let what = if fault == Fault::Doubled { "came again" } else { "came late" };
            self.first_fault =
                Some(format!("device {device}: reading {number} {what} after reading {last}, {}", place()));
        }
        fault
    }

    /// Readings noted so far.
    pub fn noted(&self) -> u64 {
        self.noted
    }

    /// Compares with what was acknowledged: the last number of each device.
    pub fn findings(&self, acknowledged: &BTreeMap<Device, u64>) -> Findings {
        let mut findings = Findings {
            noted: self.noted,
            doubled: self.doubled,
            reordered: self.reordered,
            first_fault: self.first_fault.clone(),
            ..Findings::default()
        };
        for (device, last) in acknowledged {
            let account = self.devices.get(device).cloned().unwrap_or_default();
            let lost = account.missing.iter().filter(|missing| *missing <= last).count() as u64
                + last.saturating_sub(account.last);
            if lost > 0 && findings.first_fault.is_none() {
                findings.first_fault =
                    Some(format!("device {device}: {lost} of {last} readings did not come"));
            }
            findings.lost += lost;
        }
        for (device, account) in &self.devices {
            let sent = acknowledged.get(device).copied().unwrap_or(0);
            findings.unknown += account.last.saturating_sub(sent);
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings as (device, number), what each device sent, and (lost, doubled, reordered, unknown).
    type Case = (&'static [(Device, u64)], &'static [(Device, u64)], (u64, u64, u64, u64));

    const CASES: &[Case] = &[
        (&[(1, 1), (2, 1), (1, 2)], &[(1, 2), (2, 1)], (0, 0, 0, 0)),
        (&[(1, 1)], &[(1, 2)], (1, 0, 0, 0)),
        (&[], &[(1, 3)], (3, 0, 0, 0)),
        (&[(1, 1), (1, 3)], &[(1, 3)], (1, 0, 0, 0)),
        (&[(1, 1), (1, 1)], &[(1, 1)], (0, 1, 0, 0)),
        (&[(1, 2), (1, 1), (1, 3)], &[(1, 3)], (0, 0, 1, 0)),
        (&[(1, 2), (1, 1), (1, 1)], &[(1, 2)], (0, 1, 1, 0)),
        (&[(1, 1), (1, 2)], &[(1, 1)], (0, 0, 0, 1)),
        (&[(9, 1)], &[], (0, 0, 0, 1)),
    ];

    #[test]
    fn every_kind_of_fault_is_found() {
        for (readings, sent, (lost, doubled, reordered, unknown)) in CASES {
            let mut ledger = Ledger::default();
            for (device, number) in *readings {
                ledger.note(*device, *number, String::new);
            }
            let findings = ledger.findings(&sent.iter().copied().collect());
            let found = (findings.lost, findings.doubled, findings.reordered, findings.unknown);
            assert_eq!(found, (*lost, *doubled, *reordered, *unknown), "{readings:?} of {sent:?}");
            assert_eq!(findings.is_clean(), found == (0, 0, 0, 0));
        }
    }
}
