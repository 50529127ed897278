//! What a city folder holds, noun by noun, with the statements that read and change it.
//!
//! `select` gives the key as text and the row as JSON. The others take the row as their one parameter
//! `$1`, a JSON object with the columns of the table and `now`, the hub clock.

/// One noun of a city folder.
#[derive(Debug)]
pub(super) struct Noun {
    /// Its name in messages.
    pub(super) name: &'static str,
    /// What the journal calls adding, changing and removing one.
    pub(super) actions: [&'static str; 3],
    pub(super) select: &'static str,
    pub(super) insert: &'static str,
    pub(super) update: &'static str,
    /// Empty where rows that only the registry has are right.
    pub(super) remove: &'static str,
}

/// Name of the devices.
pub(super) const DEVICE: &str = "device";

/// Every noun; each refers only to those before it.
pub(super) const NOUNS: &[Noun] =
    &[CITY, UNIT, SUCCESSION, MAP_FEATURE, METRIC, CATEGORY, FORMALITY, SERVICE, DEVICES, DETECTOR];

const CITY: Noun = Noun {
    name: "city",
    actions: ["add_city", "change_city", "remove_city"],
    select: "select token, settings from city",
    // Only the seed registers a city.
    insert: "update city set settings = settings where $1::jsonb is null",
    update: "update city set settings = $1::jsonb - 'now'",
    remove: "",
};

const UNIT: Noun = Noun {
    name: "unit",
    actions: ["add_unit", "change_unit", "remove_unit"],
    select: "select code || ' from ' || valid_from, to_jsonb(u) from administrative_unit u",
    insert: "insert into administrative_unit \
               (code, valid_from, valid_to, kind, name_vi, name_en, parent, source) \
             select code, valid_from, valid_to, kind, name_vi, name_en, parent, source \
             from jsonb_populate_record(null::administrative_unit, $1)",
    update: "update administrative_unit u \
             set valid_to = r.valid_to, kind = r.kind, name_vi = r.name_vi, name_en = r.name_en, \
                 parent = r.parent, source = r.source \
             from jsonb_populate_record(null::administrative_unit, $1) r \
             where u.code = r.code and u.valid_from = r.valid_from",
    remove: "delete from administrative_unit u \
             using jsonb_populate_record(null::administrative_unit, $1) r \
             where u.code = r.code and u.valid_from = r.valid_from",
};

const SUCCESSION: Noun = Noun {
    name: "succession",
    actions: ["add_succession", "change_succession", "remove_succession"],
    select: "select from_code || ' from ' || from_valid_from || ' to ' || to_code || ' from ' \
                    || to_valid_from, to_jsonb(s) from unit_succession s",
    insert: "insert into unit_succession \
               (from_code, from_valid_from, to_code, to_valid_from, whole, source) \
             select from_code, from_valid_from, to_code, to_valid_from, whole, source \
             from jsonb_populate_record(null::unit_succession, $1)",
    update: "update unit_succession s set whole = r.whole, source = r.source \
             from jsonb_populate_record(null::unit_succession, $1) r \
             where s.from_code = r.from_code and s.from_valid_from = r.from_valid_from \
               and s.to_code = r.to_code and s.to_valid_from = r.to_valid_from",
    remove: "delete from unit_succession s \
             using jsonb_populate_record(null::unit_succession, $1) r \
             where s.from_code = r.from_code and s.from_valid_from = r.from_valid_from \
               and s.to_code = r.to_code and s.to_valid_from = r.to_valid_from",
};

const MAP_FEATURE: Noun = Noun {
    name: "map feature",
    actions: ["add_map_feature", "change_map_feature", "remove_map_feature"],
    select: "select kind || ' ' || id, to_jsonb(m) from map_feature m",
    insert: "insert into map_feature (kind, id, name_vi, name_en, properties, geometry) \
             select kind, id, name_vi, name_en, properties, geometry \
             from jsonb_populate_record(null::map_feature, $1)",
    update: "update map_feature m \
             set name_vi = r.name_vi, name_en = r.name_en, properties = r.properties, \
                 geometry = r.geometry \
             from jsonb_populate_record(null::map_feature, $1) r \
             where m.kind = r.kind and m.id = r.id",
    remove: "delete from map_feature m using jsonb_populate_record(null::map_feature, $1) r \
             where m.kind = r.kind and m.id = r.id",
};

const METRIC: Noun = Noun {
    name: "metric",
    actions: ["add_metric", "change_metric", "remove_metric"],
    select: "select name, to_jsonb(m) from metric_definition m",
    insert: "insert into metric_definition \
               (name, name_vi, name_en, unit_of_measure, minimum, maximum, source) \
             select name, name_vi, name_en, unit_of_measure, minimum, maximum, source \
             from jsonb_populate_record(null::metric_definition, $1)",
    update: "update metric_definition m \
             set name_vi = r.name_vi, name_en = r.name_en, unit_of_measure = r.unit_of_measure, \
                 minimum = r.minimum, maximum = r.maximum, source = r.source \
             from jsonb_populate_record(null::metric_definition, $1) r where m.name = r.name",
    remove: "delete from metric_definition where name = $1::jsonb->>'name'",
};

const CATEGORY: Noun = Noun {
    name: "category",
    actions: ["add_category", "change_category", "remove_category"],
    select: "select id, to_jsonb(c) from ticket_category c",
    insert: "insert into ticket_category (id, name_vi, name_en, public_space) \
             select id, name_vi, name_en, public_space \
             from jsonb_populate_record(null::ticket_category, $1)",
    update: "update ticket_category c \
             set name_vi = r.name_vi, name_en = r.name_en, public_space = r.public_space \
             from jsonb_populate_record(null::ticket_category, $1) r where c.id = r.id",
    remove: "delete from ticket_category where id = $1::jsonb->>'id'",
};

const FORMALITY: Noun = Noun {
    name: "formality",
    actions: ["add_formality", "change_formality", "remove_formality"],
    select: "select code || ' from ' || valid_from, to_jsonb(f) from formality f",
    insert: INSERT_FORMALITY,
    update: "update formality f \
             set valid_to = r.valid_to, name_vi = r.name_vi, name_en = r.name_en, field = r.field, \
                 level = r.level, unit = r.unit, announced_on = r.announced_on, effective_on = r.effective_on, \
                 published_on = r.published_on, complete_parts = r.complete_parts, \
                 eligible_full = r.eligible_full, online_level = r.online_level, \
                 has_fee = r.has_fee, npsp_linked = r.npsp_linked, \
                 requires_paper_result = r.requires_paper_result, audience = r.audience, \
                 limit_value = r.limit_value, limit_unit = r.limit_unit, sector = r.sector, \
                 source = r.source, mark = r.mark \
             from jsonb_populate_record(null::formality, $1) r \
             where f.code = r.code and f.valid_from = r.valid_from",
    // What was imported stays.
    remove: "",
};

/// Takes one row or a list of rows.
pub(in crate::store) const INSERT_FORMALITY: &str = "insert into formality \
       (code, valid_from, valid_to, name_vi, name_en, field, level, unit, announced_on, effective_on, \
        published_on, complete_parts, eligible_full, online_level, has_fee, npsp_linked, \
        requires_paper_result, audience, limit_value, limit_unit, sector, source, mark) \
     select code, valid_from, valid_to, name_vi, name_en, field, level, unit, announced_on, effective_on, \
        published_on, complete_parts, eligible_full, online_level, has_fee, npsp_linked, \
        requires_paper_result, audience, limit_value, limit_unit, sector, source, mark \
     from jsonb_populate_recordset(null::formality, \
          case jsonb_typeof($1::jsonb) when 'array' then $1 else jsonb_build_array($1) end)";

const SERVICE: Noun = Noun {
    name: "online service",
    actions: ["add_online_service", "change_online_service", "remove_online_service"],
    select: "select code || ' from ' || valid_from, to_jsonb(s) from online_service s",
    insert: INSERT_SERVICE,
    update: "update online_service s \
             set valid_to = r.valid_to, formality = r.formality, name_vi = r.name_vi, \
                 name_en = r.name_en, state = r.state, npsp_linked = r.npsp_linked, \
                 source = r.source, mark = r.mark \
             from jsonb_populate_record(null::online_service, $1) r \
             where s.code = r.code and s.valid_from = r.valid_from",
    remove: "",
};

/// Takes one row or a list of rows.
pub(in crate::store) const INSERT_SERVICE: &str = "insert into online_service \
       (code, valid_from, valid_to, formality, name_vi, name_en, state, npsp_linked, source, mark) \
     select code, valid_from, valid_to, formality, name_vi, name_en, state, npsp_linked, source, mark \
     from jsonb_populate_recordset(null::online_service, \
          case jsonb_typeof($1::jsonb) when 'array' then $1 else jsonb_build_array($1) end)";

const DEVICES: Noun = Noun {
    name: DEVICE,
    actions: ["add_device", "change_device", "retire_device"],
    select: "select source, to_jsonb(d) - 'id' - 'registered_at' - 'retired_at' \
                    || jsonb_build_object('retired', retired_at is not null) from device d",
    insert: "insert into device (source, service, name_vi, name_en, lon, lat, area, corridor, \
                                 parent, period_ms, simulated, registered_at) \
             select source, service, name_vi, name_en, lon, lat, area, corridor, parent, period_ms, \
                    simulated, ($1::jsonb->>'now')::timestamptz \
             from jsonb_populate_record(null::device, $1)",
    update: "update device d \
             set service = r.service, name_vi = r.name_vi, name_en = r.name_en, lon = r.lon, \
                 lat = r.lat, area = r.area, corridor = r.corridor, parent = r.parent, \
                 period_ms = r.period_ms, simulated = r.simulated, retired_at = null \
             from jsonb_populate_record(null::device, $1) r where d.source = r.source",
    remove: "update device set retired_at = ($1::jsonb->>'now')::timestamptz where source = $1::jsonb->>'source'",
};

const DETECTOR: Noun = Noun {
    name: "detector",
    actions: ["add_detector", "change_detector", "remove_detector"],
    select: "select d.source || ' ' || t.place, \
                    to_jsonb(t) - 'id' - 'device_id' || jsonb_build_object('source', d.source) \
             from detector t join device d on d.id = t.device_id",
    insert: "insert into detector \
               (device_id, place, name_vi, name_en, direction, lane_class, free_flow_kmh) \
             select d.id, r.place, r.name_vi, r.name_en, r.direction, r.lane_class, r.free_flow_kmh \
             from jsonb_populate_record(null::detector, $1) r \
             join device d on d.source = $1::jsonb->>'source'",
    update: "update detector t \
             set name_vi = r.name_vi, name_en = r.name_en, direction = r.direction, \
                 lane_class = r.lane_class, free_flow_kmh = r.free_flow_kmh \
             from jsonb_populate_record(null::detector, $1) r \
             join device d on d.source = $1::jsonb->>'source' \
             where t.device_id = d.id and t.place = r.place",
    remove: "",
};
