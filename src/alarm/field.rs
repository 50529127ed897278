//! What rules may ask about: the closed list of fields, each with its unit and what tells it.
//!
//! A rule names a field by its text; the list stands here once, for the rules, for the documentation of the
//! API and for whoever sends figures.

/// What tells a field, so that a rule is judged only when it may come out differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Trigger {
    /// State of the signal groups of a controller.
    State,
    /// Events of a controller.
    Events,
    /// A collection period.
    Interval,
    /// Something that a camera saw.
    Incident,
    /// Equipment health.
    Health,
    /// Connection, last will, silence.
    Presence,
    /// The envelope of any message.
    Envelope,
    /// Checks of the data of a lane or zone.
    Quality,
    /// A measured figure of something that is no device.
    Figure,
    /// A collection period of a station or of the next one downstream.
    Pair,
}

impl Trigger {
    /// How many there are.
    pub const COUNT: usize = 10;

    /// Its place in a table of all of them.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Measured: a limit on it needs a dead-band.
    Measured,
    /// A whole number that names or counts something.
    Code,
    /// Yes or no.
    Flag,
    /// A word.
    Word,
}

macro_rules! fields {
    ($($variant:ident = $name:literal, $unit:literal, $kind:ident, $trigger:ident, $doc:literal;)+) => {
        /// Something that rules ask about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $doc] $variant,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Name in rules.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Unit of measure; empty for none.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)+ }
            }

            /// Kind of its values.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// What tells it.
            pub const fn trigger(self) -> Trigger {
                match self { $(Self::$variant => Trigger::$trigger,)+ }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

fields! {
    Lost = "device.lost", "", Flag, Presence, "Last will, or silent for three of its periods (at least 30 s).";
    ClockOffset = "device.clock_offset_ms", "ms", Measured, Envelope, "Magnitude of the clock offset that the source reports.";
    Mode = "signal.mode", "", Word, State, "How the controller runs.";
    Flash = "signal.flash", "", Code, State, "Unit flash status of NTCIP 1202, 1 to 8.";
    Preempt = "signal.preempt", "", Code, State, "Number of the active preempt, 0 for none.";
    StuckShare = "signal.stuck_share", "", Measured, State, "Time that a vehicle group has been green, in shares of the longest allowed: the larger of 300 s and three cycles. Not while the controller rests in free mode.";
    PlanDiffers = "signal.plan_differs", "", Flag, State, "A signal that runs by plans runs another one than scheduled. No where none is scheduled, and in flash, free, preempted, manual and adaptive control.";
    PedCall = "signal.ped_call_s", "s", Measured, State, "How long the call of a pedestrian group has been waiting.";
    PedNight = "signal.ped_night", "", Code, Events, "Pedestrian detections (event 90) of one controller since 01:00, until 05:00.";
    SplitFailShare = "signal.split_fail_share", "", Measured, Events, "Share of the cycles of 15 minutes after whose green vehicles still stood at the stop line, of the phase with the largest one. Unknown in the first 15 minutes, and without presence detectors.";
    Power = "health.power", "", Word, Health, "Where the power comes from: line, battery, bypass, off.";
    Mains = "health.mains_v", "V", Measured, Health, "Mains voltage.";
    Frequency = "health.mains_hz", "Hz", Measured, Health, "Mains frequency.";
    BatteryPct = "health.battery_pct", "%", Measured, Health, "Battery charge.";
    BatteryMin = "health.battery_min", "min", Measured, Health, "Battery time left.";
    Temperature = "health.temperature_c", "°C", Measured, Health, "Temperature inside.";
    Door = "health.door_open", "", Flag, Health, "Cabinet door open.";
    Technician = "health.technician", "", Flag, Health, "A technician is logged in.";
    MonitorFault = "health.monitor_fault", "", Word, Health, "Fault of the malfunction management unit; none for none.";
    UnitAlarm1 = "health.unit_alarm_1", "", Code, Health, "NTCIP 1202 unitAlarmStatus1.";
    UnitAlarm2 = "health.unit_alarm_2", "", Code, Health, "NTCIP 1202 unitAlarmStatus2.";
    ShortAlarm = "health.short_alarm", "", Code, Health, "NTCIP 1202 shortAlarmStatus.";
    RedLampsOut = "health.red_lamps_out", "", Code, Health, "Red lamps with a major fault.";
    LampsFaulty = "health.lamps_faulty", "", Code, Health, "Lamps with a fault, other than red ones with a major one.";
    ChannelsBad = "health.detectors_bad", "", Code, Health, "Detector channels that the device reports as bad.";
    ChannelsBadShare = "health.detectors_bad_share", "", Measured, Health, "Share of the reported detector channels that are bad; of at least three.";
    ConfigChanged = "health.config_changed", "", Flag, Health, "The fingerprint of the configuration differs from that of the report before.";
    Loss = "health.loss_pct", "%", Measured, Health, "Packet loss that the device sees.";
    RoundTrip = "health.rtt_ms", "ms", Measured, Health, "Round-trip time that the device sees.";
    CameraReachable = "camera.reachable", "", Flag, Health, "The camera answers.";
    CameraStream = "camera.stream", "", Word, Health, "State of the stream; ok when it plays.";
    CameraFreeze = "camera.freeze_s", "s", Measured, Health, "For how long the picture has not changed.";
    CameraDark = "camera.dark_share", "", Measured, Health, "Share of dark picture.";
    CameraMoved = "camera.moved", "", Flag, Health, "The camera was moved.";
    CameraRecording = "camera.recording", "", Flag, Health, "The camera is recorded.";
    RecorderDisk = "camera.disk_pct", "%", Measured, Health, "Recorder disk in use.";
    Home = "camera.home", "", Flag, Interval, "The camera stands at its home preset.";
    Occupancy = "traffic.occupancy", "", Measured, Interval, "Mean occupancy of the lanes or zones, 0 to 1.";
    OccupancyDeviations = "traffic.occupancy_deviations", "", Measured, Interval, "Standard deviations that the mean occupancy of the latest 5 minutes lies above that of the same time of the four weeks before. Unknown with too few good values of those weeks, and on public holidays.";
    SpeedShare = "traffic.speed_share", "", Measured, Interval, "Mean speed in shares of the free-flow speed of its corridor.";
    PairDifference = "pair.occupancy_difference", "", Measured, Pair, "Occupancy here less that at the next station downstream, -1 to 1, in one direction of travel: fields of pairs in one condition are of the same one.";
    PairDifferenceShare = "pair.occupancy_difference_share", "", Measured, Pair, "The same in shares of the occupancy here. Unknown while that is 0.";
    PairDrop = "pair.occupancy_drop", "", Measured, Pair, "By which share the occupancy at the next station downstream fell within two collection periods, -1 to 1. Unknown where it was 0.";
    PairAcceleration = "pair.acceleration_kmh2", "km/h²", Measured, Pair, "Acceleration from here to the next station downstream by their mean speeds and distance; below 0 vehicles slow down.";
    PairSpeed = "pair.speed_downstream_kmh", "km/h", Measured, Pair, "Mean speed at the next station downstream.";
    PairBottleneck = "pair.bottleneck_bins", "", Code, Pair, "Of the latest 5-minute bins those in which it was slow here and much faster at the next station downstream.";
    WrongWay = "incident.wrong_way", "", Flag, Incident, "A vehicle drives against the direction of travel.";
    Stopped = "incident.stopped_vehicle", "", Flag, Incident, "A vehicle stands in a running lane.";
    Pedestrian = "incident.pedestrian", "", Flag, Incident, "A person is on the carriageway.";
    Fire = "incident.fire", "", Flag, Incident, "Smoke or fire.";
    DetectorBad = "quality.bad", "", Flag, Quality, "A check of the data of this lane or zone finds it bad.";
    DetectorsBadShare = "quality.bad_share", "", Measured, Quality, "Share of the lanes or zones of a device whose data is bad; of at least three.";
    AlarmsIn10Min = "hub.alarms_10min", "", Code, Figure, "Alarms that were newly presented in 10 minutes.";
    SpoolShare = "hub.spool_share", "", Measured, Figure, "Share of its largest size that the spool takes.";
    SpoolTrouble = "hub.spool_trouble", "", Flag, Figure, "The spool cannot be written or read.";
    DiskFree = "hub.disk_free_share", "", Measured, Figure, "Share of the disk of the spool that is free.";
    Lag = "hub.lag_s", "s", Measured, Figure, "Age of the oldest message that is not stored in the database yet.";
    RefusedShare = "hub.refused_share", "", Measured, Figure, "Share of the messages of the last 5 minutes that were refused.";
    BrokerAway = "hub.broker_away", "", Flag, Figure, "There is no connection with the broker.";
    RollupDiffers = "hub.rollup_differs", "", Flag, Figure, "A rollup differs from its rows.";
    BooksDiffer = "hub.books_differ", "", Flag, Figure, "An accounting identity of the records is broken.";
    TicketsOverdue = "desk.overdue", "", Code, Figure, "Open tickets of the service desk past their due time, city-wide or of a unit.";
    DossiersOverdue = "unit.dossiers_overdue", "", Code, Figure, "Open dossiers of a unit past their due time.";
    CorridorSpeedShare = "corridor.speed_share", "", Measured, Figure, "Mean speed of a corridor in shares of its free-flow speed.";
    IndicatorValue = "indicator.value", "", Measured, Figure, "Value of a headline indicator, in its own unit.";
}

impl Field {
    /// The field of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == name)
    }
}

/// What a field says of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Of a measured field or a code.
    Number(f64),
    /// Of a flag.
    Flag(bool),
    /// Of a word.
    Word(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_stands_once() {
        for field in Field::ALL {
            assert_eq!(Field::parse(field.as_str()), Some(*field));
        }
        assert_eq!(Field::parse("signal.colour"), None);
    }
}
