//! Which of our dependencies brings what: a direct dependency's cost is that of every crate that would not be built
//! without it, and that of all it needs.

use super::measured::Measured;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::Command;

/// Dependencies that are listed.
const LISTED: usize = 20;

/// Packages, and what each is built with.
struct Graph {
    /// Name and version of each package id.
    names: BTreeMap<String, (String, String)>,
    needs: BTreeMap<String, Vec<String>>,
    ours: BTreeSet<String>,
    root: String,
}

/// Prints what each of our direct dependencies costs, and crates that are built in several versions.
pub fn print(measured: &Measured) -> Result<(), Box<dyn Error>> {
    let graph = Graph::read()?;
    let costs: BTreeMap<(&str, &str), f64> = measured
        .crates
        .iter()
        .map(|c| ((c.name.as_str(), c.version.as_str()), c.cpu_s))
        .collect();
    let cost = |ids: &BTreeSet<&str>| -> f64 {
        let packages: BTreeSet<(&str, &str)> = ids.iter().map(|id| graph.name(id)).collect();
        packages.iter().filter_map(|p| costs.get(p)).sum()
    };
    let all = graph.reach(&graph.root, None);
    let mut rows: Vec<(f64, f64, &str)> = graph
        .direct(&all)
        .into_iter()
        .map(|id| {
            let without = graph.reach(&graph.root, Some(id));
            let alone: BTreeSet<&str> = all.difference(&without).copied().collect();
            (cost(&alone), cost(&graph.reach(id, None)), graph.name(id).0)
        })
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!(
        "\nCPU seconds of our dependencies: what would not be built without it, and all it needs:"
    );
    for (alone, with_shared, name) in rows.iter().take(LISTED) {
        println!("{alone:8.1} {with_shared:8.1}  {name}");
    }
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for crate_ in &measured.crates {
        versions
            .entry(&crate_.name)
            .or_default()
            .insert(&crate_.version);
    }
    println!("\nbuilt in several versions, and by whose choice:");
    for (name, versions) in versions.iter().filter(|(_, v)| v.len() > 1) {
        let by: Vec<String> = versions
            .iter()
            .map(|version| {
                let users = graph.users(name, version, &all);
                format!("{version} ({})", users.join(", "))
            })
            .collect();
        println!("  {name}: {}", by.join("; "));
    }
    Ok(())
}

impl Graph {
    fn read() -> Result<Self, Box<dyn Error>> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--locked"])
            .args(["--filter-platform", crate::host()?.as_str()])
            .output()?;
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
        let names: BTreeMap<String, (String, String)> = list(&metadata["packages"])
            .iter()
            .map(|p| (text(&p["id"]), (text(&p["name"]), text(&p["version"]))))
            .collect();
        let needs = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let built_with = |d: &&Value| {
                    list(&d["dep_kinds"])
                        .iter()
                        .any(|k| k["kind"].as_str() != Some("dev"))
                };
                let deps = list(&node["deps"]);
                let ids = deps.iter().filter(built_with).map(|d| text(&d["pkg"]));
                (text(&node["id"]), ids.collect())
            })
            .collect();
        let ours = list(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        let root = names.iter().find(|(_, (name, _))| name == "apprentice");
        let root = root
            .map(|(id, _)| id.clone())
            .ok_or("the workspace has no package apprentice")?;
        Ok(Self {
            names,
            needs,
            ours,
            root,
        })
    }

    fn name(&self, id: &str) -> (&str, &str) {
        self.names
            .get(id)
            .map_or(("", ""), |(n, v)| (n.as_str(), v.as_str()))
    }

    /// Everything that `from` is built with, itself included, as if `without` were not there.
    fn reach<'a>(&'a self, from: &'a str, without: Option<&str>) -> BTreeSet<&'a str> {
        let (mut queue, mut seen) = (vec![from], BTreeSet::from([from]));
        while let Some(id) = queue.pop() {
            for next in self.needs.get(id).into_iter().flatten() {
                if Some(next.as_str()) != without && seen.insert(next) {
                    queue.push(next);
                }
            }
        }
        seen
    }

    /// What our packages among `all` are built with that is not ours.
    fn direct<'a>(&'a self, all: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        all.iter()
            .filter(|id| self.ours.contains(**id))
            .flat_map(|id| self.needs.get(*id).into_iter().flatten())
            .map(String::as_str)
            .filter(|id| !self.ours.contains(*id))
            .collect()
    }

    /// Names of the packages among `all` that are built with this version of a package.
    fn users<'a>(&'a self, name: &str, version: &str, all: &BTreeSet<&'a str>) -> Vec<&'a str> {
        let uses = |id: &&&str| {
            let needs = self.needs.get(**id);
            needs.is_some_and(|n| n.iter().any(|n| self.name(n) == (name, version)))
        };
        all.iter().filter(uses).map(|id| self.name(id).0).collect()
    }
}
