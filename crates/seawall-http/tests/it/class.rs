//! What answers and errors mean.

use std::io;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use seawall::{CarriedOut, Class, Classify, Verdict};
use seawall_http::{HttpOutcomes, class};

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let fields = fields.iter();
    fields.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn of(status: u16) -> Verdict {
    class::of_answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new())
}

#[test]
fn each_status_has_its_class() {
    let overloaded = Class::Overloaded { retry_after: None };
    for (status, class) in [
        (101, Class::Success),
        (200, Class::Success),
        (304, Class::Success),
        (400, Class::Permanent),
        (404, Class::Permanent),
        (408, Class::Transient),
        (429, overloaded),
        (500, Class::Transient),
        (501, Class::Permanent),
        (502, Class::Transient),
        (503, overloaded),
        (504, Class::Transient),
        (505, Class::Permanent),
        (507, Class::Transient),
        (599, Class::Transient),
    ] {
        assert_eq!(of(status), class.into(), "{status}");
    }
    // A server that says it did not act on it.
    for status in [421, 425] {
        assert_eq!(of(status), Class::Transient.not_carried_out());
    }
}

#[test]
fn an_answer_says_when_to_come_back() {
    let asked = headers(&[("retry-after", "3")]);
    let verdict = class::of_answer(StatusCode::SERVICE_UNAVAILABLE, &asked);
    assert_eq!(verdict.class.retry_after(), Some(Duration::from_secs(3)));
    // "Overloaded" proves nothing.
    assert_eq!(verdict.carried_out, CarriedOut::Maybe);
}

#[test]
fn an_answer_of_grpc_has_the_class_of_its_status() {
    let of = |code| {
        let head = headers(&[("content-type", "application/grpc"), ("grpc-status", code)]);
        class::of_answer(StatusCode::OK, &head).class
    };
    assert_eq!(of("0"), Class::Success);
    assert_eq!(of("4"), Class::Transient);
    assert_eq!(of("14"), Class::Transient);
    assert_eq!(of("8"), Class::Overloaded { retry_after: None });
    // Aborted: the caller's transaction.
    for permanent in ["1", "2", "3", "5", "10", "13", "16"] {
        assert_eq!(of(permanent), Class::Permanent, "{permanent}");
    }
    let pushed = headers(&[("grpc-status", "8"), ("grpc-retry-pushback-ms", "70")]);
    let verdict = class::of_grpc(8, &pushed);
    assert_eq!(verdict.class.retry_after(), Some(Duration::from_millis(70)));
    // A field of that name in an answer that is no gRPC says nothing.
    let html = headers(&[("content-type", "text/html"), ("grpc-status", "14")]);
    assert_eq!(class::of_answer(StatusCode::OK, &html), Class::Success.into());
}

#[test]
fn an_error_is_known_wherever_it_is_in_the_chain() {
    #[derive(Debug)]
    struct Wrapped(io::Error);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("wrapped")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let of = |kind: io::ErrorKind| {
        HttpOutcomes.classify(Err::<&http::Response<()>, _>(&Wrapped(kind.into())))
    };
    assert_eq!(of(io::ErrorKind::ConnectionRefused), Class::Transient.not_carried_out());
    assert_eq!(of(io::ErrorKind::HostUnreachable), Class::Transient.not_carried_out());
    assert_eq!(of(io::ErrorKind::ConnectionReset), Class::Transient.into());
    assert_eq!(of(io::ErrorKind::Other), Class::Transient.into());
}

#[cfg(feature = "hyper-util")]
#[tokio::test]
async fn a_connection_of_hyper_util_that_fails_was_not_sent_whatever_failed() {
    use hyper_util::client::legacy::Client;
    use hyper_util::client::legacy::connect::HttpConnector;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    // As a name that can't be resolved, or TLS.
    let connector = tower::service_fn(|_: http::Uri| {
        let failed = io::Error::other("no such host");
        std::future::ready(Err::<TokioIo<tokio::net::TcpStream>, _>(failed))
    });
    let client: Client<_, http_body_util::Empty<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let error = client.get("http://shop.example/".parse().unwrap()).await.unwrap_err();
    assert_eq!(class::of_error(&error), Class::Transient.not_carried_out());
    let plain: Client<HttpConnector, http_body_util::Empty<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let error = plain.get("http://127.0.0.1:1/".parse().unwrap()).await.unwrap_err();
    assert_eq!(class::of_error(&error), Class::Transient.not_carried_out());
}
