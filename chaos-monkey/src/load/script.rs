//! The journeys of a load, read once before the load begins: every placeholder is known to have
//! a value, so that nothing can go wrong under load that a file could have told before.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use indexmap::IndexMap;
use serde_json::Value;

use super::LoadError;
use super::bindings::{Bindings, Captured, Rows};
use super::names::Known;
use super::template::{Escape, JsonTemplate, Template};
use super::transport::{Answer, Outgoing};
use crate::schema::{self, Capture, GameDaySpec, RequestTemplate};

/// The header that keeps a write from being done twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything that users do.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) setup: Vec<Step>,
    pub(crate) journeys: Vec<Journey>,
    pub(crate) read_back: IndexMap<String, ReadBack>,
}

/// One journey.
#[derive(Debug)]
pub(crate) struct Journey {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) request: RequestShape,
    pub(crate) expected: Vec<u16>,
    pub(crate) capture: Vec<(String, Place)>,
    pub(crate) acknowledge: Option<Acknowledge>,
}

/// A request with placeholders.
#[derive(Debug)]
pub(crate) struct RequestShape {
    method: Method,
    path: Template,
    headers: Vec<(HeaderName, Template)>,
    json: Option<JsonTemplate>,
}

/// Where a value stands in an answer.
#[derive(Debug)]
pub(crate) enum Place {
    Json(String),
    Header(HeaderName),
}

/// What a usable answer promises to keep.
#[derive(Debug)]
pub(crate) struct Acknowledge {
    pub(crate) read_back: String,
    pub(crate) key: Template,
    pub(crate) value: Template,
}

/// How a promise is read back.
#[derive(Debug)]
pub(crate) struct ReadBack {
    pub(crate) request: RequestShape,
    pub(crate) value: Place,
    pub(crate) within: std::time::Duration,
}

/// Why a step cannot be sent or its answer is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable;

// === impl Script ===

impl Script {
    /// Reads the journeys of a game day and checks that each placeholder has a value.
    pub(crate) fn compile(spec: &GameDaySpec, rows: &Rows) -> Result<Self, LoadError> {
        let load = &spec.load;
        let setup_steps = load.users.as_ref().map_or(&[][..], |users| &users.setup);
        let mut known = Known::new(rows);
        known.allow_datasets = false;
        let setup = compile_steps("set-up", setup_steps, &mut known, rows, spec)?;
        known.allow_datasets = true;
        known.session = std::mem::take(&mut known.captured);

        let mut journeys = Vec::new();
        let mut known_to_read_back: IndexMap<&str, Vec<Known>> = IndexMap::new();
        for (name, journey) in &load.journeys {
            known.captured.clear();
            let place = format!("journey `{name}`");
            for (index, step) in journey.steps.iter().enumerate() {
                if let Some(acknowledge) = &step.acknowledge {
                    let mut known_then = known.clone();
                    let steps = journey.steps.iter().take(index + 1);
                    known_then.captured = steps
                        .flat_map(|step| step.capture.keys().cloned())
                        .collect();
                    known_to_read_back
                        .entry(&acknowledge.r#as)
                        .or_default()
                        .push(known_then);
                }
            }
            let steps = compile_steps(&place, &journey.steps, &mut known, rows, spec)?;
            journeys.push(Journey {
                name: name.clone(),
                steps,
            });
        }

        let mut read_back = IndexMap::new();
        for (name, entry) in &spec.read_back {
            let place = format!("read-back `{name}`");
            let shape = RequestShape::compile(&place, &entry.request)?;
            for known in known_to_read_back.get(name.as_str()).into_iter().flatten() {
                known.check(&place, &shape.names(), rows)?;
            }
            read_back.insert(
                name.clone(),
                ReadBack {
                    request: shape,
                    value: Place::compile(&place, &entry.value)?,
                    within: entry.within.get(),
                },
            );
        }
        Ok(Self {
            setup,
            journeys,
            read_back,
        })
    }

    /// The length of the longest journey.
    pub(crate) fn longest(&self) -> usize {
        self.journeys
            .iter()
            .map(|journey| journey.steps.len())
            .max()
            .unwrap_or(0)
    }
}

fn compile_steps(
    place: &str,
    steps: &[schema::Step],
    known: &mut Known,
    rows: &Rows,
    spec: &GameDaySpec,
) -> Result<Vec<Step>, LoadError> {
    let mut compiled = Vec::new();
    for step in steps {
        let place = format!("step `{}` of {place}", step.name);
        let request = RequestShape::compile(&place, &step.request)?;
        known.check(&place, &request.names(), rows)?;
        let mut capture = Vec::new();
        for (name, captured) in &step.capture {
            capture.push((name.clone(), Place::compile(&place, captured)?));
            known.captured.insert(name.clone());
        }
        let acknowledge = match &step.acknowledge {
            None => None,
            Some(acknowledge) => {
                let acknowledge = Acknowledge::compile(&place, acknowledge, spec)?;
                let names: Vec<&str> = acknowledge
                    .key
                    .names()
                    .chain(acknowledge.value.names())
                    .collect();
                known.check(&place, &names, rows)?;
                Some(acknowledge)
            }
        };
        compiled.push(Step {
            name: step.name.clone(),
            request,
            expected: step.expect.status.clone(),
            capture,
            acknowledge,
        });
    }
    Ok(compiled)
}

// === impl Step ===

impl Step {
    /// The values to capture from a usable answer.
    pub(crate) fn capture(&self, answer: &Answer) -> Result<Captured, Unusable> {
        let mut captured = Captured::new();
        if self.capture.is_empty() {
            return Ok(captured);
        }
        let body = parse_body(answer);
        for (name, place) in &self.capture {
            let value = place.find(answer, body.as_ref()).ok_or(Unusable)?;
            captured.insert(name.clone(), value);
        }
        Ok(captured)
    }
}

fn parse_body(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok()
}

// === impl RequestShape ===

impl RequestShape {
    fn compile(place: &str, request: &RequestTemplate) -> Result<Self, LoadError> {
        let template = |text: &str| parse_template(place, text);
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((header_name(place, name)?, template(value)?));
        }
        let json = match &request.json {
            None => None,
            Some(value) => {
                Some(
                    JsonTemplate::parse(value).map_err(|source| LoadError::Template {
                        place: place.to_owned(),
                        source,
                    })?,
                )
            }
        };
        Ok(Self {
            method: method(request.method),
            path: template(&request.path)?,
            headers,
            json,
        })
    }

    fn names(&self) -> Vec<&str> {
        let headers = self.headers.iter().flat_map(|(_, value)| value.names());
        let json = self.json.iter().flat_map(JsonTemplate::names);
        self.path.names().chain(headers).chain(json).collect()
    }

    /// The request as it is sent. A write carries the key, which stays the same in each attempt.
    pub(crate) fn render(
        &self,
        bindings: &Bindings,
        idempotency_key: &str,
    ) -> Result<Outgoing, Unusable> {
        let lookup = |name: &str| bindings.lookup(name);
        let path = self
            .path
            .render(Escape::Uri, &lookup)
            .map_err(|_| Unusable)?;
        let mut headers = HeaderMap::new();
        let mut body = Bytes::new();
        if let Some(json) = &self.json {
            let value = json.render(&lookup).map_err(|_| Unusable)?;
            body = serde_json::to_vec(&value).map_err(|_| Unusable)?.into();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if self.method != Method::GET {
            headers.insert(IDEMPOTENCY_KEY, header_value(idempotency_key)?);
        }
        for (name, template) in &self.headers {
            let text = template
                .render(Escape::None, &lookup)
                .map_err(|_| Unusable)?;
            headers.insert(name.clone(), header_value(&text)?);
        }
        Ok(Outgoing {
            method: self.method.clone(),
            path_and_query: PathAndQuery::try_from(path).map_err(|_| Unusable)?,
            headers,
            body,
        })
    }
}

fn method(method: schema::Method) -> Method {
    match method {
        schema::Method::Get => Method::GET,
        schema::Method::Post => Method::POST,
        schema::Method::Put => Method::PUT,
        schema::Method::Patch => Method::PATCH,
        schema::Method::Delete => Method::DELETE,
    }
}

fn parse_template(place: &str, text: &str) -> Result<Template, LoadError> {
    Template::parse(text).map_err(|source| LoadError::Template {
        place: place.to_owned(),
        source,
    })
}

fn header_name(place: &str, name: &str) -> Result<HeaderName, LoadError> {
    HeaderName::try_from(name).map_err(|_| LoadError::HeaderName {
        place: place.to_owned(),
        name: name.to_owned(),
    })
}

fn header_value(text: &str) -> Result<HeaderValue, Unusable> {
    HeaderValue::from_str(text).map_err(|_| Unusable)
}

// === impl Place ===

impl Place {
    fn compile(place: &str, capture: &Capture) -> Result<Self, LoadError> {
        match capture {
            Capture::Json(pointer) => Ok(Self::Json(pointer.clone())),
            Capture::Header(name) => Ok(Self::Header(header_name(place, name)?)),
        }
    }

    fn find(&self, answer: &Answer, body: Option<&Value>) -> Option<Value> {
        match self {
            Self::Json(pointer) => body?
                .pointer(pointer)
                .filter(|value| !value.is_null())
                .cloned(),
            Self::Header(name) => {
                let text = answer.headers.get(name)?.to_str().ok()?;
                Some(Value::String(text.to_owned()))
            }
        }
    }

    /// The number that stands there, as JSON or as text.
    pub(crate) fn find_number(&self, answer: &Answer) -> Option<f64> {
        match self.find(answer, parse_body(answer).as_ref())? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => parse_number(&text),
            _ => None,
        }
    }
}

/// A finite number that is written in a text.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

// === impl Acknowledge ===

impl Acknowledge {
    fn compile(
        place: &str,
        acknowledge: &schema::Acknowledge,
        spec: &GameDaySpec,
    ) -> Result<Self, LoadError> {
        if !spec.read_back.contains_key(&acknowledge.r#as) {
            return Err(LoadError::UnknownReadBack {
                place: place.to_owned(),
                name: acknowledge.r#as.clone(),
            });
        }
        Ok(Self {
            read_back: acknowledge.r#as.clone(),
            key: parse_template(place, &acknowledge.key)?,
            value: parse_template(place, &acknowledge.value)?,
        })
    }

    /// The key and the number that an answer promises.
    pub(crate) fn render(&self, bindings: &Bindings) -> Result<(String, f64), Unusable> {
        let lookup = |name: &str| bindings.lookup(name);
        let key = self
            .key
            .render(Escape::None, &lookup)
            .map_err(|_| Unusable)?;
        let value = self
            .value
            .render(Escape::None, &lookup)
            .map_err(|_| Unusable)?;
        Ok((key, parse_number(&value).ok_or(Unusable)?))
    }
}
