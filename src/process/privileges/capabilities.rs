//! Capabilities: none are kept, and none can be gained.

use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::PrivilegeError;

/// Removes every capability that the kernel knows from the bounding set. Needs CAP_SETPCAP.
pub(super) fn clear_bounding_set() -> io::Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) => {}
            // Past the last capability of this kernel.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Clears the ambient, the effective, the permitted and the inheritable set.
pub(super) fn clear() -> Result<(), PrivilegeError> {
    // A kernel without ambient capabilities (before 4.3) has none to clear.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    let cleared = set_capabilities(None, none).map_err(io::Error::from);
    cleared.map_err(PrivilegeError::of("capset()"))
}
