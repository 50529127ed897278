//! apt, pointed at folders of its own, so that nothing of the machine's apt
//! changes and no root is needed. It checks the signatures of the index.
//!
//! In: the machine's mirrors. Out: the list of packages that the private copy
//! needs, and their files. Only the programs and the libraries they load are taken
//! (45 MB); the compiler of `PostgreSQL`'s JIT and the Perl of its wrappers are not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::interval;

use super::Progress;
use super::command::{failure, program, run, spawn_error};
use super::download::{Package, debs_folder};
use super::error::{LocalError, folder_error};
use super::mirror::{self, Mirror};

/// Debian 13: `PostgreSQL` 17, `TimescaleDB` 2.19 (Apache), Mosquitto 2.0.21.
const SUITE: &str = "trixie";

/// What is installed; their libraries follow from the package index.
const PACKAGES: &[&str] = &[
    "mosquitto",
    "mosquitto-clients",
    "patchelf",
    "postgresql-17-timescaledb",
    "postgresql-client-17",
];

/// apt, pointed at folders of its own.
pub(super) struct Apt {
    folder: PathBuf,
    configuration: PathBuf,
    architecture: String,
}

impl Apt {
    pub(super) async fn prepare(folder: &Path) -> Result<Self, LocalError> {
        let home = home_of(folder);
        for part in ["lists/partial", "cache/archives/partial"] {
            let path = home.join(part);
            std::fs::create_dir_all(&path).map_err(|source| folder_error(&path, source))?;
        }
        let debs = debs_folder(folder);
        std::fs::create_dir_all(&debs).map_err(|source| folder_error(&debs, source))?;
        let configuration = home.join("apt.conf");
        for (file, text) in
            [(home.join("status"), String::new()), (configuration.clone(), render(&home))]
        {
            std::fs::write(&file, text).map_err(|source| folder_error(&file, source))?;
        }
        let mut dpkg = program("dpkg");
        let architecture =
            run("ask dpkg for the architecture", folder, dpkg.arg("--print-architecture"));
        let architecture =
            architecture.await.map_err(|error| missing(error, "dpkg"))?.trim().to_owned();
        Ok(Self { folder: folder.to_path_buf(), configuration, architecture })
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = program("apt-get");
        command.arg("-c").arg(&self.configuration).args(arguments);
        command
    }

    /// Tries the machine's mirrors until one has everything; returns what to fetch.
    pub(super) async fn index(&self, progress: Progress<'_>) -> Result<Vec<Package>, LocalError> {
        let mirrors = mirror::mirrors(Path::new("/etc/apt"))?;
        let mut tried = Vec::new();
        for mirror in &mirrors {
            progress(&format!(
                "reading the package index of Debian {SUITE} from {}",
                mirror.shown()
            ));
            match self.index_of(mirror).await {
                Ok(packages) => return Ok(packages),
                Err(LocalError::Command { output, .. }) => {
                    tried.push(format!("{}: {output}", mirror.shown()));
                }
                Err(error) => return Err(missing(error, "apt-get")),
            }
        }
        if tried.is_empty() {
            tried.push("they name no Debian mirror".to_owned());
        }
        Err(LocalError::NoMirror { suite: SUITE, tried: tried.join("; ") })
    }

    async fn index_of(&self, mirror: &Mirror) -> Result<Vec<Package>, LocalError> {
        let file = home_of(&self.folder).join("mirror.sources");
        std::fs::write(&file, mirror::render(mirror, SUITE, &self.architecture))
            .map_err(|source| folder_error(&file, source))?;
        let mut update = self.command(&["-qq", "--error-on=any", "update"]);
        run("read the package index", &self.folder, &mut update).await?;
        let mut list = self.command(&["-qq", "-y", "--print-uris", "install"]);
        let uris = run("look up the packages", &self.folder, list.args(PACKAGES)).await?;
        Ok(uris.lines().filter_map(parse_uri).filter(|package| needed(&package.name)).collect())
    }

    /// Downloads the packages; once a second tells how far it is.
    pub(super) async fn fetch(
        &self,
        packages: &[Package],
        progress: Progress<'_>,
    ) -> Result<(), LocalError> {
        let bytes: u64 = packages.iter().map(|package| package.bytes).sum();
        progress(&format!("downloading {} packages, {}", packages.len(), megabytes(bytes)));
        let mut command = self.command(&["-q", "download"]);
        command
            .args(packages.iter().map(|package| &package.name))
            .current_dir(debs_folder(&self.folder));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| spawn_error(&command, source))?;
        let stdout = child.stdout.take();
        let steps = async {
            let Some(stdout) = stdout else { return };
            let mut lines = BufReader::new(stdout).lines();
            let (mut tick, mut told, mut current) = (interval(Duration::from_secs(1)), 0, "");
            // Both branches can be cancelled without loss: `next_line` keeps what it has read.
            loop {
                let line = tokio::select! {
                    line = lines.next_line() => Some(line),
                    _ = tick.tick() => None,
                };
                match line {
                    Some(Ok(Some(line))) => current = named_in(packages, &line).unwrap_or(current),
                    Some(_) => return,
                    None => {
                        let arrived =
                            packages.iter().map(|package| self.arrived_bytes(package)).sum();
                        if arrived > told {
                            told = arrived;
                            progress(&format!(
                                "{} of {} ({current})",
                                megabytes(arrived),
                                megabytes(bytes)
                            ));
                        }
                    }
                }
            }
        };
        let mut said = String::new();
        let errors = async {
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut said).await;
            }
        };
        tokio::join!(steps, errors);
        let status = child.wait().await.map_err(|source| spawn_error(&command, source))?;
        if status.success() {
            Ok(())
        } else {
            Err(failure("download the packages", &self.folder, status, &said))
        }
    }

    /// Bytes of the package that have arrived; apt writes into the final file.
    fn arrived_bytes(&self, package: &Package) -> u64 {
        std::fs::metadata(debs_folder(&self.folder).join(&package.file))
            .map_or(0, |metadata| metadata.len())
    }
}

/// A program that is not on the machine means: not Debian, or cut down too far.
fn missing(error: LocalError, name: &'static str) -> LocalError {
    match error {
        LocalError::Spawn { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            LocalError::NotDebian { missing: name }
        }
        other => other,
    }
}

/// The configuration that keeps apt inside the folder.
///
/// Hooks, pins and the default release of the machine are taken out: they are
/// about the machine's own suite. Proxies and credentials stay.
fn render(home: &Path) -> String {
    let home = home.display();
    format!(
        r#"#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
Dir::State::Lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::State::extended_states "{home}/extended_states";
Dir::Cache "{home}/cache";
Dir::Etc::SourceList "{home}/mirror.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
APT::Sandbox::User "root";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Acquire::Retries "3";
"#
    )
}

/// `'address' file size SHA256:digest`
fn parse_uri(line: &str) -> Option<Package> {
    let mut words = line.split_whitespace();
    let _address = words.next().filter(|word| word.starts_with('\''))?;
    let file = words.next()?.to_owned();
    let bytes = words.next()?.parse().ok()?;
    let sha256 = words.next()?.strip_prefix("SHA256:")?.to_owned();
    let name = file.split('_').next()?.to_owned();
    Some(Package { name, file, bytes, sha256 })
}

/// Programs and run-time libraries; not the JIT's compiler (35 MB), Perl, or data.
fn needed(name: &str) -> bool {
    let library = name.starts_with("lib") || name.starts_with("zlib1g");
    let left_out = name.starts_with("libllvm")
        || name.starts_with("libz3-")
        || name.starts_with("libperl")
        || ["-perl", "-common", "-bin", "-l10n"].iter().any(|end| name.ends_with(end));
    name == "postgresql-17" || PACKAGES.contains(&name) || (library && !left_out)
}

/// The package whose download a line begins: `Get:7 address suite/component architecture NAME …`.
fn named_in<'a>(packages: &'a [Package], line: &str) -> Option<&'a str> {
    let words = line.starts_with("Get:").then(|| line.split_whitespace().collect::<Vec<_>>())?;
    packages.iter().map(|package| package.name.as_str()).find(|name| words.contains(name))
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// Folder of apt's index and settings, which is only needed during a download.
pub(super) fn home_of(folder: &Path) -> PathBuf {
    folder.join("apt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_lines_become_packages() {
        let line = "'http://m.test/debian/pool/main/libc/libcap2_2.75_amd64.deb' libcap2_1%3a2.75_amd64.deb 28988 SHA256:ab12";
        let package = parse_uri(line).unwrap();
        assert_eq!((package.name.as_str(), package.bytes), ("libcap2", 28_988));
        assert_eq!(package.file, "libcap2_1%3a2.75_amd64.deb");
        assert!(parse_uri("W: some warning of apt").is_none());
        let packages = [package];
        let line = "Get:7 http://m.test trixie/main amd64 libcap2 amd64 1:2.75 [29.0 kB]";
        assert_eq!(named_in(&packages, line), Some("libcap2"));
        assert_eq!(named_in(&packages, "Fetched libcap2"), None);
    }

    #[test]
    fn jit_and_perl_are_left_out() {
        assert!(
            ["libpq5", "zlib1g", "postgresql-17", "mosquitto", "libicu76"]
                .iter()
                .all(|name| needed(name))
        );
        assert!(
            !["libllvm19", "libz3-4", "libperl5.40", "libjson-perl", "perl", "locales"]
                .iter()
                .any(|name| needed(name))
        );
    }

    #[test]
    fn sizes_are_in_megabytes() {
        assert_eq!(megabytes(16_678_028), "16.6 MB");
        assert_eq!(megabytes(72_772), "0.0 MB");
    }
}
