//! The downloaded packages of the private copy: which ones there are, whether
//! each is whole, and the manifest that says so, written last.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::apt::{Apt, home_of};
use super::error::{LocalError, folder_error};
use super::{Progress, hexadecimal};

/// One package as the signed index describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Package {
    /// Name, such as `libpq5`.
    pub(super) name: String,
    /// Name of the file in the folder of packages.
    pub(super) file: String,
    /// Size in bytes.
    pub(super) bytes: u64,
    /// SHA-256 in lower-case hexadecimal digits.
    pub(super) sha256: String,
}

impl Package {
    /// Whether the file is there, whole and unchanged.
    fn verified(&self, debs: &Path) -> bool {
        let Ok(content) = std::fs::read(debs.join(&self.file)) else { return false };
        let digest = Sha256::digest(&content);
        hexadecimal(&digest) == self.sha256
    }
}

/// The packages of an earlier download, when all of them are still whole.
pub(super) async fn kept(folder: &Path) -> Option<Vec<Package>> {
    let text = std::fs::read_to_string(manifest_file(folder)).ok()?;
    let packages: Vec<Package> = serde_json::from_str(&text).ok()?;
    damaged(folder, &packages).await.is_empty().then_some(packages)
}

/// Downloads what is missing or damaged and writes the manifest last.
///
/// # Errors
/// No apt, no mirror that serves the suite, a failed or damaged download, a full disk.
pub(super) async fn download(
    folder: &Path,
    progress: Progress<'_>,
) -> Result<Vec<Package>, LocalError> {
    let apt = Apt::prepare(folder).await?;
    let packages = apt.index(progress).await?;
    let mut missing = damaged(folder, &packages).await;
    // Twice: what arrived damaged once may arrive whole, and then it is the mirror.
    for _attempt in 0..2 {
        if missing.is_empty() {
            break;
        }
        for package in &missing {
            let _ = std::fs::remove_file(debs_folder(folder).join(&package.file));
        }
        apt.fetch(&missing, progress).await?;
        missing = damaged(folder, &missing).await;
    }
    if let Some(package) = missing.first() {
        return Err(LocalError::Checksum { package: package.name.clone() });
    }
    write_manifest(folder, &packages)?;
    // The index (20 MB) is read anew when it is needed again.
    let _ = std::fs::remove_dir_all(home_of(folder));
    Ok(packages)
}

/// Folder of the downloaded packages.
pub(super) fn debs_folder(folder: &Path) -> PathBuf {
    folder.join("packages")
}

fn manifest_file(folder: &Path) -> PathBuf {
    debs_folder(folder).join("manifest.json")
}

fn write_manifest(folder: &Path, packages: &[Package]) -> Result<(), LocalError> {
    let file = manifest_file(folder);
    let text = serde_json::to_string_pretty(packages).unwrap_or_default();
    std::fs::write(&file, text).map_err(|source| folder_error(&file, source))
}

/// The packages whose file is not there or not whole. Hashing takes a second: off the workers.
async fn damaged(folder: &Path, packages: &[Package]) -> Vec<Package> {
    let debs = debs_folder(folder);
    let packages = packages.to_vec();
    let all = packages.clone();
    let checked = tokio::task::spawn_blocking(move || {
        packages.into_iter().filter(|package| !package.verified(&debs)).collect::<Vec<_>>()
    });
    checked.await.unwrap_or(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changed_package_is_not_taken() {
        let folder = std::env::temp_dir().join(format!("ioc-hub-packages-{}", std::process::id()));
        std::fs::create_dir_all(debs_folder(&folder)).unwrap();
        std::fs::write(debs_folder(&folder).join("a.deb"), b"abc").unwrap();
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let package =
            Package { name: "a".into(), file: "a.deb".into(), bytes: 3, sha256: digest.into() };
        write_manifest(&folder, std::slice::from_ref(&package)).unwrap();
        assert_eq!(kept(&folder).await, Some(vec![package]));
        std::fs::write(debs_folder(&folder).join("a.deb"), b"abd").unwrap();
        assert_eq!(kept(&folder).await, None);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
