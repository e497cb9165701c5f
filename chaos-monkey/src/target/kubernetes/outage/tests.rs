use super::*;

#[test]
fn an_address_is_shown_without_what_may_be_secret() {
    for (url, expected) in [
        (
            "https://me:secret@probe:9090/health?token=secret",
            "https://probe:9090/health",
        ),
        ("http://probe/", "http://probe/"),
        ("not an address", "the outage probe"),
    ] {
        assert_eq!(shown(url), expected);
    }
}

#[tokio::test]
async fn who_does_not_answer_forbids_and_tells_no_secret() {
    // A port that nobody listens to: it was bound and given back.
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let probe = OutageProbe::Http(format!("http://me:secret@{address}/health?token=secret"));
    let said = ask(&probe).await.unwrap();
    assert!(
        said.contains("has not answered") && !said.contains("secret"),
        "{said}"
    );
}

#[test]
fn only_an_answer_without_results_says_that_all_is_well() {
    let answer =
        |result: &str| format!(r#"{{"status": "success", "data": {{"result": {result}}}}}"#);
    assert_eq!(results(answer("[]").as_bytes()), Ok(()));
    for (text, reason) in [
        (answer("[1]"), "has 1 results"),
        (answer("null"), "no results at all"),
        (
            r#"{"status": "error", "error": "bad"}"#.to_owned(),
            "could not answer",
        ),
        ("<html>".to_owned(), "no JSON"),
    ] {
        let said = results(text.as_bytes()).unwrap_err();
        assert!(said.contains(reason), "{said}");
    }
}
