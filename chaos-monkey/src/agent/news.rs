//! What an agent tells, and how it is worded.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::{OwnerName, Pod};
use crate::schema::{Topic, WebhookForm};

/// Something that people want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Of what kind it is.
    pub topic: Topic,
    /// The agent that tells it.
    pub agent: String,
    /// Whose pods it is about.
    pub owner: OwnerName,
    /// The pod that it is about, with its unique identity.
    pub pod: Option<NamedPod>,
    /// More about it, for people; empty where there is no more.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// A pod of the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPod {
    /// Its name.
    pub name: String,
    /// Its unique identity.
    pub uid: String,
}

impl NamedPod {
    /// The name of a pod.
    pub fn of(pod: &Pod) -> Self {
        Self {
            name: pod.name.clone(),
            uid: pod.uid.clone(),
        }
    }
}

impl News {
    /// It in one sentence, for people.
    pub fn sentence(&self) -> String {
        let pod = match &self.pod {
            Some(pod) => format!("pod {}", pod.name),
            None => "a pod".to_owned(),
        };
        let owner = &self.owner;
        let said = match self.topic {
            Topic::Killed => format!("{pod} of {owner} was killed"),
            Topic::Refused => format!("the kill of {pod} of {owner} was refused"),
            Topic::Unknown => format!("{pod} of {owner} may have been killed"),
            Topic::Whole => format!("{owner} is whole again after {pod} was killed"),
            Topic::NotWhole => format!("{owner} is not whole since {pod} was killed"),
            Topic::Misread => format!("{owner} is left alone, since it is not understood"),
            Topic::Halted => format!("everything is halted because of {owner}"),
        };
        if self.reason.is_empty() {
            return said;
        }
        format!("{said}: {}", self.reason)
    }

    /// The content type and the body in one of the forms in which it is posted. `id` is the same
    /// each time that the same news is tried.
    pub fn posted(&self, form: WebhookForm, id: &str) -> (&'static str, Value) {
        match form {
            WebhookForm::Slack => {
                let text = format!("{}: {}", self.agent, self.sentence());
                ("application/json", json!({"text": text}))
            }
            WebhookForm::CloudEvents => ("application/cloudevents+json", self.cloud_event(id)),
        }
    }

    /// As <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>
    /// says.
    fn cloud_event(&self, id: &str) -> Value {
        let OwnerName {
            namespace,
            kind,
            name,
        } = &self.owner;
        let subject = match &self.pod {
            Some(pod) => format!("{namespace}/Pod/{}", pod.name),
            None => self.owner.to_string(),
        };
        json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/agents/{}", self.agent),
            "type": format!("dev.aplomb.chaos.{}", self.topic.as_str()),
            "subject": subject,
            "time": self.at.to_string(),
            "datacontenttype": "application/json",
            "data": {
                "owner": {"namespace": namespace, "kind": kind.as_str(), "name": name},
                "pod": self.pod.as_ref().map(|pod| json!({"name": pod.name, "uid": pod.uid})),
                "reason": self.reason,
                "message": self.sentence(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::OwnerKind;

    fn news(topic: Topic) -> News {
        News {
            topic,
            agent: "weekday".to_owned(),
            owner: OwnerName {
                namespace: "shop".to_owned(),
                kind: OwnerKind::Deployment,
                name: "web".to_owned(),
            },
            pod: Some(NamedPod {
                name: "web-1".to_owned(),
                uid: "u-1".to_owned(),
            }),
            reason: String::new(),
            at: "2026-03-23T12:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_cloud_event_has_what_the_specification_requires() {
        let (content_type, body) = news(Topic::Killed).posted(WebhookForm::CloudEvents, "7");
        assert_eq!(content_type, "application/cloudevents+json");
        assert_eq!(
            body,
            json!({
                "specversion": "1.0",
                "id": "7",
                "source": "/agents/weekday",
                "type": "dev.aplomb.chaos.killed",
                "subject": "shop/Pod/web-1",
                "time": "2026-03-23T12:00:00Z",
                "datacontenttype": "application/json",
                "data": {
                    "owner": {"namespace": "shop", "kind": "Deployment", "name": "web"},
                    "pod": {"name": "web-1", "uid": "u-1"},
                    "reason": "",
                    "message": "pod web-1 of shop/Deployment/web was killed",
                },
            })
        );
    }

    #[test]
    fn a_message_is_one_sentence() {
        let mut news = news(Topic::Misread);
        news.pod = None;
        news.reason = "`chaos.aplomb.dev/mode: some`".to_owned();
        let (_, body) = news.posted(WebhookForm::Slack, "7");
        assert_eq!(
            body,
            json!({"text": "weekday: shop/Deployment/web is left alone, since it is not \
                            understood: `chaos.aplomb.dev/mode: some`"})
        );
        let sentences = Topic::ALL.map(|topic| {
            News {
                topic,
                ..news.clone()
            }
            .sentence()
        });
        let all: std::collections::BTreeSet<&String> = sentences.iter().collect();
        assert_eq!(all.len(), Topic::ALL.len());
    }
}
