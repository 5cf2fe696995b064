//! Python environments for programs of other people that we are tested and measured beside.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Python in a virtual environment at `folder` with the packages that the requirements file `whole` lists, and
/// those of `bare` without what they depend on. What is installed already, from files that say the same, stays; who
/// asks while another installs there, in this process or in another one, waits for that.
///
/// # Errors
/// When a file cannot be read, or `python3` or pip fail; both have said why on the screen.
pub fn python(folder: &Path, whole: &Path, bare: Option<&Path>) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let mut wanted = fs::read(whole)?;
    if let Some(bare) = bare {
        wanted.extend(fs::read(bare)?);
    }
    fs::create_dir_all(folder)?;
    // Given back when it goes out of scope, also by a process that ends.
    let lock = File::create(folder.join("installing.lock"))?;
    lock.lock()?;
    let installed = folder.join("installed.txt");
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    println!(
        "installing the packages of {} into {}",
        whole.display(),
        folder.display()
    );
    ran(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let pip = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet"]);
        pip
    };
    ran(pip().arg("-r").arg(whole))?;
    if let Some(bare) = bare {
        ran(pip().args(["--no-deps", "-r"]).arg(bare))?;
    }
    fs::write(installed, wanted)?;
    Ok(python)
}

fn ran(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::other(format!("{command:?} failed ({status})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "makes a virtual environment: `-- --ignored needs_python`"]
    fn needs_python_two_who_ask_at_once_get_one_environment() {
        let folder = std::env::temp_dir().join(format!("apprentice-peers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let nothing = folder.join("requirements.txt");
        fs::write(&nothing, "").unwrap();
        let venv = folder.join("venv");
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| python(&venv, &nothing, None)))
                .collect();
            for asked in asking {
                assert!(asked.join().unwrap().unwrap().exists());
            }
        });
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_installed_is_an_error() {
        let missing = Path::new("/nonexistent/requirements.txt");
        assert!(python(Path::new("/nonexistent/venv"), missing, None).is_err());
        let error = ran(&mut Command::new("false")).unwrap_err().to_string();
        assert!(error.contains("\"false\" failed"), "{error}");
        assert!(ran(&mut Command::new("true")).is_ok());
    }
}
