//! P7: an agent with an open session that has nothing to do.

use std::time::Duration;

use restic_manager_integration_tests::Fleet;

use crate::report::{Report, Row};
use crate::{processes, syncs, wire};

/// What starting leaves behind has settled by then.
const SETTLING: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_mins(2);

/// Measures and adds the rows.
pub(crate) fn measure(report: &mut Report) {
    let fleet = Fleet::start();
    let host = fleet.host("idle", &fleet.local_repository());
    let agent = host.agent.process_id();
    processes::watch_for(SETTLING);
    let port = fleet.server.agent_authority();
    let (_, port) = port.rsplit_once(':').expect("an authority names its port");
    let (cpu, written) = (processes::cpu(agent), processes::written_kib(agent));
    let bytes = wire::bytes_to_port(port);
    processes::watch_for(WATCHED);
    let used = processes::cpu(agent).own - cpu.own;
    let bytes = wire::bytes_to_port(port) - bytes;
    let minutes = WATCHED.as_secs_f64() / 60.0;

    report.add(Row::bound(
        "P7",
        "memory of an idle agent".to_owned(),
        processes::resident_kib(agent) / 1024.0,
        "MiB",
        Some(15.0),
    ));
    report.add(Row::bound(
        "P7",
        "processor time of an idle agent, of one core".to_owned(),
        used / WATCHED.as_secs_f64() * 100.0,
        "%",
        Some(0.05),
    ));
    report.add(Row::bound(
        "P7",
        "written to disk by an idle agent, in a minute".to_owned(),
        (processes::written_kib(agent) - written) / minutes,
        "KiB",
        None,
    ));
    report.add(Row::bound(
        "P7",
        "to and from an idle agent, in a second".to_owned(),
        bytes / WATCHED.as_secs_f64(),
        "B",
        Some(200.0),
    ));
    // For itself, because being traced costs time.
    let syncs = syncs::count(agent, fleet.directory(), WATCHED);
    report.add(Row::bound(
        "P7",
        "waits of an idle agent for the disk, in a minute".to_owned(),
        syncs / minutes,
        "calls",
        Some(1.0),
    ));
}
