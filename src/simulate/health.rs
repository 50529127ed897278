//! Equipment health: what controllers, stations, cameras and cabinets say of themselves.
//!
//! The cabinet tells the power; a device in it tells the same, because both read one fault.

use chrono_tz::Tz;
use ioc_ingest::health::{
    Camera, CameraWhy, DetectorChannel, DetectorState, Health, Lamp, LampFault, Network, Power,
};

use super::{
    calendar::{local, utc},
    dice::{Dice, Purpose, whole, whole_u16},
    faults::{Fault, FaultKind},
};

/// Who reports, and when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reporter {
    /// Seed of the city.
    pub(crate) seed: u64,
    /// Key of the source.
    pub(crate) key: u64,
    /// Zone of the city.
    pub(crate) zone: Tz,
    /// Restart counter, Unix seconds at the start.
    pub(crate) boot: u32,
    /// Now.
    pub(crate) at_ms: i64,
    /// Its own fault.
    pub(crate) fault: Option<Fault>,
    /// The fault of the cabinet that feeds it.
    pub(crate) cabinet: Option<Fault>,
}

/// NTCIP 1202 unitAlarmStatus1: local flash, and MMU flash.
const ALARM_LOCAL_FLASH: u8 = 1 << 5;
const ALARM_MMU_FLASH: u8 = 1 << 4;
/// NTCIP 1202 unitAlarmStatus1: coordination is active.
const ALARM_COORD_ACTIVE: u8 = 1 << 7;
/// Battery capacity in minutes.
const BATTERY_MIN: i64 = 240;

fn on_battery(fault: Option<Fault>) -> Option<Fault> {
    fault.filter(|fault| fault.kind == FaultKind::OnBattery)
}

impl Reporter {
    fn has(&self, kind: FaultKind) -> Option<Fault> {
        self.fault.filter(|fault| fault.kind == kind)
    }

    fn dice(&self) -> Dice {
        Dice::new(self.seed, Purpose::Health, self.key, self.at_ms)
    }

    /// What every kind of equipment reports.
    fn common(&self, dice: &mut Dice) -> Health {
        const FIRMWARE: [&str; 4] = ["1.8.7", "1.9.2", "1.9.3", "2.0.1"];
        let mut fixed = Dice::new(self.seed, Purpose::Layout, self.key, 1);
        let firmware = FIRMWARE[fixed.index(FIRMWARE.len())];
        let [a, b, c, d] = [(); 4].map(|()| fixed.bits());
        let config = format!("{a:016x}{b:016x}{c:016x}{d:016x}");
        let local = local(self.zone, self.at_ms);
        // Hottest in the early afternoon; the cabinet adds some twelve degrees.
        let sun = (-(local.hour - 14.0) * (local.hour - 14.0) / 30.0).exp();
        let temperature_c = 36.0 + 14.0 * sun + 3.0 * fixed.share() + dice.between(-0.4, 0.4);
        Health {
            uptime_s: u64::try_from(self.at_ms / 1000 - i64::from(self.boot)).ok(),
            firmware: Some(firmware.into()),
            config_sha256: Some(config.into()),
            temperature_e1_c: i16::try_from(whole(temperature_c * 10.0, 1000)).ok(),
            network: Some(Network {
                rtt_ms: Some(8 + dice.poisson(7.0)),
                loss_e4: Some(if dice.chance(0.03) {
                    whole_u16(dice.share() * 80.0, 100)
                } else {
                    0
                }),
                rssi_dbm: Some(-60 - i16::try_from(fixed.index(25)).unwrap_or(0)),
            }),
            ..Health::default()
        }
    }

    fn power(&self, health: &mut Health, dice: &mut Dice) {
        let battery = on_battery(self.fault).or(on_battery(self.cabinet));
        let dark = self.has(FaultKind::Dark).is_some();
        let mains_v = 222.0 + dice.between(-4.0, 4.0);
        health.power = Some(match (dark, battery) {
            (true, _) => Power::Off,
            (false, Some(_)) => Power::Battery,
            (false, None) => Power::Line,
        });
        let mains = battery.is_none() && !dark;
        health.mains_e1_v = Some(if mains { whole_u16(mains_v * 10.0, 3000) } else { 0 });
        health.mains_e1_hz =
            Some(if mains { whole_u16(500.0 + dice.between(-1.4, 1.4), 510) } else { 0 });
    }

    /// Health of a signal controller with these phases and detector channels.
    pub(crate) fn controller(&self, phases: &[u8], channels: &[u16]) -> Health {
        let mut dice = self.dice();
        let mut health = self.common(&mut dice);
        self.power(&mut health, &mut dice);
        let flash = self.has(FaultKind::ConflictFlash).is_some();
        health.monitor_fault = Some(if flash { "conflict" } else { "none" }.into());
        health.unit_alarm_1 =
            Some(if flash { ALARM_MMU_FLASH | ALARM_LOCAL_FLASH } else { ALARM_COORD_ACTIVE });
        health.unit_alarm_2 = Some(0);
        health.short_alarm = Some(0);
        health.door_open = Some(false);
        health.police_panel_open = Some(false);
        health.lamps = Some(match self.has(FaultKind::LampOut) {
            Some(fault) => pick(phases, fault).map_or_else(Vec::new, |group| {
                vec![Lamp { group, colour: "red".into(), fault: LampFault::Major }]
            }),
            None => Vec::new(),
        });
        let stuck = self.has(FaultKind::DetectorStuck).and_then(|fault| pick(channels, fault));
        health.detectors = Some(states(channels, stuck));
        health
    }

    /// Health of a detector station with these lanes as channels.
    pub(crate) fn station(&self, lanes: &[u16]) -> Health {
        let mut dice = self.dice();
        let mut health = self.common(&mut dice);
        self.power(&mut health, &mut dice);
        let stuck = self.has(FaultKind::DetectorStuck).and_then(|fault| pick(lanes, fault));
        let mut detectors = states(lanes, stuck);
        if let Some(silent) = self.has(FaultKind::LaneSilent).and_then(|fault| pick(lanes, fault)) {
            for detector in detectors.iter_mut().filter(|found| found.channel == silent) {
                detector.state = DetectorState::Communication;
            }
        }
        health.detectors = Some(detectors);
        health
    }

    /// Health of a camera, as the video system sees it.
    pub(crate) fn camera(&self) -> Health {
        let mut dice = self.dice();
        let mut health = self.common(&mut dice);
        health.camera = Some(self.picture(&mut dice));
        health
    }

    fn picture(&self, dice: &mut Dice) -> Camera {
        let night = !(5.8..18.2).contains(&local(self.zone, self.at_ms).hour);
        let refused = self.has(FaultKind::CameraAuth);
        let frozen = self.has(FaultKind::CameraFrozen);
        let moved = self.has(FaultKind::CameraMoved).is_some();
        let seen = refused.is_none();
        let last_ms = match refused.or(frozen) {
            Some(fault) => fault.from_ms,
            None => self.at_ms - dice.millis(10, 90),
        };
        let disk = 40 + Dice::new(self.seed, Purpose::Layout, self.key, 2).index(45);
        Camera {
            reachable: Some(seen),
            why: refused.map(|_| CameraWhy::Auth),
            stream: Some(if seen { "ok" } else { "none" }.into()),
            fps_e1: seen.then(|| whole_u16(248.0 + dice.between(-4.0, 2.0), 250)),
            fps_nominal_e1: Some(250),
            kbps: seen.then(|| if frozen.is_some() { 310 } else { 3600 + dice.poisson(350.0) }),
            last_frame: Some(utc(last_ms)),
            freeze_ms: seen
                .then(|| frozen.map_or(0, |_| u64::try_from(self.at_ms - last_ms).unwrap_or(0))),
            dark_e4: seen.then(|| {
                whole_u16(if night { 2600.0 } else { 200.0 } + dice.between(0.0, 200.0), 10_000)
            }),
            blur_e4: seen.then(|| whole_u16(600.0 + dice.between(0.0, 500.0), 10_000)),
            moved: seen.then_some(moved),
            preset: seen.then_some(if moved { 4 } else { 1 }),
            recording: Some(seen),
            disk_pct: u8::try_from(disk).ok(),
        }
    }

    /// Health of a cabinet.
    pub(crate) fn cabinet(&self) -> Health {
        let mut dice = self.dice();
        let mut health = self.common(&mut dice);
        self.power(&mut health, &mut dice);
        let minutes_used =
            on_battery(self.fault).map_or(0, |fault| (self.at_ms - fault.from_ms) / 60_000);
        let left = (BATTERY_MIN - minutes_used).max(0);
        health.battery_min = u32::try_from(left).ok();
        health.battery_pct = u8::try_from(left * 100 / BATTERY_MIN).ok();
        health.humidity_pct = u8::try_from(whole(58.0 + dice.between(-4.0, 9.0), 100)).ok();
        let open = self.has(FaultKind::DoorOpen);
        health.door_open = Some(open.is_some());
        // Every other opening is a technician at work, who logs in.
        health.technician = Some(open.is_some_and(|fault| fault.part.is_multiple_of(2)));
        health.police_panel_open = Some(false);
        health
    }
}

/// The one of `items` that a fault strikes.
pub(crate) fn pick<T: Copy>(items: &[T], fault: Fault) -> Option<T> {
    let index = usize::try_from(fault.part).unwrap_or(0).checked_rem(items.len())?;
    items.get(index).copied()
}

fn states(channels: &[u16], stuck: Option<u16>) -> Vec<DetectorChannel> {
    let state =
        |channel| if Some(channel) == stuck { DetectorState::StuckOn } else { DetectorState::Ok };
    channels.iter().map(|&channel| DetectorChannel { channel, state: state(channel) }).collect()
}
