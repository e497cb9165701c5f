//! How many journeys per second the mesh holds on this machine.

use crate::run;

/// Where to begin and how to go on.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The first rate, per second
    #[arg(long, default_value_t = 200)]
    from: u32,
    /// How much each step adds
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    step: u32,
    /// The last rate
    #[arg(long, default_value_t = 2_000)]
    to: u32,
    /// Switch the middleware off
    #[arg(long)]
    bare: bool,
}

/// Raises the rate until p99 passes 250 ms or the generator can no longer keep up.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let demo = run::build()?;
    let mut held = None;
    let mut rate = arguments.from;
    while rate <= arguments.to {
        let out = run::root()
            .join("target")
            .join("capacity")
            .join(rate.to_string());
        let mut words: Vec<String> = ["single-kills", "--no-faults", "--rate"]
            .map(str::to_owned)
            .into();
        words.push(rate.to_string());
        if arguments.bare {
            words.push("--bare".to_owned());
        }
        let outcome = run::game_day(&demo, &out, &words, &[])?;
        let p99 = outcome.number("/total/latency/p99");
        let served = outcome.number("/total/yield");
        println!(
            "{rate}/s: {}, yield {:.3} %, p99 {p99:.1} ms",
            outcome.word(),
            100.0 * served
        );
        if outcome.word() == "inconclusive" || p99 > 250.0 || served < 1.0 {
            break;
        }
        held = Some(rate);
        rate = rate.saturating_add(arguments.step);
    }
    match held {
        Some(rate) => println!("held: {rate} journeys per second"),
        None => println!("did not hold {} journeys per second", arguments.from),
    }
    Ok(())
}
