//! The two programs that time works.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One of the two programs, which times what it is asked to.
pub struct Side {
    pub name: String,
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Side {
    pub fn start(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a side has no pipes".into());
        };
        let mut side = Self {
            name: String::new(),
            child,
            ask,
            answers: BufReader::new(answers),
        };
        let ready = side.line()?;
        side.name = ready
            .trim()
            .strip_prefix("ready ")
            .unwrap_or(&ready)
            .to_owned();
        Ok(side)
    }

    pub fn time(&mut self, work: &str, repeats: usize) -> Result<Vec<f64>, Box<dyn Error>> {
        self.numbers(&format!("{work} {repeats}"))
    }

    /// What the program answers to a question.
    pub fn numbers(&mut self, question: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        writeln!(self.ask, "{question}")?;
        let line = self.line()?;
        Ok(line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?)
    }

    /// The most memory the process has held so far.
    pub fn peak_mib(&self) -> Result<u64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix("kB"));
        let kib: u64 = kib
            .ok_or("no VmHWM in a process's status")?
            .trim()
            .parse()?;
        Ok(kib / 1024)
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("{} stopped ({})", self.name, self.child.wait()?).into());
        }
        Ok(line)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
