//! Imports of tables: a dry run reads and reports; otherwise what can be stored is stored.

use std::sync::Arc;

use axum::{
    Json,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use ioc_ingest::Source;
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    import::{self, Ask, ImportError, Kind, Report, Stored, Storing, Upload},
    indicator::period::Period,
    store::import::RunRow,
};

/// Largest file: about 200 000 dossiers. Larger ones go in by the command line, or in parts.
const FILE_MAX_BYTES: usize = 32 * 1024 * 1024;

/// What is imported, and how.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// dossier, ticket, ii06a, official766 or formality.
    #[param(value_type = String)]
    kind: Kind,
    /// Only read and report. Default false.
    #[param(value_type = Option<bool>)]
    dry_run: bool,
    /// Period of a table that has no column for it: 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// Unit of a form II.06a whose rows are fields.
    unit: Option<String>,
    /// Registered source that the facts are of; without it, one that imports have of their own.
    #[param(value_type = Option<String>)]
    source: Option<Source>,
}

impl FromParams for ImportQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let word = params.text("kind")?.unwrap_or_default();
        let kind = Kind::parse(&word).ok_or_else(|| {
            let all = Kind::ALL.map(Kind::as_str).join(", ");
            Problem::invalid("kind", format!("{word:?}, allowed is {all}"))
        })?;
        let dry_run = params.flag("dry_run")?.unwrap_or(false);
        let period = params.text("period")?.map(|text| text.parse::<Period>()).transpose();
        let period = period.map_err(|error| Problem::invalid("period", error.to_string()))?;
        let unit = params.text("unit")?;
        let source = params.text("source")?.map(|text| Source::parse(&text)).transpose();
        let source = source.map_err(|error| Problem::invalid("source", error.to_string()))?;
        Ok(Self { kind, dry_run, period, unit, source })
    }
}

/// An import with what it did so far.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ImportRun {
    /// Number in order.
    #[ts(type = "number")]
    id: i64,
    /// dossier, ticket, ii06a, official766 or formality.
    kind: String,
    /// Who imported it.
    who: String,
    /// SHA-256 of the file.
    sha256: String,
    /// Hub clock.
    started_at: DateTime<Utc>,
    /// Hub clock; null while it runs, or when it was cut off.
    finished_at: Option<DateTime<Utc>>,
    /// Facts or rows of the file that can be stored.
    #[ts(type = "number")]
    storable: i64,
    /// Of them handled so far.
    #[ts(type = "number")]
    done: i64,
    /// What became of them.
    stored: Stored,
    /// Rows of the file with a problem.
    #[ts(type = "number")]
    rows_bad: i64,
}

impl From<RunRow> for ImportRun {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            who: row.who,
            sha256: row.sha256,
            started_at: row.started_at,
            finished_at: row.finished_at,
            storable: row.storable,
            done: row.done,
            stored: row.stored,
            rows_bad: row.rows_bad,
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Writer(error) => error.into(),
        }
    }
}

/// Import a CSV table: dossiers, tickets, form II.06a, official points of Decision 766, formalities. The
/// report names every bad cell. Rows without a problem are stored; the same file twice changes nothing.
#[utoipa::path(post, operation_id = "import_table", path = "/api/v1/imports", tag = "data health", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", description = "The table, at most 32 MiB, in UTF-8, UTF-16 with mark or Windows-1258"),
    responses(
    (status = 200, description = "What was found, and what was stored", body = Report),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an administrator", body = Problem),
    (status = 409, description = "The source is not registered for this kind", body = Problem),
    (status = 413, description = "The file is too large", body = Problem),
    (status = 415, description = "The body is no text/csv", body = Problem),
    (status = 503, description = "The database is away; import the same file again", body = Problem)))]
pub(super) async fn run(
    State(app): State<Arc<App>>,
    caller: Caller,
    Asked(query): Asked<ImportQuery>,
    request: Request,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let media_type = request.headers().get("content-type").and_then(|text| text.to_str().ok());
    if !media_type.is_some_and(|text| text.starts_with("text/csv")) {
        let detail = "send the table with `content-type: text/csv`";
        return Err(Problem::body(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, detail));
    }
    let bytes = to_bytes(request.into_body(), FILE_MAX_BYTES).await.map_err(|_too_large| {
        let detail = "the file is larger than 32 MiB: import it in parts, or at the terminal";
        Problem::body(StatusCode::PAYLOAD_TOO_LARGE, None, detail)
    })?;
    let upload = Arc::new(upload(&app, &query, bytes).await?);
    let (mut report, content) = read(&upload).await?;
    if !query.dry_run && !report.is_refused {
        let storing = Storing {
            store: &app.store,
            writer: Some(&app.writer),
            clock: &app.clock,
            who: &caller.0.user,
            source: query.source,
            progress: None,
        };
        import::store(&storing, &upload, content, &mut report).await?;
    }
    Ok(Json(report).into_response())
}

async fn upload(
    app: &Arc<App>,
    query: &ImportQuery,
    bytes: axum::body::Bytes,
) -> Result<Upload, Problem> {
    let units = app.store.unit_trees().await?;
    let today = app.clock.now().with_timezone(&app.settings.zone).date_naive();
    if let Some(unit) = &query.unit
        && units
            .tree_at(query.period.map_or(today, |period| period.last_day().min(today)))
            .unit(unit)
            .is_none()
    {
        return Err(Problem::invalid("unit", format!("{unit:?} is no unit of that period")));
    }
    Ok(Upload {
        kind: query.kind,
        bytes,
        ask: Ask { period: query.period, unit: query.unit.clone() },
        words: Arc::clone(&app.settings.words),
        units,
        categories: app.store.category_names().await?,
        personal_keys: app.settings.personal_keys.clone(),
        zone: app.settings.zone,
        today,
    })
}

/// A large table takes seconds: it is not read on a thread that answers others.
async fn read(upload: &Arc<Upload>) -> Result<(Report, import::Content), Problem> {
    let upload = Arc::clone(upload);
    let reading = tokio::task::spawn_blocking(move || upload.read(&|_rows| {}));
    reading.await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a table was not read");
        Problem::internal()
    })
}

/// Imports with how far they are, newest first. Dry runs are not kept.
#[utoipa::path(get, operation_id = "list_imports", path = "/api/v1/imports", tag = "data health", params(ShortPages<i64>), responses(
    (status = 200, description = "A page of imports", body = Page<ImportRun>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an administrator", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(paging): Asked<ShortPages<i64>>,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let rows = app.store.imports(paging.after, paging.limit.rows()).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, ImportRun::from))
}
