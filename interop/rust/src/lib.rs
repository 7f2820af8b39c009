//! Empty: the manifest beside it only names crates.
