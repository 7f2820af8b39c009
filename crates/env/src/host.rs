//! What this machine is called.

use std::net::ToSocketAddrs;
use std::sync::OnceLock;

/// The machine's name, if it leads to an address. Looked up once, which may take the resolver's time: not where others wait.
pub fn machine_name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    let name = NAME.get_or_init(|| {
        let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
        let leads_somewhere = (name.as_str(), 0).to_socket_addrs().is_ok_and(|mut all| all.next().is_some());
        leads_somewhere.then_some(name)
    });
    name.as_deref()
}
