//! `apprentice tournament`: a person compares versions of the policy blind, two episodes at a time.

use crate::cli::TournamentArgs;
use crate::commands::rank::{TypedLines, now_unix_ms, typed_lines};
use anyhow::{Result, bail};
use apprentice_pipeline::context::{Context, stop_on_ctrl_c};
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::outcomes::open_as;
use apprentice_pipeline::robots::describe;
use apprentice_pipeline::run::{Options, open_to_read};
use apprentice_pipeline::tournament::standings::{Agreement, Standings, Table};
use apprentice_pipeline::tournament::{
    MatchQuestion, Next, Tournament, TournamentSettings, Verdict,
};
use apprentice_preference::{Order, Terminal, parse_order};
use apprentice_studio::Studio;
use serde_json::json;
use std::path::PathBuf;

/// Runs the command.
///
/// # Errors
/// When fewer than two versions have episodes, a log cannot be read or written, or the user stops with Ctrl-C. What was
/// answered stays.
pub fn run(args: &TournamentArgs) -> Result<()> {
    if args.by == SIMULATED {
        bail!("--by is {SIMULATED:?}, allowed: a person's name");
    }
    let mut context = open_to_read(&Options {
        folder: args.run.clone(),
        quiet: args.json,
        ..Options::default()
    })?;
    let settings = TournamentSettings {
        versions: args.versions.clone(),
        error_rate: args.error_rate,
        tolerated: args.tolerated,
    };
    let mut tournament = Tournament::open(&context.dir, context.seed, settings)?;
    let mut given = 0;
    let mut why = Ended::NotAsked;
    if !args.table {
        context.stop = stop_on_ctrl_c()?;
        let asked = ask(args, &context, &mut tournament, &mut given);
        // Of no use once nobody is asked; where it cannot be removed, it stays.
        let _ = std::fs::remove_file(pair_file(&context));
        why = asked?;
    }
    let standings = tournament.standings()?;
    if args.json {
        let said = json!({
            "asked": args.by, "given": given, "decided": decided(&standings, &args.by),
            "ended": why.in_words(), "standings": standings,
        });
        println!("{}", serde_json::to_string_pretty(&said)?);
    } else {
        println!("\n{}", told(&standings));
    }
    if context.stopping() {
        bail!("stopped on request after {given} answers; the same command goes on from there");
    }
    context.say(&match why {
        Ended::Decided => format!(
            "{}, you can stop: the order above is told. (--matches N asks on.)",
            args.by
        ),
        Ended::Exhausted => {
            "You have compared every two episodes there are; record more of each version to go on \
             (apprentice record rollouts --policy FILE --episodes N)."
                .to_owned()
        }
        Ended::Stopped | Ended::Enough => {
            "What you have said is kept; the same command goes on from here.".to_owned()
        }
        Ended::NotAsked => return Ok(()),
    });
    Ok(())
}

/// Why no more is asked.
#[derive(Clone, Copy)]
enum Ended {
    NotAsked,
    Decided,
    Exhausted,
    Stopped,
    Enough,
}

impl Ended {
    fn in_words(self) -> &'static str {
        match self {
            Self::NotAsked => "nothing was asked",
            Self::Decided => "the order is told",
            Self::Exhausted => "every two episodes were compared",
            Self::Stopped => "stopped on request",
            Self::Enough => "as many as wanted were asked",
        }
    }
}

fn ask(
    args: &TournamentArgs,
    context: &Context,
    tournament: &mut Tournament,
    given: &mut u64,
) -> Result<Ended> {
    let mut terminal = TypedLines {
        lines: typed_lines(),
        json: args.json,
        context,
    };
    terminal.say(
        "Which do you like better? Type 1>2, 2>1 or 1=2, s if you cannot tell, u to take your last answer back, q to stop.\n\
         Which version is which is not shown; what you have said is kept.",
    );
    loop {
        if args.matches.is_some_and(|wanted| *given >= wanted) {
            return Ok(Ended::Enough);
        }
        let question = match tournament.next(&args.by, args.matches.is_some())? {
            Next::Match(question) => question,
            Next::Decided => return Ok(Ended::Decided),
            Next::Exhausted => return Ok(Ended::Exhausted),
        };
        let shown = show(context, &question)?;
        terminal.say(&format!("\nComparison {}: {shown}", question.number + 1));
        let asked_ms = now_unix_ms();
        match typed(&mut terminal)? {
            Typed::Stop => return Ok(Ended::Stopped),
            Typed::TakeBack => {
                let taken = tournament.take_back(&args.by, now_unix_ms())?;
                terminal.say(&match taken {
                    Some(entry) => format!("answer {} does not count any more", entry + 1),
                    None => "there is nothing to take back".to_owned(),
                });
            }
            Typed::Verdict(verdict) => {
                let now = now_unix_ms();
                let took = Some(now.saturating_sub(asked_ms));
                let answered = tournament.answer(&args.by, &question.id, verdict, took, now)?;
                *given += 1;
                if args.reveal {
                    let [one, two] = answered.versions;
                    terminal.say(&format!("1 was version {one}, 2 was version {two}"));
                }
            }
        }
    }
}

enum Typed {
    Verdict(Verdict),
    TakeBack,
    Stop,
}

/// What somebody types, asked again until it is an answer.
fn typed(terminal: &mut TypedLines<'_>) -> Result<Typed> {
    loop {
        let Some(line) = terminal.ask("order> ")? else {
            return Ok(Typed::Stop);
        };
        let verdict = match line.trim() {
            "q" => return Ok(Typed::Stop),
            "u" => return Ok(Typed::TakeBack),
            "1" => Verdict::First,
            "2" => Verdict::Second,
            "=" => Verdict::Equal,
            text => match parse_order(text, 2) {
                Ok(Order::Skipped) => Verdict::CannotTell,
                Ok(Order::Ranked(tiers)) if tiers.len() == 1 => Verdict::Equal,
                Ok(Order::Ranked(tiers)) if tiers.first() == Some(&vec![0]) => Verdict::First,
                Ok(Order::Ranked(_)) => Verdict::Second,
                Err(problem) => {
                    terminal.say(&format!("{problem}; u takes the last answer back, q stops"));
                    continue;
                }
            },
        };
        return Ok(Typed::Verdict(verdict));
    }
}

/// Where the two clips lie for the viewer; of this process alone, since several operators may be at work.
fn pair_file(context: &Context) -> PathBuf {
    let file = format!("tournament/pair-{}.rrd", std::process::id());
    context.dir.path(&file)
}

/// Writes the two clips to a rerun file, and says where.
fn show(context: &Context, question: &MatchQuestion) -> Result<String> {
    let clips: Result<Vec<_>> = question
        .clips
        .iter()
        .enumerate()
        .map(|(i, clip)| {
            let path = context.dir.path(&clip.folder).join(&clip.file);
            Ok((format!("clip {}", i + 1), open_as(&path, &clip.episode)?))
        })
        .collect();
    let path = pair_file(context);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let studio = Studio::to_file(&path, &describe(context)?)?;
    studio.clips(&clips?);
    studio.finish()?;
    let start = if question.same_start {
        ", from the same start"
    } else {
        ""
    };
    Ok(format!(
        "rerun {} (clips 1 and 2, side by side{start})",
        path.display()
    ))
}

fn decided(standings: &Standings, who: &str) -> bool {
    let own = standings.operators.iter().find(|o| o.who == who);
    own.is_some_and(|o| o.table.decided)
}

/// The tables, for people.
fn told(standings: &Standings) -> String {
    let mut text = String::new();
    for operator in &standings.operators {
        text += &format!("{}: {}", operator.who, table(&operator.table, standings));
        if operator.cannot_tell > 0 {
            text += &format!("  {} more could not be told\n", operator.cannot_tell);
        }
    }
    for agreement in &standings.agreement {
        text += &agreed(agreement);
    }
    if let Some(together) = &standings.together {
        let apart = standings
            .agreement
            .iter()
            .any(|a| !a.disagreements.is_empty());
        text += if apart {
            "all together (operators disagree, see above: this is nobody's opinion): "
        } else {
            "all together: "
        };
        text += &table(together, standings);
    }
    if standings.operators.is_empty() {
        text += "nobody has compared anything yet\n";
    }
    text
}

fn table(table: &Table, standings: &Standings) -> String {
    let mut text = format!("{} comparisons\n", table.comparisons);
    text += "  place version            preferred to the mean of the others   won lost level\n";
    for row in &table.rows {
        text += &format!(
            "  {:>5} {:>7} {:<10} {:>5.1} % ({:>5.1} to {:>5.1} %) {:>15} {:>4} {:>5}\n",
            row.place,
            row.version,
            row.name,
            100.0 * row.preferred,
            100.0 * row.low,
            100.0 * row.high,
            row.won,
            row.lost,
            row.level
        );
    }
    let tolerated = 100.0 * standings.tolerated;
    text += &if table.decided {
        format!(
            "  told: by a chance of at most {:.1} % one stands behind another that it is preferred to in more than \
             {tolerated:.0} %\n",
            100.0 * table.chance_wrong
        )
    } else {
        let more = table
            .comparisons_wanted
            .map_or("more than 1000".to_owned(), |n| format!("about {n}"));
        format!(
            "  not told yet: two may stand the wrong way round by more than {tolerated:.0} %; {more} more comparisons \
             would do, if it is as it seems\n"
        )
    };
    text
}

fn agreed(agreement: &Agreement) -> String {
    let [first, second] = &agreement.operators;
    let tau = agreement
        .tau_b
        .map_or("unknown".to_owned(), |tau| format!("{tau:.2}"));
    let mut text = format!(
        "{first} and {second}: Kendall's tau-b {tau}; of the same two episodes they preferred the same {} times, the other \
         {} times\n",
        agreement.same, agreement.opposite
    );
    for one in &agreement.disagreements {
        text += &format!(
            "  they disagree{}: {first} prefers version {} to {}, {second} version {} to {}\n",
            if one.sure { "" } else { ", as it seems" },
            one.first_prefers,
            one.second_prefers,
            one.second_prefers,
            one.first_prefers
        );
    }
    text
}
