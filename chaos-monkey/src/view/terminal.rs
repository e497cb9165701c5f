//! The live display: services, numbers and what is being broken now.

use std::collections::BTreeMap;
use std::io::{self, Stdout, Write, stdout};
use std::sync::Once;

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::prelude::CrosstermBackend;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Gauge, Padding, Paragraph};
use ratatui::{Frame, Terminal};

use super::lines::broken_now;
use crate::verdict::{InstanceState, Live, LiveInstance, Numbers, words};

/// The terminal while it shows a game day: its alternate screen, given back when this is dropped
/// and when the program panics. The keyboard stays as it is, so that Ctrl-C remains a signal.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open() -> io::Result<Self> {
        give_back_on_panic();
        execute!(stdout(), EnterAlternateScreen, Hide)?;
        let screen =
            Terminal::new(CrosstermBackend::new(stdout())).map(|terminal| Self { terminal });
        if screen.is_err() {
            give_back();
        }
        screen
    }

    /// Shows the present moment.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw(&mut self, live: &Live) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, live)).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = stdout().flush();
}

fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            next(panic);
        }));
    });
}

const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const WARN: Style = Style::new().fg(Color::Yellow);
const BAD: Style = Style::new().fg(Color::Red);

/// Draws the present moment.
pub fn draw(frame: &mut Frame<'_>, live: &Live) {
    let services = services(live);
    let [head, time, middle, bottom, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(2),
        Constraint::Length(services.len().max(7) as u16 + 2),
        Constraint::Min(4),
        Constraint::Length(1),
    ])
    .horizontal_margin(1)
    .areas(frame.area());
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(54), Constraint::Percentage(46)]).areas(middle);
    draw_head(frame, head, live);
    draw_time(frame, time, live);
    frame.render_widget(Paragraph::new(services).block(titled("services")), left);
    frame.render_widget(
        Paragraph::new(numbers(live)).block(titled("what users get")),
        right,
    );
    frame.render_widget(
        Paragraph::new(broken(live)).block(titled("being broken now")),
        bottom,
    );
    let keys = Line::styled(
        "Ctrl-C stops the game day, ends all faults and cleans up",
        QUIET,
    );
    frame.render_widget(keys, foot);
}

fn titled(title: &str) -> Block<'_> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(QUIET)
        .padding(Padding::horizontal(1))
        .title(Span::styled(format!(" {title} "), STRONG))
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, live: &Live) {
    let Some(about) = &live.about else {
        frame.render_widget(Line::styled("starting", STRONG), area);
        return;
    };
    let mut spans = vec![Span::styled(about.title.clone(), STRONG)];
    if let Some(variant) = &about.variant {
        spans.push(Span::styled(format!("  {variant}"), WARN));
    }
    if about.no_faults {
        spans.push(Span::styled("  control run, nothing is broken", WARN));
    }
    spans.push(Span::styled(format!("  seed {}", about.seed), QUIET));
    frame.render_widget(Line::from(spans), area);
}

fn draw_time(frame: &mut Frame<'_>, area: Rect, live: &Live) {
    let duration = live.about.as_ref().map_or(0, |about| about.duration_micros);
    let left = (duration - live.now.max(0)).max(0);
    let label = match (live.about.is_some() && live.now >= 0, live.is_stopped) {
        (_, true) => "stopping".to_owned(),
        (false, false) => "starting the system".to_owned(),
        (true, false) if left == 0 => "the load is over; reading back what was promised".to_owned(),
        (true, false) => {
            let phase = live.phase.map_or("before", words::phase);
            format!("{phase} · {} left", words::seconds(left))
        }
    };
    let ratio = if duration > 0 {
        live.now.max(0) as f64 / duration as f64
    } else {
        0.0
    };
    let gauge = Gauge::default()
        .gauge_style(Style::new().fg(Color::Cyan).bg(Color::Black))
        .label(label)
        .ratio(ratio.clamp(0.0, 1.0));
    let [bar, _] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(gauge, bar);
}

/// One line per service. Each state has a sign of its own, not only a colour.
fn services(live: &Live) -> Vec<Line<'static>> {
    let mut by_service: Vec<(&str, Vec<&LiveInstance>)> = Vec::new();
    for instance in &live.instances {
        match by_service.last_mut() {
            Some((service, instances)) if *service == instance.instance.service => {
                instances.push(instance);
            }
            _ => by_service.push((&instance.instance.service, vec![instance])),
        }
    }
    let width = by_service
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    by_service
        .into_iter()
        .map(|(service, instances)| {
            let mut spans = vec![Span::raw(format!("{service:<width$}  "))];
            spans.extend(
                instances
                    .into_iter()
                    .map(|instance| instance_sign(instance, live.now)),
            );
            Line::from(spans)
        })
        .collect()
}

fn instance_sign(instance: &LiveInstance, now: i64) -> Span<'static> {
    let (sign, word, style) = match instance.state {
        InstanceState::Up => ("●", "up", GOOD),
        InstanceState::Starting => ("◐", "starting", WARN),
        InstanceState::Down => ("○", "down", BAD),
        InstanceState::Paused => ("‖", "paused", WARN),
    };
    let text = if instance.state == InstanceState::Up {
        word.to_owned()
    } else {
        format!("{word} {}", words::seconds(now - instance.since))
    };
    Span::styled(format!("{sign} {text:<14}"), style)
}

fn numbers(live: &Live) -> Vec<Line<'static>> {
    let row = |name: &str, value: String, style: Style, rest: String| {
        Line::from(vec![
            Span::styled(format!("{name:<9}"), QUIET),
            Span::styled(format!("{value:>10}"), style),
            Span::styled(format!("   {rest}"), QUIET),
        ])
    };
    let all = |value: String| format!("{value} so far");
    let p99 =
        |numbers: &Numbers| words::milliseconds_or_dash(numbers.latency.map(|latency| latency.p99));
    let ratio = |numbers: Option<f64>| words::percent_or_dash(numbers);
    vec![
        row(
            "rate",
            format!("{:.0} /s", live.rate),
            STRONG,
            all(words::count(live.total.requests)),
        ),
        row(
            "yield",
            ratio(live.last.yield_ratio),
            STRONG.patch(grade(live.last.yield_ratio, BAD)),
            all(ratio(live.total.yield_ratio)),
        ),
        row(
            "harvest",
            ratio(live.last.harvest),
            STRONG.patch(grade(live.last.harvest, WARN)),
            all(ratio(live.total.harvest)),
        ),
        row("p99", p99(&live.last), STRONG, all(p99(&live.total))),
        row(
            "failed",
            words::count(live.last.failed),
            if live.last.failed > 0 { BAD } else { STRONG },
            all(words::count(live.total.failed)),
        ),
        row(
            "degraded",
            words::count(live.last.degraded),
            STRONG,
            all(words::count(live.total.degraded)),
        ),
        Line::styled("the left column looks back 5 s", QUIET),
    ]
}

fn grade(ratio: Option<f64>, otherwise: Style) -> Style {
    match ratio {
        Some(ratio) if ratio < 1.0 => otherwise,
        Some(_) => GOOD,
        None => QUIET,
    }
}

fn broken(live: &Live) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = live
        .broken
        .iter()
        .map(|broken| {
            Line::from(vec![
                Span::styled("✗ ", BAD),
                Span::styled(broken_now(broken), STRONG),
                Span::styled(
                    format!("  for {}", words::seconds(live.now - broken.began)),
                    QUIET,
                ),
            ])
        })
        .collect();
    if lines.is_empty() {
        let so_far = words::counted(live.kills, "instance", "instances");
        lines.push(Line::styled(
            format!("nothing; {so_far} killed so far"),
            QUIET,
        ));
    }
    let mut breakers: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (instance, breaker, state) in &live.breakers {
        breakers
            .entry((breaker, state))
            .or_default()
            .push(instance.to_string());
    }
    lines.extend(breakers.into_iter().map(|((breaker, state), instances)| {
        Line::from(vec![
            Span::styled("◆ ", WARN),
            Span::raw(format!("breaker to {breaker} {state}")),
            Span::styled(format!("  in {}", instances.join(", ")), QUIET),
        ])
    }));
    lines
}
