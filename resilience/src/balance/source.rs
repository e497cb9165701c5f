//! Where the list of endpoints comes from, while it may change.

use std::io;

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::endpoints::Endpoints;

/// A list of endpoints, fixed or followed.
///
/// A [list](Endpoints) that never changes; what a [`watch`] channel holds, for whoever knows the
/// endpoints best; a [stream](Self::stream) of lists; or a name that is
/// [resolved](super::Dns) again and again. Endpoints that stay keep their record: load,
/// ejection, share.
#[derive(Debug, Clone)]
pub struct EndpointSource {
    present: Present,
}

#[derive(Debug, Clone)]
enum Present {
    Fixed(Endpoints),
    Watched(watch::Receiver<Endpoints>),
}

impl EndpointSource {
    /// What each list of the stream says, until it ends; then its last list stays. There are no
    /// endpoints before its first list. A task follows the stream for as long as somebody uses
    /// the source.
    ///
    /// # Errors
    ///
    /// Outside of a runtime of tokio.
    pub fn stream<S>(lists: S) -> io::Result<Self>
    where
        S: Stream<Item = Endpoints> + Send + 'static,
    {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let (sender, receiver) = watch::channel(Endpoints::default());
        runtime.spawn(async move {
            let mut lists = Box::pin(lists);
            loop {
                let list = tokio::select! {
                    list = lists.next() => list,
                    () = sender.closed() => None,
                };
                let Some(list) = list else { return };
                sender.send_if_modified(|present| {
                    let is_news = *present != list;
                    *present = list;
                    is_news
                });
            }
        });
        Ok(receiver.into())
    }

    /// The list of this moment.
    pub fn endpoints(&self) -> Endpoints {
        match &self.present {
            Present::Fixed(endpoints) => endpoints.clone(),
            Present::Watched(receiver) => receiver.borrow().clone(),
        }
    }

    /// The list, if it has changed since it was asked for last.
    pub(super) fn news(&mut self) -> Option<Endpoints> {
        match &mut self.present {
            Present::Fixed(_) => None,
            Present::Watched(receiver) => {
                // A channel that is closed may still hold a list that nobody has seen.
                if !receiver.has_changed().unwrap_or(true) {
                    return None;
                }
                let list = receiver.borrow_and_update();
                list.has_changed().then(|| list.clone())
            }
        }
    }
}

impl Default for EndpointSource {
    /// No endpoint.
    fn default() -> Self {
        Endpoints::default().into()
    }
}

impl From<Endpoints> for EndpointSource {
    fn from(endpoints: Endpoints) -> Self {
        Self {
            present: Present::Fixed(endpoints),
        }
    }
}

impl From<watch::Receiver<Endpoints>> for EndpointSource {
    fn from(receiver: watch::Receiver<Endpoints>) -> Self {
        Self {
            present: Present::Watched(receiver),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    fn list(text: &str) -> Endpoints {
        Endpoints::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_followed_and_its_last_list_stays() {
        let lists = ["http://a:1", "http://a:1", "http://a:1,http://b:1"];
        let lists = stream::iter(lists).then(async |text| {
            sleep(Duration::from_secs(1)).await;
            list(text)
        });
        let mut source = EndpointSource::stream(lists).unwrap();
        assert!(source.endpoints().is_empty());
        assert_eq!(source.news(), None);
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(source.news(), Some(list("http://a:1")));
        assert_eq!(source.news(), None);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(source.news(), None);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(source.news(), Some(list("http://a:1,http://b:1")));
        assert_eq!(source.news(), None);
        assert_eq!(source.endpoints(), list("http://a:1,http://b:1"));
    }

    #[test]
    fn outside_of_a_runtime_it_is_an_error() {
        assert!(EndpointSource::stream(stream::empty()).is_err());
    }
}
