//! Which of the options that all commands of a run share a command's help shows. The others are still understood, or
//! refused with a word of what to do: scripts give the same ones to every command.

use clap::Arg;

/// Hides options of commands in which no robot moves.
pub fn only_if_robots_move(option: Arg) -> Arg {
    hide(option, &["view"])
}

/// Hides options of commands that compute nothing.
pub fn only_if_it_computes(option: Arg) -> Arg {
    hide(option, &["device"])
}

/// Hides options of commands that only read what a run has.
pub fn only_if_it_changes_the_run(option: Arg) -> Arg {
    hide(option, &["seed", "device", "config", "set"])
}

fn hide(option: Arg, names: &[&str]) -> Arg {
    let hidden = names.contains(&option.get_id().as_str());
    if hidden { option.hide(true) } else { option }
}
