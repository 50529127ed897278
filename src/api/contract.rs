//! Stored JSON (fixed point, milliseconds) in the field names and units of the MQTT contract.

use serde_json::{Map, Number, Value};

/// Stored key, key of the contract, and what the stored number is divided by.
const KEYS: [(&str, &str, f64); 15] = [
    ("mains_e1_v", "mains_v", 10.0),
    ("mains_e1_hz", "mains_hz", 10.0),
    ("temperature_e1_c", "temperature_c", 10.0),
    ("loss_e4", "loss_pct", 100.0),
    ("fps_e1", "fps", 10.0),
    ("fps_nominal_e1", "fps_nominal", 10.0),
    ("dark_e4", "dark", 1e4),
    ("blur_e4", "blur", 1e4),
    ("confidence_e4", "confidence", 1e4),
    ("freeze_ms", "freeze_s", 1e3),
    ("min_end_ms", "min_end_s", 1e3),
    ("max_end_ms", "max_end_s", 1e3),
    ("likely_end_ms", "likely_end_s", 1e3),
    ("cycle_ms", "cycle_s", 1e3),
    ("offset_ms", "offset_s", 1e3),
];

/// Renames and scales at every depth.
pub(super) fn in_contract_names(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(key, value)| field(key, value)).collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(in_contract_names).collect()),
        other => other,
    }
}

fn field(key: String, value: Value) -> (String, Value) {
    let Some((_, name, divisor)) = KEYS.iter().find(|(stored, _, _)| *stored == key) else {
        return (key, in_contract_names(value));
    };
    let scaled = value.as_f64().and_then(|number| Number::from_f64(number / divisor));
    ((*name).to_owned(), scaled.map_or(Value::Null, Value::Number))
}

#[cfg(test)]
mod tests {
    use ioc_ingest::health::{Camera, Health, Network};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_health_report_reads_like_the_message() {
        let report = Health {
            mains_e1_v: Some(2214),
            temperature_e1_c: Some(-35),
            network: Some(Network { rtt_ms: Some(14), loss_e4: Some(125), rssi_dbm: None }),
            ..Health::default()
        };
        let told = in_contract_names(serde_json::to_value(report).unwrap());
        assert_eq!(told["mains_v"], 221.4);
        assert_eq!(told["temperature_c"], -3.5);
        assert_eq!(told["network"]["loss_pct"], 1.25);
        assert_eq!(told["network"]["rtt_ms"], 14);
    }

    #[test]
    fn no_fixed_point_name_of_a_report_is_forgotten() {
        let camera = json!({
            "reachable": true, "why": null, "stream": null, "fps_e1": 1, "fps_nominal_e1": 1,
            "kbps": null, "last_frame": null, "freeze_ms": 1, "dark_e4": 1, "blur_e4": 1,
            "moved": null, "preset": null, "recording": null, "disk_pct": null
        });
        let camera: Camera = serde_json::from_value(camera).unwrap();
        let report = Health { camera: Some(camera), ..Health::default() };
        let stored =
            serde_json::to_string(&in_contract_names(serde_json::to_value(report).unwrap()));
        let stored = stored.unwrap();
        for left in ["_e1", "_e4", "freeze_ms"] {
            assert!(!stored.contains(left), "{left} in {stored}");
        }
    }
}
