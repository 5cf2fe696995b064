//! `apprentice preferences evaluate`: other people's clips and labels.

use crate::cli::{EvaluatePreferencesArgs, PreferencesCommand};
use anyhow::{Context as _, Result, bail};
use apprentice_labels::{
    Accuracy, Labelled, LabelledClips, Plan, evaluate, features, members_of_arrays,
    members_of_clips, read_clips, read_labels, read_npz,
};
use apprentice_pipeline::scores::weights_folder;
use std::collections::BTreeMap;

/// Runs the command.
///
/// # Errors
/// When clips or labels cannot be read, or are too few.
pub fn run(command: &PreferencesCommand) -> Result<()> {
    match command {
        PreferencesCommand::Evaluate(args) => evaluate_members(args),
    }
}

fn evaluate_members(args: &EvaluatePreferencesArgs) -> Result<()> {
    let plan = Plan {
        labels: args.labels.clone(),
        draws: args.draws,
        seed: args.seed,
    };
    let arrays = args.clips.extension().is_some_and(|e| e == "npz");
    let (data, members) = if arrays {
        if let Some(file) = &args.labels_file {
            bail!(
                "{} has its labels within it; {} is not needed",
                args.clips.display(),
                file.display()
            );
        }
        (read_npz(&args.clips)?, members_of_arrays())
    } else {
        let file = args.labels_file.as_ref().context(
            "clips of pictures need a file of labels: apprentice preferences evaluate CLIPS LABELS",
        )?;
        (pictures(args, file)?, members_of_clips())
    };
    let found = evaluate(&data, &members, &plan)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print_table(&found, &plan);
    }
    Ok(())
}

fn pictures(args: &EvaluatePreferencesArgs, file: &std::path::Path) -> Result<LabelledClips> {
    let answers = read_labels(file)?;
    let names = answers.names();
    let clips = read_clips(&args.clips, names.iter().copied())?;
    let fetched = weights_folder().join("efficientnet-lite0.safetensors");
    let weights = args
        .weights
        .clone()
        .or_else(|| fetched.is_file().then_some(fetched));
    if !args.json {
        match &weights {
            Some(path) => println!(
                "features: grids of two middle layers of EfficientNet-Lite0, weights {}",
                path.display()
            ),
            None => println!(
                "features: a small network of random weights (apprentice weights get efficientnet-lite0 for better ones)"
            ),
        }
    }
    let clips = features(&clips, weights.as_deref(), args.seed)?;
    let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let place = |tier: &Vec<String>| -> Vec<usize> {
        let places = tier.iter().filter_map(|name| index.get(name.as_str()));
        places.copied().collect()
    };
    let labels = answers.answers.iter().map(|answer| Labelled {
        tiers: answer.iter().map(place).collect(),
    });
    Ok(LabelledClips {
        clips,
        labels: labels.collect(),
        observations: None,
    })
}

/// A line a member, a column a number of labels.
fn print_table(found: &[Accuracy], plan: &Plan) {
    let mut members: Vec<&str> = found.iter().map(|f| f.member.as_str()).collect();
    members.dedup();
    println!(
        "share of pairs in the right order, of clips that no label named (mean and standard deviation of {} draws; chance \
         0.5)",
        plan.draws
    );
    print!("{:24}", "labels");
    for labels in &plan.labels {
        print!("{labels:>14}");
    }
    println!();
    for member in members {
        print!("{member:24}");
        for labels in &plan.labels {
            let cell = found
                .iter()
                .find(|f| f.member == member && f.labels == *labels);
            match cell {
                Some(f) => print!("{:>14}", format!("{:.3} +-{:.3}", f.accuracy, f.sd)),
                None => print!("{:>14}", "too few"),
            }
        }
        println!();
    }
    if found.iter().any(|f| f.accuracy == 0.5 && f.sd == 0.0) {
        println!(
            "0.500 +-0.000: nothing was learnt; optimal_transport learns from lists of three or more places, not from pairs"
        );
    }
}
