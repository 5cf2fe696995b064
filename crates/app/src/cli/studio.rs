//! What `apprentice studio` is told.

use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct StudioArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub run: PathBuf,
    /// The port where the page listens; 0 is any port that is free
    #[arg(long, value_name = "P", default_value_t = 8080)]
    pub port: u16,
    /// What a browser needs to come in, 16 to 128 letters, digits, - and _; without, a new one each time
    #[arg(long, value_name = "T")]
    pub token: Option<String>,
    /// Have everybody put the rollouts into a list of their own, two at a time, instead of groups of four
    #[arg(long)]
    pub list: bool,
    /// Address to listen on instead of this machine alone; other addresses take --token and a certificate
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// A name under which browsers elsewhere know this machine, beside its numbers; may be repeated
    #[arg(long, value_name = "NAME")]
    pub name: Vec<String>,
    /// The page's certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    pub certificate: Option<PathBuf>,
    /// Its private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub certificate_key: Option<PathBuf>,
    /// Also show the robot of the run at work, and let it be stopped from the page
    #[arg(long)]
    pub live: bool,
    /// Where that robot, or the run that drives it, is; without, as the run's settings say
    #[arg(long, value_name = "ENDPOINT", requires = "live")]
    pub endpoint: Option<String>,
    /// Folder with the keys of an operator for that robot
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true,
        requires = "live"
    )]
    pub keys: String,
    /// The name that the page finds filled in
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Print where the page is, and what came of it, as JSON lines, and nothing else
    #[arg(long)]
    pub json: bool,
}
