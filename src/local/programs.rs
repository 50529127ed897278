//! Decides which programs serve: those of the machine when they fit, else the
//! private copy, which is downloaded once. Out: paths that start.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::command::{failure, program, run, spawn_error};
use super::error::{LocalError, folder_error};
use super::place::Place;
use super::unpack::Tree;
use super::{LocalSettings, Prefer, Progress, download};

/// Oldest `PostgreSQL` that the hub's statements run on.
const POSTGRES_MIN: u32 = 15;

/// Oldest Mosquitto that keeps its window of unacknowledged messages.
const MOSQUITTO_MIN: [u32; 3] = [2, 0, 13];

/// How long a process waits for another one that is downloading, s.
const FETCH_WAIT_S: u64 = 900;

/// Where the programs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Installed on the machine.
    Machine,
    /// Fetched by the hub.
    Private,
}

/// The programs that serve as broker and database.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Folder of `postgres`, `initdb` and `psql`.
    pub postgres_bin: PathBuf,
    /// Major version of `PostgreSQL`.
    pub postgres_major: u32,
    /// Where `PostgreSQL` comes from.
    pub postgres_origin: Origin,
    /// The Mosquitto broker.
    pub mosquitto: PathBuf,
    /// Where Mosquitto comes from.
    pub mosquitto_origin: Origin,
    /// Folder of `mosquitto_pub` and `mosquitto_sub`, when they came with the private copy.
    pub clients: Option<PathBuf>,
}

/// Finds the programs, downloading the private copy where nothing on the machine fits.
///
/// Run again it takes a fraction of a second; a download or an unpacked copy that
/// is not whole is repaired. Two processes at once: the second waits for the first.
///
/// # Errors
/// Every cause with what to do about it; see [`LocalError`].
pub async fn fetch(
    settings: &LocalSettings,
    progress: Progress<'_>,
) -> Result<Programs, LocalError> {
    let place = Place::of(settings, progress)?;
    let data_major = data_major(&place.data);
    let (mut postgres, mut mosquitto) = (None, None);
    if settings.prefer == Prefer::Machine {
        postgres = machine_postgres(data_major).await;
        mosquitto = machine_mosquitto().await;
    }
    let tree = match (&postgres, &mosquitto) {
        (Some(_), Some(_)) => None,
        _ => Some(private_copy(&place.programs, progress).await?),
    };
    let private = |path: fn(&Tree) -> PathBuf| tree.as_ref().map(path).unwrap_or_default();
    let postgres_origin = if postgres.is_some() { Origin::Machine } else { Origin::Private };
    let mosquitto_origin = if mosquitto.is_some() { Origin::Machine } else { Origin::Private };
    let (postgres_major, postgres_bin) =
        postgres.unwrap_or_else(|| (17, private(Tree::postgres_bin)));
    if let Some(found) = data_major.filter(|found| *found != postgres_major) {
        return Err(LocalError::DataVersion {
            folder: place.data.join("postgres"),
            found,
            programs: postgres_major,
        });
    }
    Ok(Programs {
        postgres_bin,
        postgres_major,
        postgres_origin,
        mosquitto: mosquitto.unwrap_or_else(|| private(Tree::mosquitto)),
        mosquitto_origin,
        clients: tree.as_ref().map(Tree::clients),
    })
}

/// The version that a Mosquitto program prints, as numbers.
pub(super) async fn mosquitto_version(path: &Path) -> Result<[u32; 3], LocalError> {
    // `mosquitto -h` ends with status 3, so the text decides.
    let mut command = program(path);
    let output =
        command.arg("-h").output().await.map_err(|source| spawn_error(&command, source))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = format!("{text}{}", String::from_utf8_lossy(&output.stderr));
    let version = parse_mosquitto_version(&text);
    version.ok_or_else(|| failure("ask mosquitto for its version", path, output.status, &said))
}

/// The private copy: as it is, unpacked again from kept packages, or downloaded.
async fn private_copy(folder: &Path, progress: Progress<'_>) -> Result<Tree, LocalError> {
    std::fs::create_dir_all(folder).map_err(|source| folder_error(folder, source))?;
    let _lock = fetch_lock(folder, progress).await?;
    if let Some(tree) = Tree::open(folder).await {
        return Ok(tree);
    }
    let packages = match download::kept(folder).await {
        Some(packages) => packages,
        None => download::download(folder, progress).await?,
    };
    let tree = Tree::make(folder, &packages, progress).await?;
    progress("the private broker and database are ready to start");
    Ok(tree)
}

/// Holds the lock on the folder of the private copy; it ends with the file or the process.
async fn fetch_lock(folder: &Path, progress: Progress<'_>) -> Result<File, LocalError> {
    let file = folder.join("lock");
    let lock = File::create(&file).map_err(|source| folder_error(&file, source))?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(source)) => return Err(folder_error(&file, source)),
        }
        let waited_s = begun.elapsed().as_secs();
        if waited_s >= FETCH_WAIT_S {
            return Err(LocalError::FetchLocked {
                folder: folder.to_path_buf(),
                seconds: waited_s,
            });
        }
        progress(&format!(
            "waiting for another process that is fetching the programs ({waited_s} s)"
        ));
        sleep(Duration::from_secs(1)).await;
    }
}

/// The newest `PostgreSQL` of the machine that has the extension and fits the data.
async fn machine_postgres(data_major: Option<u32>) -> Option<(u32, PathBuf)> {
    let mut found = Vec::new();
    for parent in ["/usr/lib/postgresql", "/usr/local/pgsql", "/usr"] {
        let versions = std::fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
        for bin in versions
            .map(|entry| entry.path().join("bin"))
            .filter(|bin| bin.join("initdb").is_file())
        {
            let mut command = program(bin.join("postgres"));
            let version = run("ask postgres for its version", &bin, command.arg("--version")).await;
            let major = version.ok().and_then(|text| parse_postgres_major(&text));
            found.extend(
                major.filter(|major| has_timescaledb(&bin, *major)).map(|major| (major, bin)),
            );
        }
    }
    found.retain(|(major, _)| {
        *major >= POSTGRES_MIN && data_major.is_none_or(|data| data == *major)
    });
    found.into_iter().max()
}

async fn machine_mosquitto() -> Option<PathBuf> {
    for folder in ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"] {
        let path = Path::new(folder).join("mosquitto");
        if path.is_file()
            && mosquitto_version(&path).await.is_ok_and(|version| version >= MOSQUITTO_MIN)
        {
            return Some(path);
        }
    }
    None
}

/// Whether the extension is installed for the server in this folder (layouts of Debian and of the makers).
fn has_timescaledb(bin: &Path, major: u32) -> bool {
    let control = "extension/timescaledb.control";
    bin.join("../share").join(control).is_file()
        || Path::new(&format!("/usr/share/postgresql/{major}")).join(control).is_file()
}

/// Major version that wrote the database in the data folder; none before the first start.
fn data_major(data: &Path) -> Option<u32> {
    std::fs::read_to_string(data.join("postgres/PG_VERSION")).ok()?.trim().parse().ok()
}

/// `postgres (PostgreSQL) 17.11 (Debian …)`
fn parse_postgres_major(text: &str) -> Option<u32> {
    let version =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// `mosquitto version 2.0.21`
fn parse_mosquitto_version(text: &str) -> Option<[u32; 3]> {
    let version = text.lines().find_map(|line| line.strip_prefix("mosquitto version "))?;
    let mut numbers = version.trim().split('.').map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        assert_eq!(parse_postgres_major("postgres (PostgreSQL) 17.11 (Debian 17.11-0)"), Some(17));
        assert_eq!(parse_postgres_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_mosquitto_version("mosquitto version 2.0.11\n\nUsage"), Some([2, 0, 11]));
        assert_eq!(parse_mosquitto_version("command not found"), None);
        assert!([2, 0, 11] < MOSQUITTO_MIN && MOSQUITTO_MIN <= [2, 1, 0]);
    }
}
