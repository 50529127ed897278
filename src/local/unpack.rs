//! Unpacks the downloaded packages into one tree that runs where it lies: every
//! program gets the tree's own loader and library folder, so that the libraries
//! of the machine, older or newer, play no part.
//!
//! A tree counts only with its stamp, which is written last; everything before
//! happens in a folder beside it. The loader's path is absolute, so a tree that
//! was moved has the wrong stamp and is made anew.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Progress;
use super::command::{program, run};
use super::download::{Package, debs_folder};
use super::error::{LocalError, folder_error};

/// Changes when the way of unpacking changes, so that old trees are made anew.
const FORMAT: u32 = 1;

/// Parts of the packages that no server reads.
const PRUNED: &[&str] = &[
    "etc",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/icons",
    "usr/lib/postgresql/17/lib/bitcode",
    "usr/lib/postgresql/17/lib/pgxs",
    "usr/lib/postgresql/17/lib/llvmjit.so",
    "usr/lib/postgresql/17/lib/llvmjit_types.bc",
];

/// The unpacked tree.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    root: PathBuf,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    format: u32,
    root: PathBuf,
    packages: Vec<String>,
}

impl Tree {
    /// Folder of `postgres`, `initdb`, `psql`.
    pub(super) fn postgres_bin(&self) -> PathBuf {
        self.root.join("usr/lib/postgresql/17/bin")
    }

    /// The broker.
    pub(super) fn mosquitto(&self) -> PathBuf {
        self.root.join("usr/sbin/mosquitto")
    }

    /// Folder of `mosquitto_pub` and `mosquitto_sub`.
    pub(super) fn clients(&self) -> PathBuf {
        self.root.join("usr/bin")
    }

    /// The tree below the folder when its stamp is right and its programs run.
    pub(super) async fn open(folder: &Path) -> Option<Self> {
        let tree = Self { root: root_of(folder) };
        let text = std::fs::read_to_string(stamp_file(&tree.root)).ok()?;
        let stamp: Stamp = serde_json::from_str(&text).ok()?;
        if stamp.format != FORMAT || stamp.root != tree.root {
            return None;
        }
        tree.runs().await.is_ok().then_some(tree)
    }

    /// Unpacks, patches, checks, moves into place and stamps.
    ///
    /// # Errors
    /// A full disk, a package that does not unpack, a library that is missing.
    pub(super) async fn make(
        folder: &Path,
        packages: &[Package],
        progress: Progress<'_>,
    ) -> Result<Self, LocalError> {
        let tree = Self { root: root_of(folder) };
        let fresh = Self { root: folder.join("new") };
        remove(&fresh.root)?;
        create_shared(folder)?;
        create_shared(&fresh.root)?;
        progress(&format!("unpacking {} packages", packages.len()));
        for package in packages {
            let mut command = program("dpkg-deb");
            command.arg("-x").arg(debs_folder(folder).join(&package.file)).arg(&fresh.root);
            run(&format!("unpack {}", package.name), folder, &mut command).await?;
        }
        for part in PRUNED {
            remove(&fresh.root.join(part))?;
        }
        progress("checking that the programs need nothing of this machine");
        fresh.check_closed(folder).await?;
        fresh.patch_for(&tree.root).await?;
        remove(&tree.root)?;
        std::fs::rename(&fresh.root, &tree.root).map_err(|source| folder_error(folder, source))?;
        tree.runs().await?;
        tree.stamp(packages)?;
        Ok(tree)
    }

    /// Runs both servers for their version: proof that the loader finds every library.
    async fn runs(&self) -> Result<(), LocalError> {
        let mut postgres = program(self.postgres_bin().join("postgres"));
        run("run the private postgres", &self.root, postgres.arg("--version")).await?;
        let mut initdb = program(self.postgres_bin().join("initdb"));
        run("run the private initdb", &self.root, initdb.arg("--version")).await?;
        super::programs::mosquitto_version(&self.mosquitto()).await?;
        let extension = self.root.join("usr/share/postgresql/17/extension/timescaledb.control");
        std::fs::metadata(&extension).map_err(|source| folder_error(&extension, source))?;
        Ok(())
    }

    /// Points every program at the loader and libraries of the final place.
    async fn patch_for(&self, target: &Path) -> Result<(), LocalError> {
        let (loader, libraries) = self.loader()?;
        let place = |path: &Path| target.join(path.strip_prefix(&self.root).unwrap_or(path));
        let mut command = program(&loader);
        command.arg("--library-path").arg(&libraries).arg(self.root.join("usr/bin/patchelf"));
        command.arg("--set-interpreter").arg(place(&loader));
        command.arg("--force-rpath").arg("--set-rpath").arg(place(&libraries));
        command.args(self.programs()?);
        run("set the loader of the private programs", &self.root, &mut command).await?;
        Ok(())
    }

    /// Asks the loader for every program and module whether all its libraries are in the tree.
    ///
    /// Before the programs are patched: then only the folder given here can answer.
    async fn check_closed(&self, folder: &Path) -> Result<(), LocalError> {
        let (loader, libraries) = self.loader()?;
        let modules = list(&self.root.join("usr/lib/postgresql/17/lib"))?;
        let modules =
            modules.into_iter().filter(|path| path.extension().is_some_and(|end| end == "so"));
        for file in self.programs()?.into_iter().chain(modules) {
            let mut command = program(&loader);
            command.arg("--library-path").arg(&libraries).arg("--list").arg(&file);
            let listed = run("list the libraries of a private program", folder, &mut command).await;
            let foreign = match listed {
                Ok(text) => foreign_library(&text, &self.root),
                Err(LocalError::Command { output, .. }) => Some(output),
                Err(error) => return Err(error),
            };
            if let Some(library) = foreign {
                return Err(LocalError::ForeignLibrary {
                    program: file,
                    library,
                    folder: folder.to_path_buf(),
                });
            }
        }
        Ok(())
    }

    /// The loader of the tree and the folder of its libraries.
    fn loader(&self) -> Result<(PathBuf, PathBuf), LocalError> {
        let base = self.root.join("usr/lib");
        for folder in list(&base)?.into_iter().filter(|path| path.is_dir()) {
            let loader = list(&folder)?.into_iter().find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with("ld-linux") && name.contains(".so.")
            });
            if let Some(loader) = loader {
                return Ok((loader, folder));
            }
        }
        Err(folder_error(&base, std::io::Error::other("the package libc6 brought no loader")))
    }

    /// The programs that are run from the tree.
    fn programs(&self) -> Result<Vec<PathBuf>, LocalError> {
        let mut programs = list(&self.postgres_bin())?;
        programs.push(self.mosquitto());
        let clients = list(&self.clients())?;
        let named = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("mosquitto_"))
        };
        programs.extend(clients.into_iter().filter(named));
        Ok(programs)
    }

    fn stamp(&self, packages: &[Package]) -> Result<(), LocalError> {
        let packages = packages.iter().map(|package| package.file.clone()).collect();
        let stamp = Stamp { format: FORMAT, root: self.root.clone(), packages };
        let text = serde_json::to_string_pretty(&stamp).unwrap_or_default();
        let (file, fresh) = (stamp_file(&self.root), self.root.join("stamp.new"));
        std::fs::write(&fresh, text).map_err(|source| folder_error(&fresh, source))?;
        std::fs::rename(&fresh, &file).map_err(|source| folder_error(&file, source))
    }
}

fn root_of(folder: &Path) -> PathBuf {
    folder.join("debian")
}

fn stamp_file(root: &Path) -> PathBuf {
    root.join("stamp.json")
}

/// The first library in the loader's list that is missing or lies outside the tree.
fn foreign_library(listed: &str, root: &Path) -> Option<String> {
    listed.lines().map(str::trim).find_map(|line| {
        let (name, target) = line.split_once(" => ")?;
        let path = target.split(" (").next().unwrap_or(target);
        (!Path::new(path).starts_with(root)).then(|| format!("{name} ({path})"))
    })
}

/// Makes a folder that every user may enter, whatever the umask: the servers may run as another user.
fn create_shared(folder: &Path) -> Result<(), LocalError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)))
        .map_err(|source| folder_error(folder, source))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let entries = std::fs::read_dir(folder).map_err(|source| folder_error(folder, source))?;
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Removes a file or a whole folder; what is not there is fine.
fn remove(path: &Path) -> Result<(), LocalError> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(|source| folder_error(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn library_of_the_system_is_noticed() {
        let root = Path::new("/p/new");
        let closed = "\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /p/new/usr/lib/libc.so.6 (0x7f)\n\tstatically linked\n";
        assert_eq!(foreign_library(closed, root), None);
        let system = format!("{closed}\tlibz.so.1 => /lib/libz.so.1 (0x7f)\n");
        assert_eq!(foreign_library(&system, root).as_deref(), Some("libz.so.1 (/lib/libz.so.1)"));
        let missing = "\tlibLLVM.so => not found\n";
        assert_eq!(foreign_library(missing, root).as_deref(), Some("libLLVM.so (not found)"));
    }
}
