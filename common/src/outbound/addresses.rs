//! Which addresses are public: the IANA special-purpose registries, and what
//! cloud providers keep for themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is globally routable unicast (IANA special-purpose
/// registries) and not an internal address of a cloud provider.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    const SPECIAL: &[(Ipv4Addr, u32)] = &[
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 31, 196, 0), 24),
        (Ipv4Addr::new(192, 52, 193, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(192, 175, 48, 0), 24),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 3),
        // Azure's internal services answer here, though the address is public.
        (Ipv4Addr::new(168, 63, 129, 16), 32),
        // Alibaba Cloud's metadata service lies in 100.64.0.0/10 already.
    ];
    let bits = u32::from(ip);
    !SPECIAL.iter().any(|(network, length)| {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        bits & mask == u32::from(*network) & mask
    })
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    const SPECIAL: &[(Ipv6Addr, u32)] = &[
        // IETF protocol assignments, Teredo, ORCHID and documentation in it.
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        // 6to4 carries an IPv4 address that would have to be vetted as well.
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
        (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    let bits = u128::from(ip);
    // Only 2000::/3 is allocated for global unicast: that leaves out loopback,
    // mapped, compatible, translated (64:ff9b::), unique local, link-local,
    // site-local and multicast addresses.
    if bits >> 125 != 0b001 {
        return false;
    }
    // ISATAP hides an IPv4 address behind ::0:5efe or ::200:5efe.
    let isatap = matches!(ip.segments()[4..6], [0 | 0x200, 0x5efe]);
    !isatap
        && !SPECIAL.iter().any(|(network, length)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            bits & mask == u128::from(*network) & mask
        })
}
