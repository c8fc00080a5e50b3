//! Deadlines in headers.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use seawall_http::{DeadlineHeader, DeadlineReader};

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn the_earliest_of_several_counts_and_none_is_longer_than_we_work() {
    const ENVOY: &str = "x-envoy-expected-rq-timeout-ms";
    let own = DeadlineHeader::Millis(HeaderName::from_static("x-request-timeout-ms"));
    let reader = DeadlineReader::new(1_000 * MS).header(own);
    for (fields, left) in [
        (&[][..], 1_000),
        (&[("grpc-timeout", "250m")][..], 250),
        (&[("grpc-timeout", "5S")], 1_000),
        (&[(ENVOY, "300")], 300),
        (&[("grpc-timeout", "250m"), (ENVOY, "200")], 200),
        (&[("x-request-timeout-ms", "7")], 7),
        // What is no number says nothing.
        (&[("x-request-timeout-ms", "soon"), (ENVOY, "-1")], 1_000),
        (&[("x-request-timeout-ms", "0")], 0),
    ] {
        let all = fields.iter();
        let headers: HeaderMap =
            all.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let deadline = reader.read(&headers).unwrap();
        assert_eq!(deadline.remaining(), Some(left * MS), "{fields:?}");
    }
}

#[test]
fn a_malformed_timeout_of_grpc_is_an_error() {
    let mut headers = HeaderMap::new();
    for malformed in ["", "5", "m", "-1S", "123456789m", "1.5S"] {
        headers.insert("grpc-timeout", malformed.parse().unwrap());
        assert!(DeadlineReader::new(MS).read(&headers).is_err(), "{malformed}");
    }
}

#[test]
fn what_is_left_is_written_rounded_down_in_place_of_what_is_there() {
    let mut headers = HeaderMap::new();
    headers.append("grpc-timeout", "9S".parse().unwrap());
    headers.append("grpc-timeout", "8S".parse().unwrap());
    let left = Duration::from_micros(1_900);
    DeadlineHeader::Grpc.write(left, &mut headers);
    DeadlineHeader::Envoy.write(left, &mut headers);
    assert_eq!(headers.get_all("grpc-timeout").iter().collect::<Vec<_>>(), ["1900000n"]);
    assert_eq!(headers["x-envoy-expected-rq-timeout-ms"], "1");
}
