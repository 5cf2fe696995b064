//! Python environments for programs of other people that we are tested and measured beside.

use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Python in a virtual environment at `folder` with the packages that the requirements file `whole` lists, and
/// those of `bare` without what they depend on. What is installed already, from files that say the same, stays.
///
/// # Errors
/// When a file cannot be read, or `python3` or pip fail; both have said why on the screen.
pub fn python(folder: &Path, whole: &Path, bare: Option<&Path>) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let mut wanted = std::fs::read(whole)?;
    if let Some(bare) = bare {
        wanted.extend(std::fs::read(bare)?);
    }
    let installed = folder.join("installed.txt");
    if std::fs::read(&installed).is_ok_and(|found| found == wanted) {
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
    std::fs::write(installed, wanted)?;
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
    fn what_cannot_be_installed_is_an_error() {
        let missing = Path::new("/nonexistent/requirements.txt");
        assert!(python(Path::new("/nonexistent/venv"), missing, None).is_err());
        let error = ran(&mut Command::new("false")).unwrap_err().to_string();
        assert!(error.contains("\"false\" failed"), "{error}");
        assert!(ran(&mut Command::new("true")).is_ok());
    }
}
