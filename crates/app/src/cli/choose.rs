//! How the next question is chosen.

use apprentice_query::Strategy;
use clap::Args;
use clap::builder::PossibleValuesParser;

#[derive(Clone, Debug, Args)]
pub struct ChooseArgs {
    /// Choose each group by what has been learnt of your answers so far; without, groups have no clip in common
    #[arg(long, value_name = "STRATEGY", value_parser = PossibleValuesParser::new(Strategy::NAMES), conflicts_with = "simulated")]
    pub choose: Option<String>,
    /// Share of the groups that come again in another order, to see how consistent you are, 0 to 0.5
    #[arg(long, value_name = "SHARE", requires = "choose", default_value_t = 0.1, value_parser = share)]
    pub again: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|s| (0.0..=0.5).contains(s));
    share.ok_or_else(|| "allowed: a number from 0 to 0.5".into())
}
