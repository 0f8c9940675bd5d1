//! The Lua scripts, each an atomic step on one partition, and calls of them.

use redis::{Arg, Cmd, Script, ToRedisArgs};
use std::sync::LazyLock;

/// A script with its digest, by which Redis knows it after the first time.
pub(super) struct Code {
    text: String,
    digest: String,
}

/// A call of a script.
pub(super) struct Call {
    code: &'static Code,
    command: Cmd,
}

impl Code {
    fn new(text: String) -> Self {
        let digest = Script::new(&text).get_hash().to_owned();
        Self { text, digest }
    }
}

impl Call {
    /// A call with what its keys begin with; it decides which node of a Cluster does it.
    pub(super) fn new(code: &'static Code, key: &str) -> Self {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&code.digest).arg(1).arg(key);
        Self { code, command }
    }

    /// One more argument.
    pub(super) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.command.arg(arg);
        self
    }

    /// One more argument, in place.
    pub(super) fn push(&mut self, arg: impl ToRedisArgs) {
        self.command.arg(arg);
    }

    /// How it is sent as a rule.
    pub(super) const fn command(&self) -> &Cmd {
        &self.command
    }

    /// How it is sent to a server that does not know the script.
    pub(super) fn with_text(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.code.text);
        for arg in self.command.args_iter().skip(2) {
            if let Arg::Simple(bytes) = arg {
                command.arg(bytes);
            }
        }
        command
    }
}

/// Defines scripts; those of partitions share their beginning.
macro_rules! scripts {
    ($($name:ident: $shared:expr, $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Code> =
            LazyLock::new(|| Code::new([$shared, include_str!(concat!("script/", $file))].concat()));)*
    };
}

const SHARED: &str = include_str!("script/shared.lua");
const ALONE: &str = "";
const DOCUMENTS: &str = concat!(include_str!("script/shared.lua"), include_str!("script/documents.lua"));
/// Documents, for what may be done when Redis is full.
const DOCUMENTS_WHEN_FULL: &str = concat!(
    "#!lua flags=allow-oom\n",
    include_str!("script/shared.lua"),
    include_str!("script/documents.lua")
);

scripts! {
    ACCESS_PUT: ALONE, "accessput.lua";
    ACCESS_REVOKE: ALONE, "accessrevoke.lua";
    RATE: ALONE, "rate.lua";
    PUBLISH: SHARED, "publish.lua";
    RAISE: SHARED, "raise.lua";
    PEEK: SHARED, "peek.lua";
    CLAIM: SHARED, "claim.lua";
    PARK: SHARED, "park.lua";
    SETTLE: SHARED, "settle.lua";
    EXTEND: SHARED, "extend.lua";
    RELEASE: SHARED, "release.lua";
    CHANGE: SHARED, "change.lua";
    ADD: SHARED, "add.lua";
    DROP: SHARED, "drop.lua";
    LIST: SHARED, "list.lua";
    EVENTS: SHARED, "events.lua";
    COUNTS: SHARED, "counts.lua";
    ONE: SHARED, "one.lua";
    OLDEST: SHARED, "oldest.lua";
    SWEEP: SHARED, "sweep.lua";
    DOC_PUT: DOCUMENTS, "docput.lua";
    DOC_REMOVE: DOCUMENTS_WHEN_FULL, "docremove.lua";
    DOC_READ: DOCUMENTS, "docread.lua";
    DOC_FETCH: DOCUMENTS, "docfetch.lua";
    DOC_LIST: DOCUMENTS, "doclist.lua";
    DOC_FIND: DOCUMENTS, "docfind.lua";
    DOC_SIZES: SHARED, "docsizes.lua";
    DOC_COUNTER: ALONE, "doccounter.lua";
    GUARD: ALONE, "guard.lua";
    REGISTRY: ALONE, "registry.lua";
    LOAD: ALONE, "load.lua";
    JOB: ALONE, "job.lua";
    OPEN_JOBS: ALONE, "openjobs.lua";
    SWEEP_JOBS: ALONE, "sweepjobs.lua";
    BATCH_ADD: ALONE, "batchadd.lua";
    BATCH_ACCEPT: ALONE, "batchaccept.lua";
    BATCH_ABANDON: ALONE, "batchabandon.lua";
    BATCH_NEXT: ALONE, "batchnext.lua";
    BATCH_TAKE: ALONE, "batchtake.lua";
    BATCH_EXTEND: ALONE, "batchextend.lua";
    BATCH_SETTLE: SHARED, "batchsettle.lua";
    BATCH_CANCEL: ALONE, "batchcancel.lua";
    BATCH_SWEEP: ALONE, "batchsweep.lua";
    HEALTH: ALONE, "health.lua";
}
