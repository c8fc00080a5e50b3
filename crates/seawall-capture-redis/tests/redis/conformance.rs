//! The store does what every store promises: on a server, on a node of a cluster, and where nothing
//! ever expires.

use std::future::ready;

use seawall_capture::store::{Retention, conformance};

use crate::server::Server;

async fn conforms(server: &Server, retention: Retention) {
    let mut number = 0;
    conformance::all(|| {
        number += 1;
        let name = format!("store {number}");
        ready(server.builder().name(name).retention(retention).build().unwrap())
    })
    .await;
}

const HOUR: Retention = Retention::of(std::time::Duration::from_hours(1));

#[tokio::test]
async fn on_a_server() {
    let Some(server) = Server::start() else { return };
    conforms(&server, HOUR).await;
}

#[tokio::test]
async fn where_nothing_expires() {
    let Some(server) = Server::start() else { return };
    conforms(&server, Retention::KEEP).await;
}

/// A node refuses scripts whose keys are not in one slot.
#[tokio::test]
async fn on_a_node_of_a_cluster() {
    let Some((server, _)) = Server::node() else { return };
    server.run::<()>("CLUSTER ADDSLOTSRANGE 0 16383");
    crate::server::until("the cluster is up", || {
        server.run::<String>("CLUSTER INFO").contains("cluster_state:ok").then_some(())
    });
    conforms(&server, HOUR).await;
}
