//! The metadata quorum and its log.

use super::settings;

settings! {
    "controller.quorum.append.linger.ms" Int Some("25"), AtLeast(0), Medium ReadOnly Ignored,
        "How long the controller gathers metadata records before it writes them.";
    "controller.quorum.auto.join.enable" Boolean Some("false"), Any, Low ReadOnly Ignored,
        "Whether a new controller joins the quorum by itself.";
    "controller.quorum.bootstrap.servers" List Some(""), HostPorts, High ReadOnly Ignored,
        "Where to find the metadata quorum.";
    "controller.quorum.election.backoff.max.ms" Int Some("1000"), AtLeast(0), High ReadOnly Ignored,
        "The longest pause between two elections of the quorum.";
    "controller.quorum.election.timeout.ms" Int Some("1000"), AtLeast(0), High ReadOnly Ignored,
        "How long an election of the quorum may go without a result.";
    "controller.quorum.fetch.max.bytes" Int Some("1048576"), AtLeast(1), Low ReadOnly Ignored,
        "What a controller asks for of the metadata log at a time.";
    "controller.quorum.fetch.snapshot.max.bytes" Int Some("1048576"), AtLeast(1), Low ReadOnly Ignored,
        "What a controller asks for of a snapshot at a time.";
    "controller.quorum.fetch.timeout.ms" Int Some("2000"), AtLeast(0), High ReadOnly Ignored,
        "After what silence of the quorum's leader an election begins.";
    "controller.quorum.request.timeout.ms" Int Some("2000"), AtLeast(0), Medium ReadOnly Ignored,
        "How long controllers wait for each other's answers.";
    "controller.quorum.retry.backoff.ms" Int Some("20"), AtLeast(0), Low ReadOnly Ignored,
        "The pause before a failed request between controllers is repeated.";
    "controller.quorum.voters" List Some(""), Voters, High ReadOnly Ignored,
        "The fixed set of controllers, as `id@host:port`.";
    "metadata.log.dir" String None, Any, High ReadOnly Ignored,
        "The directory of the metadata log; Strome keeps it in the first of `log.dirs`.";
    "metadata.log.max.record.bytes.between.snapshots" Long Some("20971520"), AtLeast(1), High ReadOnly Ignored,
        "Growth of the metadata log after which a snapshot is made.";
    "metadata.log.max.snapshot.interval.ms" Long Some("3600000"), AtLeast(0), High ReadOnly Ignored,
        "Age of the last snapshot of the metadata after which another is made.";
    "metadata.log.segment.bytes" Int Some("1073741824"), AtLeast(8_388_608), High ReadOnly Ignored,
        "The size at which a file of the metadata log is closed.";
    "metadata.log.segment.ms" Long Some("604800000"), Any, High ReadOnly Ignored,
        "The age at which a file of the metadata log is closed.";
    "metadata.max.idle.interval.ms" Int Some("500"), AtLeast(0), Low ReadOnly Ignored,
        "How often an idle controller writes a record that says nothing.";
    "metadata.max.retention.bytes" Long Some("104857600"), Any, High ReadOnly Ignored,
        "The size above which old parts of the metadata log are dropped.";
    "metadata.max.retention.ms" Long Some("604800000"), Any, High ReadOnly Ignored,
        "The age above which old parts of the metadata log are dropped.";
}
