//! What is known of the connection of every device, from its status messages.
//!
//! A status carries no number, so that a repeated one is known by what it says: the same as before, or
//! something of an older boot. It then adds nothing to the history of the connection. What a batch
//! tells is collected and becomes true after its transaction, like the ledger's own state.

use std::collections::HashMap;

use ioc_ingest::health::Status;

/// The latest connection state of devices, by their ids.
#[derive(Debug, Default)]
pub struct Connections(HashMap<i32, Status>);

/// What a batch tells of connections.
#[derive(Debug)]
pub struct Told<'l> {
    known: &'l Connections,
    new: HashMap<i32, Status>,
}

impl Connections {
    /// What the database holds: the latest status of each device.
    pub fn restore(latest: impl IntoIterator<Item = (i32, Status)>) -> Self {
        Self(latest.into_iter().collect())
    }

    /// Begins to collect what a batch tells.
    pub fn begin(&self) -> Told<'_> {
        Told { known: self, new: HashMap::new() }
    }

    /// Takes over what a committed batch told.
    pub fn take(&mut self, new: HashMap<i32, Status>) {
        self.0.extend(new);
    }
}

impl Told<'_> {
    /// Whether a status tells something new of a device. `again` is what the broker says of it: it
    /// was sent before, or kept from earlier.
    ///
    /// An online of an older boot is taken for new (a restart counter may have been reset) unless
    /// the broker says that it sends it again.
    pub fn note(&mut self, device_id: i32, status: Status, again: bool) -> bool {
        let known = self.new.get(&device_id).or_else(|| self.known.0.get(&device_id)).copied();
        let new = match known {
            None => true,
            Some(known) if status.boot == known.boot => status.online != known.online,
            Some(known) if status.boot > known.boot => true,
            Some(_) => return status.online && !again,
        };
        if new {
            self.new.insert(device_id, status);
        }
        new
    }

    /// What is known now beyond what was known before.
    pub fn end(self) -> HashMap<i32, Status> {
        self.new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn status(boot: u32, online: bool) -> Status {
        Status { online, boot }
    }

    #[test]
    fn a_repeated_status_tells_nothing_new() {
        let mut connections = Connections::restore([(7, status(3, true))]);
        let mut told = connections.begin();
        assert!(!told.note(7, status(3, true), false));
        assert!(told.note(7, status(3, false), false));
        assert!(!told.note(7, status(3, false), true));
        assert!(told.note(7, status(4, true), false));
        assert!(told.note(8, status(1, true), false));
        let new = told.end();
        connections.take(new);
        let mut told = connections.begin();
        assert!(!told.note(7, status(4, true), false));
        assert!(!told.note(8, status(1, true), false));
    }

    #[test]
    fn what_an_older_boot_says_does_not_count() {
        let connections = Connections::restore([(7, status(3, true))]);
        let mut told = connections.begin();
        assert!(!told.note(7, status(2, false), false), "an old will");
        assert!(!told.note(7, status(2, true), true), "an old sign of life, again");
        assert!(told.note(7, status(1, true), false), "a counter that was reset");
        assert!(!told.note(7, status(3, true), false), "and the state is that of the largest boot");
    }

    #[test]
    fn what_a_failed_batch_told_is_not_known() {
        let connections = Connections::default();
        let mut told = connections.begin();
        assert!(told.note(7, status(1, true), false));
        drop(told);
        assert!(connections.begin().note(7, status(1, true), false));
    }
}
