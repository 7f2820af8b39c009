//! A client's address as `java.net.InetAddress` writes it, which is how DescribeGroups and the log of groups show it.

use std::net::IpAddr;

use base::Str;

/// `/127.0.0.1`, `/0:0:0:0:0:0:0:1`.
pub(super) fn as_java_writes(address: IpAddr) -> Str {
    Str::from(match address.to_canonical() {
        IpAddr::V4(v4) => format!("/{v4}"),
        IpAddr::V6(v6) => {
            let groups: Vec<String> = v6.segments().iter().map(|group| format!("{group:x}")).collect();
            format!("/{}", groups.join(":"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_java() {
        for (address, expected) in [
            ("127.0.0.1", "/127.0.0.1"),
            ("::1", "/0:0:0:0:0:0:0:1"),
            ("fe80::a:0:ff", "/fe80:0:0:0:0:a:0:ff"),
            ("::ffff:10.0.0.1", "/10.0.0.1"),
        ] {
            assert_eq!(as_java_writes(address.parse().unwrap()), expected);
        }
    }
}
