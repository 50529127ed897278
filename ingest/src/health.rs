//! `*/health` and `*/status`: equipment health, connection and last will.
//!
//! Every key of a health message is optional. Natural key of health: (source, time). A status has no
//! envelope: its time is the receive time, and an offline of an older boot says nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::word::words;

/// `{"v":1,"online":true,"boot":4}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Connected, or gone (sent by the broker as last will).
    pub online: bool,
    /// Restart counter of the source.
    pub boot: u32,
}

/// Where the equipment gets its power from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Mains.
    Line,
    /// Battery.
    Battery,
    /// Bypass of the uninterruptible supply.
    Bypass,
    /// None.
    Off,
}

words!(Power {
    Line = "line",
    Battery = "battery",
    Bypass = "bypass",
    Off = "off",
});

/// Equipment health. Percentages are whole or in 1e-4 shares as named; null is "not reported".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Seconds since the restart.
    pub uptime_s: Option<u64>,
    /// Firmware version, at most 64 characters.
    pub firmware: Option<Box<str>>,
    /// SHA-256 of the configuration, at most 64 characters.
    pub config_sha256: Option<Box<str>>,
    /// Power source.
    pub power: Option<Power>,
    /// Mains voltage in 0.1 V.
    pub mains_e1_v: Option<u16>,
    /// Mains frequency in 0.1 Hz.
    pub mains_e1_hz: Option<u16>,
    /// Battery charge in percent, 0..=100.
    pub battery_pct: Option<u8>,
    /// Battery time left in minutes.
    pub battery_min: Option<u32>,
    /// Temperature inside in 0.1 degrees Celsius.
    pub temperature_e1_c: Option<i16>,
    /// Relative humidity in percent, 0..=100.
    pub humidity_pct: Option<u8>,
    /// Cabinet door open.
    pub door_open: Option<bool>,
    /// Police panel open.
    pub police_panel_open: Option<bool>,
    /// A technician is logged in.
    pub technician: Option<bool>,
    /// Fault of the malfunction management unit: `none` or a token.
    pub monitor_fault: Option<Box<str>>,
    /// NTCIP 1202 unitAlarmStatus1.
    pub unit_alarm_1: Option<u8>,
    /// NTCIP 1202 unitAlarmStatus2.
    pub unit_alarm_2: Option<u8>,
    /// NTCIP 1202 shortAlarmStatus.
    pub short_alarm: Option<u8>,
    /// Lamps with a fault.
    pub lamps: Option<Vec<Lamp>>,
    /// States of the detector channels.
    pub detectors: Option<Vec<DetectorChannel>>,
    /// Network quality.
    pub network: Option<Network>,
    /// Camera health.
    pub camera: Option<Camera>,
}

/// A lamp with a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lamp {
    /// Signal group.
    pub group: u8,
    /// Colour: red, yellow, green (a token).
    pub colour: Box<str>,
    /// Severity.
    pub fault: LampFault,
}

/// Severity of a lamp fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LampFault {
    /// No fault.
    None,
    /// Part of the lamp.
    Minor,
    /// The lamp.
    Major,
}

words!(LampFault {
    None = "none",
    Minor = "minor",
    Major = "major",
});

/// State of one detector channel of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorChannel {
    /// Channel number.
    pub channel: u16,
    /// State.
    pub state: DetectorState,
}

/// State that a controller or station reports of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorState {
    /// Works.
    Ok,
    /// No activity.
    NoActivity,
    /// Occupied for too long.
    MaxPresence,
    /// Erratic.
    Erratic,
    /// Open loop.
    Open,
    /// Shorted loop.
    Shorted,
    /// Excessive change of inductance.
    ExcessChange,
    /// Watchdog.
    Watchdog,
    /// Communication.
    Communication,
    /// Stuck on.
    StuckOn,
    /// Configuration.
    Configuration,
}

words!(DetectorState {
    Ok = "ok",
    NoActivity = "no_activity",
    MaxPresence = "max_presence",
    Erratic = "erratic",
    Open = "open",
    Shorted = "shorted",
    ExcessChange = "excess_change",
    Watchdog = "watchdog",
    Communication = "communication",
    StuckOn = "stuck_on",
    Configuration = "configuration",
});

/// Network quality as the device sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Round-trip time in milliseconds.
    pub rtt_ms: Option<u32>,
    /// Packet loss as share in 1e-4 (the message carries percent).
    pub loss_e4: Option<u16>,
    /// Signal strength in dBm.
    pub rssi_dbm: Option<i16>,
}

/// Why a camera is not reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraWhy {
    /// Does not answer a ping.
    Ping,
    /// Refuses the connection.
    Tcp,
    /// Refuses the password.
    Auth,
    /// Answers no RTSP.
    Rtsp,
    /// Sends no stream.
    Nostream,
    /// Sends what cannot be decoded.
    Decode,
}

words!(CameraWhy {
    Ping = "ping",
    Tcp = "tcp",
    Auth = "auth",
    Rtsp = "rtsp",
    Nostream = "nostream",
    Decode = "decode",
});

/// Health of a camera.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Camera {
    /// Whether it answers.
    pub reachable: Option<bool>,
    /// Why not.
    pub why: Option<CameraWhy>,
    /// State of the stream, a token (`ok` when it plays).
    pub stream: Option<Box<str>>,
    /// Frames per second, in 0.1.
    pub fps_e1: Option<u16>,
    /// Nominal frames per second, in 0.1.
    pub fps_nominal_e1: Option<u16>,
    /// Bit rate in kbit/s.
    pub kbps: Option<u32>,
    /// Time of the last frame.
    pub last_frame: Option<DateTime<Utc>>,
    /// For how long the picture has not changed, milliseconds.
    pub freeze_ms: Option<u64>,
    /// Share of dark picture, in 1e-4.
    pub dark_e4: Option<u16>,
    /// Share of blur, in 1e-4.
    pub blur_e4: Option<u16>,
    /// The camera was moved.
    pub moved: Option<bool>,
    /// Preset that it stands at.
    pub preset: Option<i16>,
    /// Whether it is recorded.
    pub recording: Option<bool>,
    /// Recorder disk in percent, 0..=100.
    pub disk_pct: Option<u8>,
}
