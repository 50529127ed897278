//! `*/health` and `*/status`.

use super::{
    Parsed,
    envelope::{BOOT, enveloped, version, whole},
    fault::Fault,
    interval::{PRESET, SHARE},
    json::{Reader, keys},
    number::Quantity,
};
use crate::{
    health::{Camera, DetectorChannel, DetectorState, Health, Lamp, LampFault, Network, Status},
    message::Fact,
};

/// Lamps and detector channels of one controller in one message.
const PARTS_MAX: usize = 255;
/// Longest text of a version, in characters.
const TEXT_MAX: usize = 64;
/// Seconds of a counter that is 32 bits wide in most equipment.
const UPTIME: Quantity = Quantity::new(0, 0, u32::MAX as i64);
const VOLTAGE: Quantity = Quantity::new(1, 0, 10_000);
const FREQUENCY: Quantity = Quantity::new(1, 0, 1_000);
/// Whole percent.
const PERCENT: Quantity = Quantity::new(0, 0, 100);
/// Percent of which two decimal places are kept: a share in 1e-4.
const LOSS: Quantity = Quantity::new(2, 0, 10_000);
const BATTERY_MIN: Quantity = Quantity::new(0, 0, 1_000_000);
const TEMPERATURE: Quantity = Quantity::new(1, -1_000, 2_000);
/// A byte of NTCIP alarm bits.
const ALARM: Quantity = Quantity::new(0, 0, 255);
const GROUP: Quantity = Quantity::new(0, 1, 255);
const CHANNEL: Quantity = Quantity::new(0, 1, 65_535);
const RTT_MS: Quantity = Quantity::new(0, 0, 3_600_000);
const RSSI_DBM: Quantity = Quantity::new(0, -200, 50);
const FPS: Quantity = Quantity::new(1, 0, 10_000);
const KBPS: Quantity = Quantity::new(0, 0, 100_000_000);
/// Up to a year, in milliseconds.
const FREEZE: Quantity = Quantity::new(3, 0, 31_536_000_000);

keys!(HealthKey {
    Uptime = "uptime_s",
    Firmware = "firmware",
    Config = "config_sha256",
    Power = "power",
    MainsVoltage = "mains_v",
    MainsFrequency = "mains_hz",
    BatteryCharge = "battery_pct",
    BatteryTime = "battery_min",
    Temperature = "temperature_c",
    Humidity = "humidity_pct",
    Door = "door_open",
    PolicePanel = "police_panel_open",
    Technician = "technician",
    MonitorFault = "monitor_fault",
    UnitAlarm1 = "unit_alarm_1",
    UnitAlarm2 = "unit_alarm_2",
    ShortAlarm = "short_alarm",
    Lamps = "lamps",
    Detectors = "detectors",
    Network = "network",
    Camera = "camera",
});

keys!(LampKey { Group = "group", Colour = "colour", Fault = "fault" });
keys!(DetectorKey { Channel = "channel", State = "state" });
keys!(NetworkKey { RoundTrip = "rtt_ms", Loss = "loss_pct", Signal = "rssi_dbm" });

keys!(CameraKey {
    Reachable = "reachable",
    Why = "why",
    Stream = "stream",
    Fps = "fps",
    FpsNominal = "fps_nominal",
    Kbps = "kbps",
    LastFrame = "last_frame",
    Freeze = "freeze_s",
    Dark = "dark",
    Blur = "blur",
    Moved = "moved",
    Preset = "preset",
    Recording = "recording",
    Disk = "disk_pct",
});

keys!(StatusKey { Version = "v", Online = "online", Boot = "boot" });

/// Reads `*/status`, the one message without envelope.
pub(super) fn status(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut status = Status { online: false, boot: 0 };
    let seen = whole(reader, |reader, key| {
        match key {
            StatusKey::Version => version(reader)?,
            StatusKey::Online => status.online = reader.boolean()?,
            StatusKey::Boot => status.boot = reader.whole(BOOT)?,
        }
        Ok(())
    })?;
    for key in [StatusKey::Version, StatusKey::Online, StatusKey::Boot] {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: None, fact: Fact::Status(status), refused: Vec::new() })
}

/// Reads `*/health`.
pub(super) fn health(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut health = Box::<Health>::default();
    let (envelope, _) = enveloped(reader, |reader, key| field(&mut health, reader, key))?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Health(health), refused: Vec::new() })
}

fn field(health: &mut Health, reader: &mut Reader<'_>, key: HealthKey) -> Result<(), Fault> {
    match key {
        HealthKey::Uptime => health.uptime_s = reader.nullable(|r| r.fixed(UPTIME))?,
        HealthKey::Firmware => health.firmware = reader.nullable(|r| r.text(TEXT_MAX, false))?,
        HealthKey::Config => health.config_sha256 = reader.nullable(|r| r.text(TEXT_MAX, false))?,
        HealthKey::Power => health.power = reader.nullable(Reader::word)?,
        HealthKey::MainsVoltage => health.mains_e1_v = reader.nullable(|r| r.fixed(VOLTAGE))?,
        HealthKey::MainsFrequency => {
            health.mains_e1_hz = reader.nullable(|r| r.fixed(FREQUENCY))?;
        }
        HealthKey::BatteryCharge => health.battery_pct = reader.nullable(|r| r.fixed(PERCENT))?,
        HealthKey::BatteryTime => health.battery_min = reader.nullable(|r| r.fixed(BATTERY_MIN))?,
        HealthKey::Temperature => {
            health.temperature_e1_c = reader.nullable(|r| r.fixed(TEMPERATURE))?;
        }
        HealthKey::Humidity => health.humidity_pct = reader.nullable(|r| r.fixed(PERCENT))?,
        HealthKey::Door => health.door_open = reader.nullable(Reader::boolean)?,
        HealthKey::PolicePanel => health.police_panel_open = reader.nullable(Reader::boolean)?,
        HealthKey::Technician => health.technician = reader.nullable(Reader::boolean)?,
        HealthKey::MonitorFault => health.monitor_fault = reader.nullable(Reader::token)?,
        HealthKey::UnitAlarm1 => health.unit_alarm_1 = reader.nullable(|r| r.whole(ALARM))?,
        HealthKey::UnitAlarm2 => health.unit_alarm_2 = reader.nullable(|r| r.whole(ALARM))?,
        HealthKey::ShortAlarm => health.short_alarm = reader.nullable(|r| r.whole(ALARM))?,
        HealthKey::Lamps => health.lamps = reader.nullable(|r| all(r, lamp))?,
        HealthKey::Detectors => health.detectors = reader.nullable(|r| all(r, detector))?,
        HealthKey::Network => health.network = reader.nullable(network)?,
        HealthKey::Camera => health.camera = reader.nullable(camera)?,
    }
    Ok(())
}

fn all<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut items = Vec::new();
    reader.list(PARTS_MAX, |reader, _| {
        items.push(read(reader)?);
        Ok(())
    })?;
    Ok(items)
}

fn lamp(reader: &mut Reader<'_>) -> Result<Lamp, Fault> {
    let mut lamp = Lamp { group: 0, colour: Box::default(), fault: LampFault::None };
    let seen = reader.object(|reader, key| {
        match key {
            LampKey::Group => lamp.group = reader.whole(GROUP)?,
            LampKey::Colour => lamp.colour = reader.token()?,
            LampKey::Fault => lamp.fault = reader.word()?,
        }
        Ok(())
    })?;
    for key in [LampKey::Group, LampKey::Colour, LampKey::Fault] {
        seen.require(key)?;
    }
    Ok(lamp)
}

fn detector(reader: &mut Reader<'_>) -> Result<DetectorChannel, Fault> {
    let mut detector = DetectorChannel { channel: 0, state: DetectorState::Ok };
    let seen = reader.object(|reader, key| {
        match key {
            DetectorKey::Channel => detector.channel = reader.whole(CHANNEL)?,
            DetectorKey::State => detector.state = reader.word()?,
        }
        Ok(())
    })?;
    seen.require(DetectorKey::Channel)?;
    seen.require(DetectorKey::State)?;
    Ok(detector)
}

fn network(reader: &mut Reader<'_>) -> Result<Network, Fault> {
    let mut network = Network { rtt_ms: None, loss_e4: None, rssi_dbm: None };
    reader.object(|reader, key| {
        match key {
            NetworkKey::RoundTrip => network.rtt_ms = reader.nullable(|r| r.fixed(RTT_MS))?,
            NetworkKey::Loss => network.loss_e4 = reader.nullable(|r| r.fixed(LOSS))?,
            NetworkKey::Signal => network.rssi_dbm = reader.nullable(|r| r.fixed(RSSI_DBM))?,
        }
        Ok(())
    })?;
    Ok(network)
}

fn camera(reader: &mut Reader<'_>) -> Result<Camera, Fault> {
    let mut camera = Camera::default();
    reader.object(|reader, key| {
        match key {
            CameraKey::Reachable => camera.reachable = reader.nullable(Reader::boolean)?,
            CameraKey::Why => camera.why = reader.nullable(Reader::word)?,
            CameraKey::Stream => camera.stream = reader.nullable(Reader::token)?,
            CameraKey::Fps => camera.fps_e1 = reader.nullable(|r| r.fixed(FPS))?,
            CameraKey::FpsNominal => camera.fps_nominal_e1 = reader.nullable(|r| r.fixed(FPS))?,
            CameraKey::Kbps => camera.kbps = reader.nullable(|r| r.fixed(KBPS))?,
            CameraKey::LastFrame => camera.last_frame = reader.nullable(Reader::time)?,
            CameraKey::Freeze => camera.freeze_ms = reader.nullable(|r| r.fixed(FREEZE))?,
            CameraKey::Dark => camera.dark_e4 = reader.nullable(|r| r.fixed(SHARE))?,
            CameraKey::Blur => camera.blur_e4 = reader.nullable(|r| r.fixed(SHARE))?,
            CameraKey::Moved => camera.moved = reader.nullable(Reader::boolean)?,
            CameraKey::Preset => camera.preset = reader.nullable(|r| r.whole(PRESET))?,
            CameraKey::Recording => camera.recording = reader.nullable(Reader::boolean)?,
            CameraKey::Disk => camera.disk_pct = reader.nullable(|r| r.fixed(PERCENT))?,
        }
        Ok(())
    })?;
    Ok(camera)
}
