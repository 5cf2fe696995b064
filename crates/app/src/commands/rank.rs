//! `apprentice rank`: a person puts rollouts in order, four at a time.

use crate::cli::RankArgs;
use crate::context::Context;
use crate::pipeline;
use crate::run_dir::StageMark;
use crate::stages::rank::LOG;
use crate::stages::scenes::judged;
use anyhow::{Result, bail};
use apprentice_episode::{Episode, EpisodeId};
use apprentice_preference::{Judgement, JudgementLog, Order, groups_of_four, parse_order};
use apprentice_studio::Studio;
use std::io::{BufRead as _, Write as _};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Runs the command.
///
/// # Errors
/// When there are no rollouts or the log cannot be written.
pub fn run(args: &RankArgs) -> Result<()> {
    let context = pipeline::open(&args.run, Some("rank"))?;
    context.dir.needs("rollouts", "record rollouts")?;
    if context.dir.done("reward").is_some() {
        bail!(
            "this run's reward has been learnt from its rankings already; start another run with --out"
        );
    }
    let started = Instant::now();
    let notes = judged(&context, crate::stages::rollout::FOLDER)?;
    let ids: Vec<EpisodeId> = notes.episodes.iter().map(|e| e.id.clone()).collect();
    let mut log = JudgementLog::open(context.dir.path(LOG))?;
    let done = log.judgements().len();
    let groups = groups_of_four(&ids, context.seed.derive("groups", 0));
    let wanted = context.config.operator.rankings.min(groups.len());
    println!(
        "Rank {wanted} groups of four clips. Type an order such as 2>1=4>3 (best first, = for a tie),"
    );
    println!("s to skip, q to stop; what you have said is kept.");
    for (index, group) in groups.iter().enumerate().take(wanted).skip(done) {
        let clips = show(&context, group)?;
        println!("\nGroup {} of {wanted}: {}", index + 1, clips);
        let Some(order) = ask(group.len())? else {
            println!(
                "Stopped; `apprentice rank --out {}` goes on from here.",
                context.dir.root().display()
            );
            return Ok(());
        };
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        let judgement = match order {
            Order::Skipped => Judgement::skip(now, &args.who, group.clone(), None),
            Order::Ranked(places) => {
                let name = |place: &Vec<usize>| place.iter().map(|&i| group[i].clone()).collect();
                Judgement::new(now, &args.who, 1.0, places.iter().map(name).collect(), None)
            }
        };
        log.append(&judgement)?;
    }
    context.dir.mark(&StageMark {
        name: "rank".into(),
        seconds: started.elapsed().as_secs_f64(),
        peak_memory_bytes: crate::context::peak_memory_bytes(),
    })?;
    println!(
        "All ranked. Next: apprentice reward --out {}",
        context.dir.root().display()
    );
    Ok(())
}

/// Writes the group's clips to a rerun file and says where it is.
fn show(context: &Context, group: &[EpisodeId]) -> Result<String> {
    let catalog =
        apprentice_episode::Catalog::open(context.dir.path(crate::stages::rollout::FOLDER))?;
    let path = context.dir.path("rank/group.rrd");
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let studio = Studio::to_file(&path, &crate::stages::cells::describe(context)?)?;
    let clips: Vec<(String, Episode)> = group
        .iter()
        .enumerate()
        .map(|(i, id)| Ok((format!("clip {}", i + 1), catalog.load(id)?)))
        .collect::<Result<_>>()?;
    studio.clips(&clips);
    studio.finish()?;
    Ok(format!(
        "rerun {} (clips 1 to {}, side by side)",
        path.display(),
        group.len()
    ))
}

fn ask(clips: usize) -> Result<Option<Order>> {
    let stdin = std::io::stdin();
    loop {
        print!("order> ");
        std::io::stdout().flush()?;
        let mut line = String::new();
        if stdin.lock().read_line(&mut line)? == 0 || line.trim() == "q" {
            return Ok(None);
        }
        match parse_order(line.trim(), clips) {
            Ok(order) => return Ok(Some(order)),
            Err(problem) => println!("{problem}"),
        }
    }
}
